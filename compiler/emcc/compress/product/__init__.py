"""Product quantisation: k-means of sub-vectors, and how a network is trained with it."""
