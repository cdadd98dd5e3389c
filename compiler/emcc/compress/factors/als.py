"""A tensor as a sum of rank-one terms (CP, PARAFAC), by alternating least squares."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from emcc.ir.graph import Array

ROUNDS, LEAST, WORK = 200, 20, 3e10
"""Of solving for every factor once, at most; fewer, but LEAST, where they take more than so many multiplications."""

STARTS, TRIED = 6, 20
"""Beginnings, and rounds that each is tried for; the best goes on."""

PATIENCE, LESS = 10, 1e-3
"""Rounds in which the error has to fall by this share of itself, for it to go on."""

SPREAD = 4.0
"""Of the tensor's square: what the terms' squares may sum to. Orthogonal terms have 1 at most; those that cancel one
another have more, and what rounds their factors is felt that much more."""

PRICE, DEARER, CHEAPER, NOTHING = 0.1, 4.0, 0.7, 1e-10
"""Of the terms' squares: the first, what it is multiplied by where they are above SPREAD and where not, the least."""

LOW = 1e-3
"""A price that no longer hides what the terms can do: with a higher one it goes on."""

EXACT = 1e-14
"""An error that is rounding."""


@dataclass(frozen=True)
class Terms:
    """A sum of rank-one tensors.

    Attributes:
        factors: float64 [size, R] of each axis. error: the squared error, over the tensor's square.
    """

    factors: tuple[Array, ...]
    error: float

    def balanced(self) -> tuple[Array, ...]:
        """The factors, those of a term all of one norm: their largest numbers are alike."""
        units, sizes = zip(*map(_units, self.factors), strict=True)
        each = np.prod(sizes, axis=0) ** (1 / len(units))
        return tuple(unit * each for unit in units)


def orthogonal(tensor: Array) -> tuple[Array, tuple[Array, ...]]:
    """(squares [R], descending; factors of unit columns): orthogonal terms that sum to a tensor, float64, of 2 axes up.

    The tree of singular value decompositions of Salmi, Richter and Koivunen (IEEE TSP 2009, PARATREE): of the first
    axis against the others; of each singular vector, a tensor of the others, again. What terms leave out is the sum of
    the others' squares.
    """
    pieces, columns = tensor[None], list[Array]()
    while pieces.ndim > 3:
        count, size = pieces.shape[:2]
        left, sizes, right = np.linalg.svd(pieces.reshape(count, size, -1), full_matrices=False)
        rank = sizes.shape[1]
        columns = [np.repeat(known, rank, axis=1) for known in columns]
        columns.append(left.transpose(1, 0, 2).reshape(size, -1))
        pieces = (sizes[..., None] * right).reshape(count * rank, *pieces.shape[2:])
    left, sizes, right = np.linalg.svd(pieces, full_matrices=False)
    columns = [np.repeat(known, sizes.shape[1], axis=1) for known in columns]
    columns += [
        left.transpose(1, 0, 2).reshape(left.shape[1], -1),
        right.transpose(2, 0, 1).reshape(right.shape[2], -1),
    ]
    order = np.argsort(-sizes.ravel(), kind="stable")
    return np.square(sizes.ravel()[order]), tuple(known[:, order] for known in columns)


def fitted(tensor: Array, begun: tuple[Array, tuple[Array, ...]], rank: int, enough: float = 0.0) -> Terms:
    """The terms, `rank` of them, that alternating least squares finds, until the error is `enough`.

    It begins with the first of `orthogonal`, and with seeded noise; what is best after some rounds goes on. CP
    degenerates (Phan et al., ECCV 2020): terms grow without bound and cancel one another. So the squares of the terms
    have a price in what is minimised, which grows where they sum to more than SPREAD allows and falls to nothing where
    they do not; and of all rounds, and the orthogonal terms, what has the least error within SPREAD is taken.
    """
    whole = float(np.square(tensor).sum())
    squares, units = begun[0][:rank], [unit[:, :rank] for unit in begun[1]]
    if whole == 0:
        return Terms(tuple(unit * 0 for unit in units), 0.0)
    first = Terms((*units[:-1], units[-1] * np.sqrt(squares)), max(0.0, 1 - float(squares.sum()) / whole))
    rng = np.random.default_rng(0)
    rounds = int(min(ROUNDS, max(LEAST, WORK / (2 * tensor.size * rank))))
    runs = list[_Run]()
    for start in range(STARTS if rounds == ROUNDS else 1):
        noise = [_units(rng.standard_normal(unit.shape))[0] for unit in units]
        runs.append(_Run(tensor, whole, noise if start else units, first, max(enough, EXACT)))
        if runs[-1].goes_on(TRIED).error <= runs[-1].enough:
            return runs[-1].best
    return min(runs, key=lambda run: run.best.error).goes_on(rounds)


@dataclass
class _Run:
    """Alternating least squares from a beginning; best: the terms of least error within SPREAD so far."""

    tensor: Array
    whole: float
    factors: list[Array]
    best: Terms
    enough: float
    price: float = PRICE
    errors: list[float] = field(default_factory=list)

    def goes_on(self, rounds: int) -> Terms:
        """The best after so many rounds, or fewer where these are enough, or hardly lower the error."""
        for _ in range(rounds):
            if self.best.error <= self.enough:
                break
            missed, spread = _round(self.tensor, self.factors, self.price)
            if spread > SPREAD * self.whole:
                self.price *= DEARER
            else:
                self.price = max(NOTHING, CHEAPER * self.price)
                if self.whole + missed < self.best.error * self.whole:
                    self.best = Terms(tuple(self.factors), max(0.0, 1 + missed / self.whole))
            self.errors.append(self.best.error)
            before = self.errors[-1 - PATIENCE] if len(self.errors) > PATIENCE else np.inf
            if self.price < LOW and self.errors[-1] > (1 - LESS) * before:
                break
        return self.best


def _round(tensor: Array, factors: list[Array], price: float) -> tuple[float, float]:
    """Replaces every factor by the best for the others; (squared error less the tensor's square, the terms' squares).

    The last has the terms' sizes, the others unit columns. What these need of the tensor is taken along its last axis
    once.
    """
    *firsts, last = factors
    last = _units(last)[0]
    within = tensor @ last
    for axis in range(len(firsts)):
        toward = within
        for place in reversed(range(len(firsts))):
            if place != axis:
                shape = (-1, *(1,) * (toward.ndim - 2 - place), last.shape[1])
                toward = (toward * firsts[place].reshape(shape)).sum(axis=place)
        gram = _products([*firsts[:axis], *firsts[axis + 1 :], last])
        firsts[axis] = _units(_solved(gram, toward, price))[0]
    toward, gram = tensor.reshape(-1, len(last)).T @ _columnwise(firsts), _products(firsts)
    last = _solved(gram, toward, price)
    factors[:] = [*firsts, last]
    return float((last.T @ last * gram).sum() - 2 * (last * toward).sum()), float(np.square(last).sum())


def _solved(gram: Array, toward: Array, price: float) -> Array:
    """The factor, [size, R], of least error; toward: the tensor's products with each term's other columns, as large."""
    return np.asarray(np.linalg.solve(gram + price * np.eye(len(gram)), toward.T).T)


def _products(factors: Sequence[Array]) -> Array:
    """Those of terms with one another, [R, R]: over the factors, of their columns' products."""
    return reduce(np.multiply, (own.T @ own for own in factors))


def _columnwise(factors: Sequence[Array]) -> Array:
    """The Kronecker products of columns, [product of sizes, R] (Khatri and Rao)."""
    return reduce(lambda one, two: (one[:, None] * two).reshape(-1, one.shape[1]), factors)


def _units(factor: Array) -> tuple[Array, Array]:
    """(unit columns; their norms): a column of zeros stays."""
    norms = np.linalg.norm(factor, axis=0)
    return factor / np.where(norms > 0, norms, 1), norms
