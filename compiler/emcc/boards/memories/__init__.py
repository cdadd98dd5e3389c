"""Memories in a bitstream: where each bit of each image lies, so that others can be put there without placing again."""
