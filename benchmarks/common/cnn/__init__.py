"""Parts of benchmarks/cnn.py: networks, photographs, rows, what bounds a layer, tables."""
