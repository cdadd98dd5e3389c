"""Gradual pruning: prune a little, fine-tune, prune more."""

from dataclasses import dataclass, replace
from typing import ClassVar

from emcc.compress.finetune import Finetune
from emcc.compress.magnitude import Prune
from emcc.ir.graph import Graph


def cubic(final: float, step: int, steps: int, initial: float = 0.0) -> float:
    """The sparsity after `step` of `steps` (Zhu and Gupta 2017, "To prune, or not to prune", equation 1)."""
    return final + (initial - final) * (1 - step / steps) ** 3


@dataclass(frozen=True)
class PruneFinetune:
    """Prune and Finetune in turns: `finetune.steps` times, at a sparsity that rises fast first and slowly in the end.

    The epochs are shared out evenly, the remainder to the last stage. Without data, or without epochs, it is Prune.
    """

    prune: Prune
    finetune: Finetune
    name: ClassVar[str] = "prune"

    def apply(self, graph: Graph) -> Graph:
        """The pruned and fine-tuned graph; exactly as sparse as Prune alone makes it."""
        steps = min(self.finetune.steps, self.finetune.epochs)
        if self.finetune.data is None or steps == 0:
            return self.prune.apply(graph)
        for step in range(1, steps + 1):
            share = 1.0 if step == steps else cubic(1.0, step, steps)
            stage = replace(
                self.prune,
                sparsity=self.prune.sparsity * share,
                layers={name: fraction * share for name, fraction in self.prune.layers.items()},
            )
            epochs = self.finetune.epochs // steps + (self.finetune.epochs % steps if step == steps else 0)
            graph = replace(self.finetune, epochs=epochs).apply(stage.apply(graph))
        return graph
