"""What runs after compiling: data files, and the emitted design in a simulator."""
