"""A board at a serial line, or a virtual one: what `emcc run --port` and `emcc board` are made of."""
