"""From a goal (accuracy, size or sparsity) to sparsity, codebooks and bits."""
