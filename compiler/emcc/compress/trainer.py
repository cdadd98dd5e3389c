"""One epoch of training on a State, in three ways: with moving zeros, with moving codes, with codebooks alone."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from emcc.compress.problem import Problem
from emcc.compress.state import State
from emcc.compress.training import outputs
from emcc.ir.graph import Array

Chooser = Callable[[Mapping[str, Array], Mapping[str, Array], float], dict[str, Array]]


def rate(base: float, at: float, hold: float) -> float:
    """The learning rate `at` (0 to 1) a stage: up within its first fiftieth, level until `hold`, then a cosine to 0."""
    rise = min(1.0, (at + 1e-3) / 0.02)
    fall = 1.0 if at < hold else 0.5 * (1 + math.cos(math.pi * (at - hold) / max(1e-9, 1 - hold)))
    return float(base * rise * fall)


class Epoch:
    """An epoch of a stage.

    Args:
        begin, end: which part of the stage it is (0 to 1).
        base: the learning rate; hold: until when it is level (0 to 1).
        limit: steps after which it ends; clean: share of samples that are not augmented.
    """

    def __init__(
        self,
        problem: Problem,
        state: State,
        begin: float,
        end: float,
        base: float,
        hold: float,
        limit: int | None = None,
        clean: float = 0.0,
    ) -> None:
        self._clean = clean
        self._limit = limit
        self._problem, self._state, self._torch = problem, state, problem.torch
        self._span, self._base, self._hold = (begin, end), base, hold
        self.loss = 0.0

    def prune(self, choose: Chooser | None) -> State:
        """Trains weights that are not zero, and biases.

        Every `every` steps, `choose(weights, gradients, at)` gives the masks (bool) that hold from then on: what it
        leaves out becomes zero, what it brings in begins at zero. `gradients` are those of the last step for all
        weights, zeros too; empty at the first. None keeps the zeros that there are.
        """
        torch = self._torch
        leaves = self._leaves(self._state.weights)
        names = list(self._state.weights)
        masks = {name: torch.from_numpy(self._state.weights[name] != 0).float() for name in names}
        seen: dict[str, Any] = {}

        def before(step: int, at: float) -> None:
            if choose is None or step % self._problem.options.every:
                return
            with torch.no_grad():
                slopes = {name: seen[name].grad.numpy() for name in names} if seen else {}
                chosen = choose({name: leaves[name].detach().numpy() for name in names}, slopes, at)
                for name in names:
                    masks[name] = torch.from_numpy(chosen[name]).float()
                    leaves[name].mul_(masks[name])

        def constants() -> dict[str, Any]:
            seen.update({name: leaves[name] * masks[name] for name in names})
            if choose is not None:
                for each in seen.values():
                    each.retain_grad()
            return {**leaves, **seen}

        state, now = self._run(leaves, constants, before)
        weights = {name: now[name] * masks[name].numpy() + np.float32(0) for name in names}
        return replace(state, weights=weights)

    def codes(self, assign: Callable[[Mapping[str, Array]], tuple[dict[str, Array], dict[str, Array]]]) -> State:
        """Trains weights through their codebooks: the network sees the nearest entry, the gradient goes to the weight.

        Every `every` steps `assign(weights)` gives (values, codes) anew.
        """
        torch = self._torch
        leaves = self._leaves(self._state.weights)
        names = list(self._state.weights)
        masks = {name: torch.from_numpy(self._state.weights[name] != 0).float() for name in names}
        book: tuple[dict[str, Array], dict[str, Array]] = (dict(self._state.values), dict(self._state.codes))
        shared: dict[str, Any] = {}

        def before(step: int, at: float) -> None:
            nonlocal book
            if step % self._problem.options.every == 0:
                book = assign({name: (leaves[name] * masks[name]).detach().numpy() for name in names})
                for name in names:
                    shared[name] = torch.from_numpy(book[0][name][book[1][name]])

        def constants() -> dict[str, Any]:
            through = {}
            for name in names:
                masked = leaves[name] * masks[name]
                through[name] = shared[name] + (masked - masked.detach())
            return {**leaves, **through}

        state, now = self._run(leaves, constants, before)
        weights = {name: now[name] * masks[name].numpy() + np.float32(0) for name in names}
        values, codes = assign(weights)
        return replace(state, weights=weights, values=values, codes=codes)

    def books(self, biases: bool = True) -> State:
        """Trains the entries of codebooks but the zero, and biases; codes stay."""
        torch = self._torch
        leaves = self._leaves(self._state.values, biases)
        index = {name: torch.from_numpy(codes.astype(np.int64).ravel()) for name, codes in self._state.codes.items()}
        shapes = {name: codes.shape for name, codes in self._state.codes.items()}

        def constants() -> dict[str, Any]:
            found = dict(leaves)
            for name, values in self._state.values.items():
                entries = leaves[name]
                if values[0] == 0:
                    entries = torch.cat([torch.zeros(1), entries[1:]])
                found[name] = entries.index_select(0, index[name]).reshape(shapes[name])
            return found

        state, now = self._run(leaves, constants, None)
        values = {name: now[name] for name in state.values}
        weights = {name: values[name][codes] for name, codes in state.codes.items()}
        return replace(state, values=values, weights=weights)

    def _leaves(self, matrices: Mapping[str, Array], biases: bool = True) -> dict[str, Any]:
        found = {**matrices, **(self._state.biases if biases else {})}
        return {name: self._torch.from_numpy(np.array(each)).requires_grad_() for name, each in found.items()}

    def _run(
        self,
        leaves: dict[str, Any],
        constants: Callable[[], dict[str, Any]],
        before: Callable[[int, float], None] | None,
    ) -> tuple[State, dict[str, Array]]:
        """The state with the biases as they are now, and all leaves."""
        problem, torch, state = self._problem, self._torch, self._state
        graph = problem.dropout.graph
        rng = np.random.default_rng([problem.options.seed, 3, state.clock])
        decay = problem.options.weight_decay if set(leaves) >= set(state.weights) and not state.codes else 0.0
        groups = [
            {"params": [leaf for name, leaf in leaves.items() if (name in state.weights) == decays], "weight_decay": by}
            for decays, by in ((True, decay), (False, 0.0))
        ]
        optimiser = torch.optim.AdamW([group for group in groups if group["params"]], lr=self._base, foreach=True)
        if state.moments:
            for name, leaf in leaves.items():
                first, second = (torch.from_numpy(np.array(state.moments[f"{kind}:{name}"])) for kind in "mv")
                steps = torch.tensor(float(state.steps))
                optimiser.state[leaf] = {"step": steps, "exp_avg": first, "exp_avg_sq": second}
        count, total = min(problem.steps(), self._limit or problem.steps()), 0.0
        begin, end = self._span
        for step, (rows, x, wanted) in enumerate(problem.epoch(state.clock, self._clean)):
            if step == count:
                break
            at = begin + (end - begin) * step / count
            if before:
                before(step, at)
            for group in optimiser.param_groups:
                group["lr"] = rate(self._base, at, self._hold)
            optimiser.zero_grad()
            given = {**constants(), **problem.dropout.factors(rng, len(rows))}
            loss = problem.loss(outputs(torch, graph, x, given), rows, wanted)
            loss.backward()
            optimiser.step()
            total += float(loss.detach())
        self.loss = total / max(1, count)
        moments = {
            f"{kind}:{name}": np.array(optimiser.state[leaf][key].numpy())
            for name, leaf in leaves.items()
            for kind, key in (("m", "exp_avg"), ("v", "exp_avg_sq"))
        }
        now = {name: leaf.detach().numpy() for name, leaf in leaves.items()}
        biases = {name: now.get(name, each) for name, each in state.biases.items()}
        after = replace(state, biases=biases, moments=moments, clock=state.clock + 1, steps=state.steps + count)
        return after, now
