"""MNIST's idx.gz files as arrays."""

import gzip
from pathlib import Path

import numpy as np

SPLITS = {"train": ("train", 60_000), "test": ("t10k", 10_000)}


def read(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(x float32 [n, 1, 28, 28] from 0 to 1, y int64 [n])."""
    name, count = SPLITS[split]
    images = _idx(folder / f"{name}-images-idx3-ubyte.gz", 16).reshape(count, 1, 28, 28)
    labels = _idx(folder / f"{name}-labels-idx1-ubyte.gz", 8)
    return images.astype(np.float32) / np.float32(256), labels.astype(np.int64)


def _idx(path: Path, header: int) -> np.ndarray:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)
