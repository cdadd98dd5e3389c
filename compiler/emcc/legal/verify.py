"""Holds a graph against the table of `legal.rows`."""

from emcc.ir.graph import Graph
from emcc.legal.checks import codebooks, layers, structure
from emcc.legal.quantised import quantised
from emcc.legal.rows import STAGES, IllegalGraph


def verify(graph: Graph, *, after: str) -> None:
    """Raises IllegalGraph where `graph` is not what stage `after` (a key of STAGES) may leave behind."""
    if after not in STAGES:
        raise IllegalGraph(f"no stage {after!r}; there are {', '.join(STAGES)}")
    stage = STAGES[after]
    try:
        structure(graph, stage)
        if stage.layers:
            layers(graph)
            codebooks(graph, stage.shared)
        if graph.blocks and not stage.blocks:
            raise IllegalGraph(f"product-quantised weights {sorted(graph.blocks)}")
        if stage.integer:
            quantised(graph)
    except IllegalGraph as error:
        raise IllegalGraph(f"after {after}: {error}") from None
