"""The trainer: an epoch of gradient descent on a State, in whichever way its Parameters say."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.compress.adam import Adam
from emcc.compress.method import Parameters
from emcc.compress.penalties import penalty
from emcc.compress.problem import Problem, outputs
from emcc.compress.sparse_gradients import cutting
from emcc.compress.state import State
from emcc.ir.graph import Array


@dataclass(frozen=True)
class Span:
    """Which part of a stage an epoch is, and how it goes.

    Attributes:
        begin, end: of the stage, 0 to 1.
        rate: the stage's learning rate, of Adam; hold: until when it is level (0 to 1), then a cosine to 0.
        limit: steps after which the epoch ends; clean: share of samples that are not augmented.
    """

    begin: float
    end: float
    rate: float
    hold: float = 0.0
    limit: int | None = None
    clean: float = 0.0

    def rate_at(self, at: float) -> float:
        """The learning rate `at` (0 to 1) a stage: up within its first fiftieth, level until `hold`, then falling."""
        rise = min(1.0, (at + 1e-3) / 0.02)
        fall = 1.0
        if at >= self.hold:
            fall = 0.5 * (1 + math.cos(math.pi * (at - self.hold) / max(1e-9, 1 - self.hold)))
        return float(self.rate * rise * fall)


Step = Callable[[Any, Array, Any, dict[str, Any]], Any]
"""Of inputs, rows, the original's outputs and constants of a batch to the loss."""


def train(
    problem: Problem, state: State, parameters: Parameters, span: Span, aim: Step | None = None
) -> tuple[State, float]:
    """Train one epoch: (the state after it, the mean loss of its steps). `aim`: another loss than the problem's.

    The state carries Adam's moments and the count of epochs, so that a stage may be stored between any two epochs.
    Biases that no leaf stands for are the state's, and not those of the graph as it came. Without a leaf nothing is
    trained, and the loss is 0.
    """
    torch, leaves = problem.torch, parameters.leaves
    if not leaves:
        return replace(state, clock=state.clock + 1), 0.0
    graph = problem.dropout.graph
    rng = np.random.default_rng([problem.options.seed, 3, state.clock])
    decay = problem.options.weight_decay
    adam = Adam(torch, leaves, parameters.decays, decay, state.moments, state.steps)
    options, through = problem.options, cutting(graph, problem.options.top_gradients)

    def default(x: Any, rows: Array, wanted: Any, constants: dict[str, Any]) -> Any:
        given = outputs(torch, graph, x, constants, through)
        decaying = (constants[name] for name in leaves if name in parameters.decays)
        return problem.loss(given, rows, wanted) + penalty(options, decaying)

    still = {name: torch.from_numpy(biases) for name, biases in state.biases.items() if name not in leaves}
    count, total = min(problem.steps(), span.limit or problem.steps()), 0.0
    for step, (rows, x, wanted) in enumerate(problem.epoch(state.clock, span.clean)):
        if step == count:
            break
        at = span.begin + (span.end - span.begin) * step / count
        parameters.project(step, at)
        adam.clear()
        constants = {**still, **parameters.constants(), **problem.dropout.factors(rng, len(rows))}
        loss = (aim or default)(x, rows, wanted, constants)
        loss.backward()
        adam.step(span.rate_at(at))
        total += float(loss.detach())
    after = replace(parameters.result(state), moments=adam.moments(), clock=state.clock + 1, steps=state.steps + count)
    return after, total / max(1, count)


def import_torch() -> Any:
    """torch, or EmccError with how to get it."""
    try:
        import torch
    except ImportError:
        hint = "pip install 'emcc-fpga[train]'"
        raise EmccError("fine-tuning needs torch, which is not installed", hint=hint) from None
    return torch


@contextmanager
def deterministic(torch: Any, threads: int) -> Iterator[None]:
    """torch with deterministic algorithms and so many threads, and then as it was.

    By the debug mode: use_deterministic_algorithms imports torch's compiler as well, which takes as long as torch.
    """
    count, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("error")
    try:
        yield
    finally:
        torch.set_num_threads(count)
        torch.set_deterministic_debug_mode(mode)
