"""K-means of numbers: exact in one dimension, Lloyd's steps, and for more weights than fit in memory."""
