"""Automatic compression: from a goal (accuracy, size or sparsity) to sparsity, codebooks and codes a layer."""
