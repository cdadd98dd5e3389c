"""Finetune: what is left of the weights, or the codebooks, learn to make up for what was taken."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from emcc.base.events import Event
from emcc.base.options import option
from emcc.ir.graph import Graph
from emcc.samples.dataset import Dataset

DISTIL = ("auto", "values", "distribution")


@dataclass(frozen=True)
class Finetune:
    """Gradient descent on what compression left, weights and biases; needs torch.

    Before sharing, the weights that are not zero are trained, and zeros stay exactly zero. After sharing (the graph
    has codebooks) the codebooks' entries are, each by the sum of its weights' gradients; codes do not change.

    The aim, on `data`: the labels' cross entropy where there are labels and at least two outputs. Without labels the
    outputs of `teacher`, the model before it was compressed (Hinton et al. 2015): with `distil` "values" their mean
    squared error over their variance, with "distribution" the Kullback-Leibler divergence of their softmax at
    `temperature`. "auto" is "distribution" where the host applies a softmax or arg-max. (LeNet-300-100 pruned to a
    tenth, without labels, keeps 97.6 % with "values" and 97.8 % with "distribution" of 97.7 %; but outputs that
    are not scores have no distribution.)

    A part `holdout` of the data is not trained on; after each epoch it judges, and the best state is the result,
    the one before the first epoch included: what is held out never gets worse.

    The same seed, data and machine give the same bits.
    """

    epochs: int = option(12, "passes over the data before sharing; all stages of pruning together", low=0, high=10_000)
    steps: int = option(4, "stages in which pruning and fine-tuning take turns", low=1, high=100)
    learning_rate: float = option(1e-3, "of Adam, before sharing; falls to zero along a cosine", low=0.0, high=1.0)
    shared_epochs: int = option(4, "passes over the data after sharing", low=0, high=10_000)
    shared_learning_rate: float = option(3e-4, "of Adam, after sharing", low=0.0, high=1.0)
    batch: int = option(128, "samples a step", low=1, high=1_000_000)
    distil: str = option("auto", "what to learn of the original model without labels", choices=DISTIL)
    temperature: float = option(1.0, "of distilling a distribution", low=0.01, high=1000.0)
    holdout: float = option(0.1, "share of the data that judges and does not train", low=0.0, high=0.9)
    threads: int = option(1, "processor threads; the last bits of the result depend on it", low=1, high=1024)
    seed: int = option(0, "of the order of the data", low=0, high=2**32 - 1)
    data: Dataset | None = None
    teacher: Graph | None = None
    progress: Callable[[Event], None] | None = None
    name: ClassVar[str] = "finetune"

    def apply(self, graph: Graph) -> Graph:
        """The trained graph; the same one without data. Raises EmccError without torch, or where training diverges."""
        shared = bool(graph.codebooks)
        epochs = self.shared_epochs if shared else self.epochs
        if self.data is None or epochs == 0:
            return graph
        from emcc.compress.training import train

        rate = self.shared_learning_rate if shared else self.learning_rate
        return train(graph, self, self.data, epochs, rate)
