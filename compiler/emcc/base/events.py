"""What training and searching tell while they work."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """`done` of `total` epochs of a stage.

    Attributes:
        loss: mean of the epoch; sparsity: share of weights that are zero.
        quality: on held-out data, in percent; `measure` says of what.
    """

    stage: str
    done: int
    total: int
    loss: float
    sparsity: float
    quality: float
    measure: str
