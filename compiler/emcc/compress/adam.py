"""Adam with decoupled weight decay (Loshchilov and Hutter, 2019): the operations of torch's own step, in its order.

They give torch.optim.AdamW's bits. Its first step imports torch's compiler, which takes as long as torch does; and of a
step of a small network, what torch checks and sorts around these operations is a third.
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
        self._torch, self._leaves, self._decay = torch, leaves, decay
        parts = [[name for name in leaves if (name in decays) == wanted] for wanted in (True, False)]
        self._decays = parts if decay else [list(leaves), []]
        self._counts: dict[str, int] = {}
        self._held: dict[str, tuple[Any, Any]] = {}
        self._roots = {name: torch.empty_like(leaf) for name, leaf in leaves.items()}
        for name, leaf in leaves.items():
            if f"m:{name}" in moments:
                first, second = (torch.from_numpy(np.array(moments[f"{kind}:{name}"])) for kind in "mv")
                self._counts[name], self._held[name] = steps, (first, second)
            else:
                self._counts[name], self._held[name] = 0, (torch.zeros_like(leaf), torch.zeros_like(leaf))

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
        for name in names:
            self._counts[name] += 1
        counts = [self._counts[name] for name in names]
        firsts, seconds = map(list, zip(*(self._held[name] for name in names), strict=True))
        roots = [self._roots[name] for name in names]
        keep, keep_squares = BETAS
        with torch.no_grad():
            gradients = [leaf.grad.nan_to_num_(0.0, 0.0, 0.0) for leaf in leaves]
            if decay:
                torch._foreach_mul_(leaves, 1 - rate * decay)
            torch._foreach_lerp_(firsts, gradients, 1 - keep)
            torch._foreach_mul_(seconds, keep_squares)
            torch._foreach_addcmul_(seconds, gradients, gradients, 1 - keep_squares)
            torch._foreach_copy_(roots, seconds)
            torch._foreach_sqrt_(roots)
            torch._foreach_div_(roots, [(1 - keep_squares**count) ** 0.5 for count in counts])
            torch._foreach_add_(roots, EPSILON)
            torch._foreach_addcdiv_(leaves, firsts, roots, [-rate / (1 - keep**count) for count in counts])

    def moments(self) -> dict[str, Array]:
        """Return what the next epoch begins with."""
        return {
            f"{kind}:{name}": np.array(moment.numpy())
            for name, held in self._held.items()
            for kind, moment in zip("mv", held, strict=True)
            if self._counts[name]
        }
