"""Values as emcc.json has them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

DIGITS = 6


def rounded(value: Any) -> Any:
    """As JSON has it; floats to six digits, since the last ones depend on the machine's BLAS."""
    if isinstance(value, Mapping):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(each) for each in value]
    if isinstance(value, np.generic):
        value = value.item()
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value
