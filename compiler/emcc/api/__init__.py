"""The Python API, which `emcc` itself hands out: compile, compress, load, and what they give."""
