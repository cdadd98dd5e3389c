"""Weights that come back: the zeros of a layer move as its weights are trained, and as many stay as there were."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.compress.importance.choice import smallest
from emcc.compress.method import Masks
from emcc.compress.parameters import Weights
from emcc.compress.state import State
from emcc.ir.graph import Array

REGROW = ("none", "rigl", "surgery")
STOP = 0.75
"""Of a stage, after which zeros stay where they are (Evci et al. 2020, section 3)."""

FIRM = 1.1 / 0.9
"""How much larger than one that is there a weight must be to take its place: the two thresholds of Guo et al."""


def moved(share: float, weights: Mapping[str, Array], masks: Masks, gradients: Mapping[str, Array], at: float) -> Masks:
    """New masks: of each layer a share of the weights, the smallest, goes, and as many come, where gradients are
    largest (RigL: Evci et al., "Rigging the lottery", ICML 2020); the share falls along a cosine, to 0 at STOP."""
    if not gradients or at >= STOP:
        return dict(masks)
    part, after = share / 2 * (1 + math.cos(math.pi * at / STOP)), Masks()
    for name, mask in masks.items():
        kept = mask.ravel()
        count = min(int(part * np.count_nonzero(kept)), int(np.count_nonzero(~kept)))
        going = smallest(np.where(kept, np.abs(weights[name]).ravel(), np.inf), count)
        coming = smallest(np.where(kept, np.inf, -np.abs(gradients[name]).ravel()), count)
        after[name] = ((kept & ~going) | coming).reshape(mask.shape)
    return after


class Rigl(Weights):
    """Weights of which a share moves, as `moved` says."""

    def __init__(self, torch: Any, state: State, share: float, every: int) -> None:
        super().__init__(torch, state, self._moved, every)
        self._share = share

    def _moved(self, weights: Mapping[str, Array], gradients: Mapping[str, Array], at: float) -> Masks:
        masks = {name: mask.numpy() != 0 for name, mask in self._masks.items()}
        return moved(self._share, weights, masks, gradients, at)


class Surgery(Weights):
    """Weights that are zero learn on unseen, and take the place of smaller ones (Guo et al., "Dynamic network surgery",
    NeurIPS 2016): the gradient of what the network sees goes to all. Within an epoch: a State has no room for more.
    """

    def __init__(self, torch: Any, state: State, every: int) -> None:
        super().__init__(torch, state, self._larger, every)

    def project(self, step: int, at: float) -> None:
        """Choose masks anew where it is time to; what they leave out keeps its value."""
        if step % self._every or step == 0:
            return
        weights = {name: self.leaves[name].detach().numpy() for name in self._masks}
        for name, mask in self._larger(weights, {}, at).items():
            self._masks[name] = self._torch.from_numpy(mask).float()

    def constants(self) -> dict[str, Any]:
        """Masked weights, with the gradient straight through to all, and biases."""
        dense = {}
        for name, mask in self._masks.items():
            leaf = self.leaves[name]
            dense[name] = leaf * mask + (leaf - leaf.detach()) * (1 - mask)
        return {**self.leaves, **dense}

    def _larger(self, weights: Mapping[str, Array], gradients: Mapping[str, Array], at: float) -> Masks:
        """As many of each layer as there were: the largest, where one that is there counts FIRM times."""
        masks: Masks = {}
        for name, array in weights.items():
            kept = self._masks[name].numpy() != 0
            size = np.abs(array) * np.where(kept, FIRM, 1.0)
            count = int(np.count_nonzero(kept))
            mask = ~smallest(size.ravel(), size.size - count) if at < STOP else kept.ravel()
            masks[name] = np.asarray(mask).reshape(array.shape)
        return masks
