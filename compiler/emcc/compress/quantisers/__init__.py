"""Quantisers: methods that share weights by a rule instead of by clusters."""
