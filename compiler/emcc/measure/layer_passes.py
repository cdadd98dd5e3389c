"""A row a layer and pass: what each pass of compression did to each layer, measured."""

from collections.abc import Callable
from typing import Any

import numpy as np

from emcc.container import layer_sizes
from emcc.ir.graph import Array, Graph
from emcc.measure.quality import agreement
from emcc.ops import interpret
from emcc.ops.host import classes
from emcc.samples.dataset import Dataset

PASSES = ("prune", "share", "finetune")


class LayerPasses:
    """Take a pass's name and the folded float graphs before and after it at each call; `rows` is for the manifest.

    Args:
        original: the folded model. data: samples of the user's data, or None: then there is no agreement.
        encode: what would be written of a graph with shared weights.
    """

    def __init__(self, original: Graph, data: Dataset | None, encode: Callable[[Graph], bytes]) -> None:
        self.rows: list[dict[str, Any]] = []
        self._encode, self._host = encode, original.host
        self._x = None if data is None else data.x.astype(np.float64)
        self._original_classes = self._classes(original)

    def __call__(self, name: str, before: Graph, after: Graph) -> None:
        """Add a row a layer.

        kept, density: weights that are not zero. bits: of a code. inertia: the sum of squared changes of the weights
        in this pass. bytes: of the layer in model.emc. bits and bytes are None before weights are shared. agreement:
        percent of samples with the original's largest output, of the whole model; None without data or classes.
        """
        if name not in PASSES:
            return
        sizes = layer_sizes(self._encode(after)) if after.codebooks else None
        same = agreement(self._original_classes, self._classes(after))
        for place, node in enumerate(after.layers()):
            weights, weights_before = (graph.constants[node.inputs[1]] for graph in (after, before))
            kept = int(np.count_nonzero(weights))
            self.rows.append(
                {
                    "pass": name,
                    "layer": node.name,
                    "kept": kept,
                    "density": kept / weights.size,
                    "bits": sizes[place].code_w if sizes else None,
                    "inertia": float(np.square(np.subtract(weights, weights_before, dtype=np.float64)).sum()),
                    "bytes": sizes[place].bytes if sizes else None,
                    "agreement": None if same is None else 100 * same,
                }
            )

    def _classes(self, graph: Graph) -> Array | None:
        return None if self._x is None else classes(self._host, np.asarray(interpret.run(graph, self._x)))
