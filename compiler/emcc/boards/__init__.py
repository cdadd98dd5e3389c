"""Boards: what is on them, the project that puts an artefact onto one, and the way to its bitstream."""
