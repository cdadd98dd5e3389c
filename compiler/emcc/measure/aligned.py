"""A float model on the scales of its artefact, so that tensor by tensor they can be held against each other."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from emcc.ir.affine import plain
from emcc.ir.graph import Affine, Array, Graph
from emcc.passes.equalise import pairs
from emcc.passes.rescale import between, enters, leaves


def aligned(folded: Graph, held: Graph, channels: Mapping[str, Any]) -> Graph:
    """The same function, with what the host does at the ends of `held`, and with its scales a channel between layers.

    Args:
        folded: the float model. channels: by layer, what its rows were divided by ("channels" of emcc.json's "scales").

    Raises:
        ValueError: the scales do not fit the model.
        EmccError: a weight is beyond float32 on them.
    """
    for name in folded.inputs:
        host = held.affines.get(name)
        if host is not None and not plain(inner := Affine(host.scale, host.offset)):
            folded = enters(folded, inner)
    for name in folded.outputs:
        if name in held.affines:
            folded = leaves(folded, held.affines[name])
    for first, second in pairs(folded):
        if first.node.name in channels:
            scale = _scale(channels[first.node.name], folded.constants[first.weight].shape[0])
            folded = between(folded, first, second, scale)
    return folded


def _scale(values: Any, rows: int) -> Array:
    scale = np.asarray(values, np.float64)
    if scale.shape != (rows,) or not (np.isfinite(scale) & (scale > 0)).all():
        raise ValueError(f"scales of shape {scale.shape} for {rows} rows")
    return scale
