"""Passes: a Graph in, a new Graph out; one file each. `base.py` says what a pass is."""
