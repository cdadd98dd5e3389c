"""Helpers of training: what may be added to the aim or taken from the gradients, off by default."""

from dataclasses import dataclass

from emcc.base.options import option


@dataclass(frozen=True, kw_only=True)
class Helpers:
    """Options of everything that trains weights before they are shared: `penalties` and `sparse_gradients` do them."""

    weight_decay: float = option(
        0.0, "of weights before they are shared, per unit of learning rate", low=0.0, high=10.0, silent=True
    )
    l1: float = option(
        0.0, "of the sum of the weights' sizes, in the aim (Tibshirani 1996)", low=0.0, high=10.0, silent=True
    )
    group: float = option(
        0.0,
        "of the sum of the rows' Euclidean norms, a filter or neuron each (Wen et al. 2016)",
        low=0.0,
        high=10.0,
        silent=True,
    )
    exclusive: float = option(
        0.0,
        "of half the sum of squares of the sizes that leave an input (Yoon and Hwang 2017)",
        low=0.0,
        high=10.0,
        silent=True,
    )
    top_gradients: float = option(
        1.0,
        "share of the gradient of a hidden layer's sums that goes on, a sample, the largest (meProp, Sun et al. 2017)",
        low=0.0,
        high=1.0,
        silent=True,
    )
