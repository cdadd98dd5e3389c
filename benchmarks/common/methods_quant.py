"""Rows of benchmarks/methods.py: quantisers, and methods of low rank."""

from typing import Any

Row = tuple[str, str, dict[str, object]]

_TRAINED: dict[str, Any] = {"epochs": 0, "shared_epochs": 3, "shared_learning_rate": 1e-3}
_PRUNED: dict[str, Any] = {**_TRAINED, "epochs": 4}

_ONCE: dict[str, Any] = {"epochs": 0, "shared_epochs": 0}

_PQ: dict[str, object] = {"layers": {"ip3": 2}}
"""The last layer's rows are short: blocks of 2 for its 1,000 weights."""

_NOISE: dict[str, object] = {"noise": 0.1, "noise_epochs": 2}

_OWN: dict[str, object] = {"own": "position", "entries": 16}

_MIXED: dict[str, object] = {"scale": "row", "reach": "mse"}

_PARTS: dict[str, object] = {"by": "size", "layers": {"ip3": 0}}
"""Of the layers but the last, whose ten rows have no rank to spare."""


def _row(name: str, method: str, options: dict[str, object], sparsity: float = 0.0, **others: object) -> Row:
    """A method of codebooks alone, or behind pruning; `others` are more sections of the recipe."""
    factors = str(others.pop("factors", ""))
    finetune = _PRUNED if sparsity or factors else _TRAINED
    sections = {"prune": {"sparsity": sparsity}, method: options, "finetune": finetune}
    return name, "+".join([*filter(None, (factors,)), "prune", method]), {**sections, **others}


MATRICES: tuple[Row, ...] = (
    _row("k-means, 4 bits", "share", {"bits": 4}),
    _row("uniform, 8 bits, a scale a tensor", "uniform", {"bits": 8, "reach": "max"}),
    _row("uniform, 8 bits, a scale a row", "uniform", {"bits": 8, "scale": "row", "reach": "max"}),
    _row("uniform, 4 bits, asymmetric", "uniform", {"bits": 4, "symmetric": False, "reach": "max"}),
    _row("uniform, 4 bits, a scale a row", "uniform", {"bits": 4, "scale": "row", "reach": "mse"}),
    _row("uniform, 3 bits, a scale a row", "uniform", {"bits": 3, "scale": "row", "reach": "mse"}),
    _row("uniform, 2 bits, a scale a row", "uniform", {"bits": 2, "scale": "row", "reach": "mse"}),
    _row("uniform, 2.5 bits on average, a scale a row", "uniform", _MIXED | {"mean_bits": 2.5}),
    _row("uniform, 3.5 bits on average, a scale a row", "uniform", _MIXED | {"mean_bits": 3.5}),
    _row("powers of two, 4 bits", "power-of-two", {"bits": 4}),
    _row("powers of two, 3 bits", "power-of-two", {"bits": 3}),
    _row("ternary, a scale a tensor", "ternary", {}),
    _row("ternary, a scale a row", "ternary", {"scale": "row"}),
    _row("ternary, Quant-Noise 0.5", "ternary", {"scale": "row", "noise": 0.5}),
    _row("binary, a scale a row", "binary", {}),
    _row("binary, a scale a tensor", "binary", {"scale": "tensor"}),
    _row("pruned to 10 %, uniform, 4 bits", "uniform", {"bits": 4, "scale": "row", "reach": "mse"}, 0.9),
    _row("pruned to 10 %, uniform, 4 bits on average", "uniform", _MIXED | {"mean_bits": 4.0}, 0.9),
    _row("pruned to 10 %, uniform, 3 bits", "uniform", {"bits": 3, "scale": "row", "reach": "mse"}, 0.9),
    _row("pruned to 10 %, uniform, 3 bits on average", "uniform", _MIXED | {"mean_bits": 3.0}, 0.9),
    _row("pruned to 10 %, ternary", "ternary", {"scale": "row"}, 0.9),
    _row("product, blocks of 8", "product", _PQ),
    _row("product, blocks of 8, at once", "product", _PQ, finetune=_ONCE),
    _row("product, blocks of 8, Quant-Noise 0.1", "product", _PQ | _NOISE),
    _row("product, blocks of 4, Quant-Noise 0.1", "product", _PQ | _NOISE | {"block": 4}),
    _row("product, blocks of 4", "product", _PQ | {"block": 4}),
    _row("product, blocks of 4, 16 sub-vectors a position", "product", _PQ | _OWN | {"block": 4}),
    _row("SVD, energy 0.9, k-means, 4 bits", "share", {"bits": 4}, factors="svd", svd={"energy": 0.9}),
    _row("SVD, a quarter, k-means, 4 bits", "share", {"bits": 4}, factors="svd", svd=_PARTS | {"size": 0.25}),
    _row("SVD, half, pruned to 20 %, k-means", "share", {"bits": 4}, 0.8, factors="svd", svd=_PARTS | {"size": 0.5}),
)
"""For a network of matrices; no training before sharing but of pruned or split layers."""

_HALF: dict[str, object] = {"by": "size", "size": 0.5}

CONVOLUTIONS: tuple[Row, ...] = (
    _row("k-means, 4 bits", "share", {"bits": 4}),
    _row("spatial SVD, half, k-means, 4 bits", "share", {"bits": 4}, factors="spatial-svd", **{"spatial-svd": _HALF}),
    _row("Tucker-2, half, k-means, 4 bits", "share", {"bits": 4}, factors="tucker-2", **{"tucker-2": _HALF}),
    _row("CP, half, k-means, 4 bits", "share", {"bits": 4}, factors="cp", cp=_HALF),
    _row("CP, a quarter, k-means, 4 bits", "share", {"bits": 4}, factors="cp", cp={"by": "size", "size": 0.25}),
)
"""For LeNet-5."""

ROWS = tuple(("lenet300100", *row) for row in MATRICES) + tuple(("lenet5", *row) for row in CONVOLUTIONS)
"""(model, name, methods, recipe by section)."""
