"""The link between host and board: one definition, of which RTL, C and docs are rendered, and its frames in Python."""
