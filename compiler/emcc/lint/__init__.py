"""Lint of emitted RTL under three readers, and the designs that exercise the library."""
