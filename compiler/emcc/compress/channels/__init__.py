"""Whole channels: which belong together, what each is worth, how many go, and the graph without them."""
