"""The user's data: files, splits, samples."""
