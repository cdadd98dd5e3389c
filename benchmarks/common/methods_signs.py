"""Rows of benchmarks/methods.py: binary activations, alone and with few bits of weights."""

from typing import Any

SIGNS = "binary-activations"

_NO: dict[str, Any] = {"finetune": {"epochs": 0, "shared_epochs": 0}}
_THROUGH: dict[str, Any] = {"finetune": {"epochs": 0, "shared_epochs": 3, "shared_learning_rate": 1e-3}}
_LONGER: dict[str, Any] = {"finetune": {**_THROUGH["finetune"], "shared_epochs": 20}}
_PRUNED: dict[str, Any] = {"finetune": {**_THROUGH["finetune"], "epochs": 4}, "prune": {"sparsity": 0.9}}
_BOOKS: dict[str, Any] = {**_THROUGH, "share": {"bits": 4}}
_ROW: dict[str, Any] = {"scale": "row"}

MATRICES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("binary activations", SIGNS, _NO),
    ("binary activations, k-means, 4 bits", f"{SIGNS}+kmeans", _BOOKS),
    ("binary activations, ternary, a scale a row", f"{SIGNS}+ternary", {**_THROUGH, "ternary": _ROW}),
    ("XNOR: binary activations, binary, a scale a row", f"{SIGNS}+binary", _THROUGH),
    ("XNOR, 20 epochs", f"{SIGNS}+binary", _LONGER),
    ("binary activations, pruned to 10 %, ternary", f"{SIGNS}+magnitude+ternary", {**_PRUNED, "ternary": _ROW}),
)
"""For a network of matrices; straight through as the rows of methods_quant."""

_FEWER: dict[str, Any] = {SIGNS: {"epochs": 4}}
_ENDS: dict[str, Any] = {"layers": {"conv1": 8, "ip2": 8}}
"""The first and the last layer of LeNet-5, which the paper leaves in floats."""

CONVOLUTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("binary activations", SIGNS, {**_NO, **_FEWER}),
    ("XNOR: binary activations, binary, a scale a row", f"{SIGNS}+binary", {**_THROUGH, **_FEWER}),
    ("XNOR, the ends of 8 bits", f"{SIGNS}+binary", {**_THROUGH, **_FEWER, "binary": _ENDS}),
    ("binary, a scale a row", "binary", _THROUGH),
)
"""For LeNet-5."""

ROWS = tuple(("lenet300100", *row) for row in MATRICES) + tuple(("lenet5", *row) for row in CONVOLUTIONS)
"""(model, name, methods, recipe by section)."""
