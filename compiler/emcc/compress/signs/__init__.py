"""Binary activations: where they may be, thresholds and levels, and the graph with them."""
