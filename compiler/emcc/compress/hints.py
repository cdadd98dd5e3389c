"""Hints: a hidden tensor of the teacher that one of the student learns to give (FitNets, Romero et al. 2015).

The loss is theirs, equation 3: half the squared distance between the teacher's hidden tensor and a regressor of the
student's, summed over elements, here the mean over samples. The regressor is linear, over channels, where widths
differ, and nothing where they are the same; theirs has the teacher's non-linearity behind it, and is there always.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.compress.parameters import Weights
from emcc.compress.state import State
from emcc.ir.graph import Graph
from emcc.ops.interpret import trace

AUTO = "auto"
SHOWN = 20
"""Names that a message lists."""

MATRIX, SHIFT = "\nregressor", "\nregressor.bias"
"""Names of its leaves: none that a model may have."""


@dataclass(frozen=True)
class Pair:
    """The hidden tensors of teacher and student that go together."""

    teacher: str
    student: str


def hidden(graph: Graph) -> dict[str, tuple[int, ...]]:
    """What layers read that other nodes made, in order, with the shape of a sample; pure moves of inputs left out."""
    shapes = {name: tuple(int(size or 1) for size in graph.tensors[name].shape[1:]) for name in graph.tensors}
    made = set[str]()
    names = dict[str, tuple[int, ...]]()
    layers = {node.name for node in graph.layers()}
    for node in graph.nodes:
        if node.name in layers and node.inputs[0] in made:
            names.setdefault(node.inputs[0], shapes[node.inputs[0]])
        if node.name in layers or any(name in made for name in node.inputs):
            made.update(node.outputs)
    return names


def matched(teacher: Graph, student: Graph, asked: str) -> Pair:
    """The pair that `asked` names, "TEACHER=STUDENT"; with "auto" the first two that fit nearest to the middle.

    Raises:
        EmccError: there is no such tensor, or the two differ in more than their channels.
    """
    ours, theirs = hidden(student), hidden(teacher)
    if asked == AUTO:
        middles = list(_by_middle(theirs, ours))
        if not middles:
            raise EmccError(
                "no hidden tensors of teacher and student differ in channels alone",
                hint='leave [distil] features at "none"',
            )
        return min(middles, key=lambda each: each[0])[1]
    names = asked.split("=")
    if len(names) != 2:
        raise EmccError(f"[distil] features is {printable(asked)!r}", hint='write "none", "auto" or "TEACHER=STUDENT"')
    pair = Pair(*(name.strip() for name in names))
    for whose, name, known in (("teacher", pair.teacher, theirs), ("student", pair.student, ours)):
        if name not in known:
            listed = [printable(other, 60) for other in list(known)[:SHOWN]]
            raise EmccError(
                f"[distil] features: the {whose} has no hidden tensor {printable(name)!r} that a layer reads",
                hint=f"there are {', '.join(listed)}" if listed else 'leave features at "none"',
            )
    if theirs[pair.teacher][1:] != ours[pair.student][1:]:
        raise EmccError(
            f"[distil] features: {printable(pair.teacher)!r} is {list(theirs[pair.teacher])} a sample and "
            f"{printable(pair.student)!r} {list(ours[pair.student])}, which differ in more than their channels",
            hint='name two of one size, or write "auto"',
        )
    return pair


def _by_middle(
    theirs: dict[str, tuple[int, ...]], ours: dict[str, tuple[int, ...]]
) -> Iterator[tuple[Fraction | int, Pair]]:
    """(how far from the middle, the pair) of every two that fit."""
    for i, (teacher, wide) in enumerate(theirs.items()):
        for j, (student, narrow) in enumerate(ours.items()):
            if wide[1:] == narrow[1:]:
                depths = Fraction(i + 1, len(theirs) + 1), Fraction(j + 1, len(ours) + 1)
                off = sum(abs(depth - Fraction(1, 2)) for depth in depths)
                yield off, Pair(teacher, student)


def up_to(graph: Graph, name: str) -> Graph:
    """The part of a graph that makes a tensor, with that as its output."""
    wanted, nodes = {name}, []
    for node in reversed(graph.nodes):
        if wanted & {*node.outputs}:
            wanted |= {*node.inputs}
            nodes.append(node)
    return graph.with_(nodes=tuple(reversed(nodes)), outputs=(name,), host=(), affines=_entering(graph))


def _entering(graph: Graph) -> dict[str, Any]:
    return {name: affine for name, affine in graph.affines.items() if name in graph.inputs}


class Hint:
    """The aim and the parameters of learning a pair.

    Args:
        torch: the module. teacher, student: folded graphs. seed: of the regressor's beginning.
    """

    def __init__(self, torch: Any, teacher: Graph, student: Graph, pair: Pair, seed: int) -> None:
        self._torch, self._pair = torch, pair
        self._teacher, self._student = up_to(teacher, pair.teacher), up_to(student, pair.student)
        wide = int(teacher.tensors[pair.teacher].shape[1] or 1)
        narrow = int(student.tensors[pair.student].shape[1] or 1)
        self.leaves = dict[str, Any]()
        if wide != narrow:
            begin = np.random.default_rng([seed, 7]).standard_normal((wide, narrow)) / np.sqrt(narrow)
            self.leaves = {
                MATRIX: torch.from_numpy(begin.astype(np.float32)).requires_grad_(),
                SHIFT: torch.zeros(wide).requires_grad_(),
            }

    def loss(self, x: Any, constants: dict[str, Any]) -> Any:
        """Of a batch x, with the student's constants and the regressor among them."""
        torch, pair = self._torch, self._pair
        with torch.no_grad():
            wanted = trace(self._teacher, x, torch, keep=(pair.teacher,))[pair.teacher]
        given = trace(self._student, x, torch, constants, keep=(pair.student,))[pair.student]
        if MATRIX in constants:
            given = torch.einsum("oc,nc...->no...", constants[MATRIX], given)
            given = given + constants[SHIFT].reshape(-1, *(1,) * (given.ndim - 2))
        return 0.5 * (wanted - given).square().flatten(1).sum(1).mean()


class Guided(Weights):
    """Weights of a student that are not zero, biases, and the regressor, which the state does not keep."""

    def __init__(self, torch: Any, state: State, hint: Hint) -> None:
        super().__init__(torch, state)
        self.leaves = {**self.leaves, **hint.leaves}
