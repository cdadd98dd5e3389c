"""The two intermediate representations: Graph (what the model means) and Program (what the array executes)."""
