"""Einsum of one or two operands: moves, and a matrix product between them.

Each label of an axis is one of four kinds: shared (in both operands and the result), summed (in both, not in the
result), or of one side. Operands become [shared ..., own, summed] and [shared ..., summed, own], in matrices.
"""

import math
from collections.abc import Sequence
from string import ascii_letters
from typing import Any

import numpy as np
from onnx import NodeProto, helper

from emcc.frontend.refusal import Refusal, quoted
from emcc.frontend.spelling import Spelling

HINT = "express it by MatMul, Transpose and Reshape"


def spell(node: NodeProto, spelling: Spelling) -> None:
    """The nodes of an Einsum; Refusal where it is more than products of matrices, sums and moves."""
    equation = next(helper.get_attribute_value(item).decode("utf-8", "replace") for item in node.attribute)
    names = list(node.input)
    terms, result = _labels(equation, [len(spelling.sizes(name)) for name in names])
    sizes: dict[str, int] = {}
    for name, labels in zip(names, terms, strict=True):
        sizes |= dict(zip(labels, spelling.sizes(name), strict=True))
    if len(names) == 1:
        _one(spelling, names[0], terms[0], result, node.output[0])
    elif len(names) == 2:
        _Product(spelling, names, terms, result, sizes).spell(node.output[0])
    else:
        raise Refusal(f"it joins {len(names)} tensors", HINT)


def _labels(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The labels of every operand and of the result, "..." written out."""
    left, arrow, result = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    free = [letter for letter in ascii_letters if letter not in equation]
    wide = [
        rank - len(term.replace("...", "")) if "..." in term else 0 for term, rank in zip(terms, ranks, strict=False)
    ]
    most = max(wide, default=0)
    if len(terms) != len(ranks) or min(wide, default=0) < 0 or most > len(free):
        raise Refusal(f"its equation is {quoted(equation)}, of {len(ranks)} tensors", "export the model again")
    dots = "".join(free[:most])
    terms = [term.replace("...", dots[most - own :]) for term, own in zip(terms, wide, strict=True)]
    once = sorted(label for label in set("".join(terms)) - set(dots) if "".join(terms).count(label) == 1)
    result = result.replace("...", dots) if arrow else dots + "".join(once)
    told = [len(term) == rank and len(set(term)) == rank for term, rank in zip(terms, ranks, strict=True)]
    if not all(told) or len(set(result)) != len(result) or not set(result) <= set("".join(terms)):
        raise Refusal(f"its equation is {quoted(equation)}", HINT)
    return terms, result


def _moved(spelling: Spelling, name: str, have: str, want: str, output: str = "") -> str:
    """A tensor with its axes in another order; a constant is moved at once."""
    perm = [have.index(label) for label in want]
    if spelling.known(name):
        return spelling.constant("matrix", np.ascontiguousarray(np.transpose(spelling.constants[name], perm)))
    if have == want:
        return spelling.add("Identity", [name], output) if output else name
    return spelling.add("Transpose", [name], output, perm=perm)


def _one(spelling: Spelling, name: str, have: str, want: str, output: str) -> None:
    """Sums along the axes that the result lacks, the rest in its order."""
    gone = [axis for axis, label in enumerate(have) if label not in want]
    if gone:
        axes: dict[str, Any] = {"axes": gone} if spelling.opset < 13 else {}
        inputs = [name, *([] if axes else [spelling.constant("axes", np.asarray(gone, np.int64))])]
        name = spelling.add("ReduceSum", inputs, keepdims=0, **axes)
    _moved(spelling, name, "".join(label for label in have if label in want), want, output)


class _Product:
    """Two operands, the first of them computed."""

    def __init__(
        self, spelling: Spelling, names: list[str], terms: list[str], result: str, sizes: dict[str, int]
    ) -> None:
        turned = spelling.known(names[0])
        (self.a, self.b), (self.of_a, self.of_b) = (pair[::-1] if turned else pair for pair in (names, terms))
        self.spelling, self.result, self.sizes = spelling, result, sizes
        both = [label for label in self.of_a if label in self.of_b]
        self.shared = "".join(label for label in result if label in both)
        self.summed = "".join(label for label in both if label not in result)
        self.own_a = "".join(label for label in result if label in self.of_a and label not in both)
        self.own_b = "".join(label for label in result if label in self.of_b and label not in both)
        alone = (set(self.of_a) ^ set(self.of_b)) - set(result)
        if alone:
            raise Refusal(f"it sums along {', '.join(sorted(alone))} of one tensor alone", HINT)
        self.sample = self._sample()

    def _sample(self) -> str:
        """The label of the samples, or none; they are the first axis of the result."""
        pairs = ((self.spelling.samples(self.a), self.of_a), (self.spelling.samples(self.b), self.of_b))
        labels = {labels[place] for place, labels in pairs if place is not None}
        if len(labels) > 1 or (labels and not self.result.startswith(tuple(labels))):
            raise Refusal("the batch is not the first axis of its result", HINT)
        return labels.pop() if labels else ""

    def spell(self, output: str) -> None:
        """The nodes."""
        if not self.summed and not self.own_b:
            self._scaled(output)
            return
        if not self.summed:
            raise Refusal("it is an outer product", HINT)
        front, own = self._in_front()
        rows = self._matrix(self.a, self.of_a, front, own, self.summed)
        columns = self._matrix(self.b, self.of_b, self.shared, self.summed, self.own_b)
        product = self.spelling.add("MatMul", [rows, columns])
        have = front + own + self.own_b
        if len(own) != 1 or len(self.own_b) != 1:
            product = self._reshaped(product, have)
        _moved(self.spelling, product, have, self.result, output)

    def _in_front(self) -> tuple[str, str]:
        """The labels in front of the rows, and those of the rows: of a constant matrix all but the last own axis of the
        other are in front, of several such matrices the samples."""
        if not self.spelling.known(self.b):
            return self.shared, self.own_a
        if self.shared:
            return self.sample + self.shared, self.own_a.removeprefix(self.sample)
        return self.own_a[:-1], self.own_a[-1:]

    def _scaled(self, output: str) -> None:
        """A product element by element, where the second operand has no axis that the first has not."""
        order = "".join(label for label in self.of_a if label in self.of_b)
        factor = _moved(self.spelling, self.b, self.of_b, order)
        shape = [self._size(label) if label in order else 1 for label in self.of_a]
        if len(order) != len(self.of_a):
            factor = self._to(factor, shape)
        product = self.spelling.add("Mul", [self.a, factor])
        _moved(self.spelling, product, self.of_a, self.result, output)

    def _matrix(self, name: str, have: str, front: str, rows: str, columns: str) -> str:
        """An operand as matrices, the labels of rows and columns joined."""
        moved = _moved(self.spelling, name, have, front + rows + columns)
        if len(rows) == len(columns) == 1:
            return moved
        joined = [math.prod(self.sizes[label] for label in part) for part in (rows, columns)]
        if self.sample and self.sample in rows + columns:
            raise Refusal("it joins the batch with another axis", HINT)
        return self._to(moved, [*map(self._size, front), *joined])

    def _reshaped(self, name: str, labels: str) -> str:
        return self._to(name, [self._size(label) for label in labels])

    def _size(self, label: str) -> int:
        """For a Reshape, which keeps the first axis where it says 0: the samples are there."""
        return 0 if label == self.sample else self.sizes[label]

    def _to(self, name: str, shape: list[int]) -> str:
        if self.spelling.known(name):
            return self.spelling.constant("shaped", self.spelling.constants[name].reshape(shape))
        return self.spelling.add("Reshape", [name, self.spelling.constant("shape", np.asarray(shape, np.int64))])
