"""Cells that a design takes on a family of parts: what they are in proportion to, and by what factor (adr/0037)."""
