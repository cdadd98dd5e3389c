"""Adam with decoupled weight decay (Loshchilov and Hutter, 2019), by torch's own function for a step.

Without torch.optim.Optimizer, whose first step imports torch's compiler: that takes as long as torch does.
"""

from collections.abc import Container, Mapping
from typing import Any

import numpy as np

from emcc.ir.graph import Array

BETAS, EPSILON = (0.9, 0.999), 1e-8
"""torch's."""


class Adam:
    """Takes steps along the gradients of leaves, in place.

    Args:
        leaves: what is trained, by name. decays: those whose weights decay, by `decay` times the learning rate.
        moments: of leaves that took steps before, "m:" and "v:" with their name. steps: how many they took.
    """

    def __init__(
        self,
        torch: Any,
        leaves: Mapping[str, Any],
        decays: Container[str],
        decay: float,
        moments: Mapping[str, Array],
        steps: int,
    ) -> None:
        from torch.optim.adamw import adamw

        self._torch, self._leaves, self._decay, self._adamw = torch, leaves, decay, adamw
        parts = [[name for name in leaves if (name in decays) == wanted] for wanted in (True, False)]
        self._decays = parts if decay else [list(leaves), []]
        self._held: dict[str, tuple[Any, Any, Any]] = {}
        for name in leaves:
            if f"m:{name}" in moments:
                first, second = (torch.from_numpy(np.array(moments[f"{kind}:{name}"])) for kind in "mv")
                self._held[name] = torch.tensor(float(steps)), first, second

    def clear(self) -> None:
        """Forget the gradients."""
        for leaf in self._leaves.values():
            leaf.grad = None

    def step(self, rate: float) -> None:
        """Take a step with that learning rate; leaves without a gradient stay.

        Where a gradient is no number, as at a corner of infinite slope, there is none: NaN would stay in the weight.
        """
        for names, decay in zip(self._decays, (self._decay, 0.0), strict=True):
            moved = [name for name in names if self._leaves[name].grad is not None]
            if moved:
                self._move(moved, rate, decay)

    def _move(self, names: list[str], rate: float, decay: float) -> None:
        torch, leaves = self._torch, [self._leaves[name] for name in names]
        for name, leaf in zip(names, leaves, strict=True):
            if name not in self._held:
                self._held[name] = torch.tensor(0.0), torch.zeros_like(leaf), torch.zeros_like(leaf)
        counts, firsts, seconds = map(list, zip(*(self._held[name] for name in names), strict=True))
        with torch.no_grad():
            self._adamw(
                *(leaves, [leaf.grad.nan_to_num_(0.0, 0.0, 0.0) for leaf in leaves], firsts, seconds, [], counts),
                **{"foreach": True, "amsgrad": False, "maximize": False},
                **{"beta1": BETAS[0], "beta2": BETAS[1], "lr": rate, "weight_decay": decay, "eps": EPSILON},
            )

    def moments(self) -> dict[str, Array]:
        """Return what the next epoch begins with."""
        return {
            f"{kind}:{name}": np.array(self._held[name][at].numpy())
            for name in self._leaves
            for kind, at in (("m", 1), ("v", 2))
            if name in self._held
        }
