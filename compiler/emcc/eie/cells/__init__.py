"""Cells that a design takes on a family of parts: what they are in proportion to, and how much of it (docs/adr/0037)."""
