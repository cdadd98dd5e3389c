"""What a pass is, and how a row of them is run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emcc.ir.graph import Graph
from emcc.legal.verify import verify


class Pass(Protocol):
    """A frozen dataclass; its fields, made with `option`, are its section of the recipe."""

    @property
    def name(self) -> str:
        """The pass's, a ClassVar as a rule."""
        ...

    def apply(self, graph: Graph) -> Graph:
        """A new graph. Raises EmccError where the model, not emcc, is at fault."""
        ...


@dataclass(frozen=True)
class Pipeline:
    """Runs passes in order, checks the IR between them, and reports each to `observe(pass, graph, seconds)`.

    `after` is the stage that the graph comes from; `begin` is told of each pass before it runs.
    """

    passes: tuple[Pass, ...]
    observe: Callable[[Pass, Graph, float], None] | None = None
    begin: Callable[[Pass], None] | None = None
    after: str = "frontend"

    def apply(self, graph: Graph) -> Graph:
        """The graph after all passes."""
        verify(graph, after=self.after)
        for step in self.passes:
            if self.begin:
                self.begin(step)
            begun = time.perf_counter()
            graph = step.apply(graph)
            verify(graph, after=step.name)
            if self.observe:
                self.observe(step, graph, time.perf_counter() - begun)
        return graph
