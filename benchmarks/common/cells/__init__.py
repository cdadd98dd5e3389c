"""Cells of designs, as nextpnr packs them, by the part of the array that they belong to."""
