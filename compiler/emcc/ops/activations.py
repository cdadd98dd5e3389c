"""The functions of one tensor that the array runs from a table, an entry each.

A new one is an entry here and its rule in `frontend.rules`. Any other function is in `ops.functions`.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.ops.attributes import number, one_of
from emcc.ops.elementwise import activation
from emcc.ops.operator import Attrs, Operator

LARGEST = float(np.finfo(np.float32).max)
"""A bound of Clip that bounds nothing."""


def sigmoid(xp: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow at either end."""
    small = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, 1 / (1 + small), small / (1 + small))


def erf(xp: Any, x: Any) -> Any:
    """The error function."""
    if xp is not np:
        return xp.erf(x)
    from scipy.special import erf as of_arrays

    return of_arrays(x)


def softplus(xp: Any, x: Any) -> Any:
    """log(1 + exp(x)), without overflow."""
    return xp.clip(x, 0, None) + xp.log1p(xp.exp(-xp.abs(x)))


def expm1(xp: Any, x: Any) -> Any:
    """exp(x) - 1 below 0, and 0 above."""
    return xp.expm1(xp.clip(x, None, 0))


def _leaky_relu(xp: Any, attrs: Attrs, x: Any) -> Any:
    return xp.where(x >= 0, x, x * attrs["alpha"])


def _elu(xp: Any, attrs: Attrs, x: Any) -> Any:
    return xp.clip(x, 0, None) + attrs["alpha"] * expm1(xp, x)


def _celu(xp: Any, attrs: Attrs, x: Any) -> Any:
    return xp.clip(x, 0, None) + attrs["alpha"] * expm1(xp, x / attrs["alpha"])


def _gelu(xp: Any, attrs: Attrs, x: Any) -> Any:
    if attrs["approximate"] == "tanh":
        return x / 2 * (1 + xp.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)))
    return x / 2 * (1 + erf(xp, x / math.sqrt(2)))


def _hard_sigmoid(xp: Any, attrs: Attrs, x: Any) -> Any:
    return xp.clip(attrs["alpha"] * x + attrs["beta"], 0, 1)


def _hard_swish(xp: Any, attrs: Attrs, x: Any) -> Any:
    return x * xp.clip(x / 6 + 0.5, 0, 1)


def _thresholded(xp: Any, attrs: Attrs, x: Any) -> Any:
    return xp.where(x > attrs["alpha"], x, 0 * x)


def _clip_limits(attrs: Attrs) -> tuple[float, float] | None:
    low, high = float(attrs["low"]), float(attrs["high"])
    return (low, high) if low > -LARGEST and high < LARGEST else None


def _hard_limits(attrs: Attrs) -> tuple[float, float] | None:
    slope = float(attrs["alpha"])
    return None if slope == 0 else (0.0, 1.0) if slope > 0 else (1.0, 0.0)


def _swish_turns(attrs: Attrs) -> tuple[float, ...]:
    return (-1.2784645 / attrs["alpha"],) if attrs["alpha"] else (0.0,)


def _jump(attrs: Attrs) -> tuple[float, ...]:
    return (float(np.nextafter(attrs["alpha"], np.inf)),)


def not_zero(value: Any) -> bool:
    """A finite number, and not 0."""
    return number(value) and value != 0


ACTIVATIONS: Mapping[str, Operator] = {
    "Celu": activation(_celu, "keeps zero", alpha=not_zero),
    "Clip": activation(
        lambda xp, attrs, x: xp.clip(x, attrs["low"], attrs["high"]), limits=_clip_limits, high=number, low=number
    ),
    "Elu": activation(_elu, "keeps zero", alpha=number),
    "Erf": activation(lambda xp, attrs, x: erf(xp, x), "keeps zero", limits=(-1.0, 1.0)),
    "Gelu": activation(_gelu, "keeps zero", turns=(-0.7517915, -0.7524614), approximate=one_of("none", "tanh")),
    "HardSigmoid": activation(_hard_sigmoid, limits=_hard_limits, alpha=number, beta=number),
    "HardSwish": activation(_hard_swish, "keeps zero", turns=(-1.5,)),
    "LeakyRelu": activation(_leaky_relu, "homogeneous", "keeps zero", alpha=number),
    "Mish": activation(lambda xp, attrs, x: x * xp.tanh(softplus(xp, x)), "keeps zero", turns=(-1.1924312,)),
    "Relu": activation(lambda xp, attrs, x: xp.clip(x, 0, None), "homogeneous", "keeps zero", "rectifier"),
    "Selu": activation(
        lambda xp, attrs, x: attrs["gamma"] * _elu(xp, attrs, x), "keeps zero", alpha=number, gamma=number
    ),
    "Sigmoid": activation(lambda xp, attrs, x: sigmoid(xp, x), limits=(0.0, 1.0)),
    "Softplus": activation(lambda xp, attrs, x: softplus(xp, x)),
    "Softsign": activation(lambda xp, attrs, x: x / (1 + xp.abs(x)), "keeps zero"),
    "Swish": activation(
        lambda xp, attrs, x: x * sigmoid(xp, attrs["alpha"] * x), "keeps zero", turns=_swish_turns, alpha=number
    ),
    "Tanh": activation(lambda xp, attrs, x: xp.tanh(x), "keeps zero", limits=(-1.0, 1.0)),
    "ThresholdedRelu": activation(_thresholded, "keeps zero", turns=_jump, alpha=number),
}
