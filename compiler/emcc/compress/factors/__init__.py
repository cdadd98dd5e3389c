"""Low rank: methods that split a layer into smaller ones, before anything is pruned."""
