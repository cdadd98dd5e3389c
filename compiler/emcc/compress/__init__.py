"""The one compressor: methods, their trainer, the problem that judges them, and the search for a goal."""
