"""What a layer's weights are worth between layers, in ascending order, without an array of float64 a weight."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from emcc.ir.graph import Array

CHUNK = 1 << 16
Score = Callable[[Array], Callable[[int], Array]]
"""Of a layer's |w|, float32 and ascending, to a function from a chunk's number to what that chunk is worth, float64."""


def chunk_of(ranked: Array, number: int) -> Array:
    """Elements number * CHUNK to (number + 1) * CHUNK, float64."""
    return ranked[number * CHUNK : (number + 1) * CHUNK].astype(np.float64)


def chunks_of(size: int) -> int:
    """How many chunks `size` elements are."""
    return -(-size // CHUNK)


def magnitude(ranked: Array) -> Callable[[int], Array]:
    """|w|."""
    return lambda number: chunk_of(ranked, number)


def scaled(ranked: Array) -> Callable[[int], Array]:
    """|w| over the layer's root mean square."""
    top = float(ranked.max(initial=0.0)) or 1.0
    total = sum(float(np.sum(np.square(chunk_of(ranked, i) / top))) for i in range(chunks_of(ranked.size)))
    level = np.sqrt(total / ranked.size) or 1.0
    return lambda number: chunk_of(ranked, number) / top / level


def lamp(ranked: Array) -> Callable[[int], Array]:
    """w**2 over the sum of the squares of all weights of the layer that are no smaller.

    Layer-adaptive magnitude score of Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning" (ICLR 2021):
    comparable between layers, and a layer's largest weight scores 1, so that no layer loses all.
    """
    top = float(ranked.max(initial=0.0)) or 1.0
    beyond = np.zeros(chunks_of(ranked.size) + 1)

    def tail(number: int) -> tuple[Array, Array]:
        squares = np.square(chunk_of(ranked, number) / top)
        sums = np.cumsum(np.concatenate([beyond[number + 1 : number + 2], squares[::-1]]))
        return squares, sums[:0:-1]

    def worth(number: int) -> Array:
        squares, sums = tail(number)
        return np.asarray(np.divide(squares, sums, out=np.zeros_like(squares), where=sums > 0))

    for number in reversed(range(len(beyond) - 1)):
        beyond[number] = tail(number)[1][0]
    return worth


SCORES: Mapping[str, Score] = MappingProxyType({"lamp": lamp, "magnitude": magnitude, "scaled": scaled})


def all_of(magnitudes: Array, score: Score) -> Array:
    """What each of a layer's |w| (flat, in any order) is worth: float64, of the same shape."""
    order = np.argsort(magnitudes, kind="stable")
    worth_of_chunk = score(magnitudes[order])
    result = np.empty(magnitudes.size)
    for number in range(chunks_of(magnitudes.size)):
        result[order[number * CHUNK : (number + 1) * CHUNK]] = worth_of_chunk(number)
    return result


@dataclass(frozen=True)
class Ranking:
    """One layer's |w|, float32 and ascending, with what they are worth. Zeros are worth less than all: -1."""

    ranked: Array
    worth: Callable[[int], Array]
    zeros: int
    last: Array

    @classmethod
    def of(cls, weights: Array, score: Score) -> "Ranking":
        """Of a layer with at least one weight."""
        ranked = np.abs(weights.reshape(-1).astype(np.float32, copy=False))
        ranked.sort()
        worth, count = score(ranked), chunks_of(ranked.size)
        last = np.array([worth(number)[-1] for number in range(count)])
        return cls(ranked, worth, int(np.searchsorted(ranked, 0, side="right")), last)

    def below(self, value: float, side: str) -> int:
        """How many are worth less than `value` >= 0 (side "left"), or no more ("right")."""
        number = int(np.searchsorted(self.last, value, side=side))  # type: ignore[call-overload]
        if number == self.last.size:
            return self.ranked.size
        inside = int(np.searchsorted(self.worth(number), value, side=side))  # type: ignore[call-overload]
        return max(number * CHUNK + inside, self.zeros)

    def cut(self, count: int) -> tuple[float, int]:
        """As `threshold`, for `count` >= 0."""
        if count == 0:
            return 0.0, 0
        limit = self.ranked[count - 1]
        return float(limit), count - int(np.searchsorted(self.ranked, limit))


def shares(rankings: list[Ranking], count: int) -> list[int]:
    """How many of the `count` worth least are each layer's; of equals those of earlier layers go first."""
    least = [ranking.zeros for ranking in rankings]
    if count > sum(least):
        value = _smallest_reaching(rankings, count)
        least = [ranking.below(value, "left") for ranking in rankings]
        most = [ranking.below(value, "right") for ranking in rankings]
    else:
        least, most = [0] * len(rankings), least
    left = count - sum(least)
    for i, (low, high) in enumerate(zip(least, most, strict=True)):
        least[i] += min(left, high - low)
        left -= least[i] - low
    return least


def _smallest_reaching(rankings: list[Ranking], count: int) -> float:
    """The smallest value >= 0 that at least `count` are worth no more than. Numbers >= 0 order as their bits."""
    low, high = 0, int(np.float64(max(ranking.last[-1] for ranking in rankings)).view(np.int64))
    while low < high:
        middle = (low + high) // 2
        value = float(np.int64(middle).view(np.float64))
        if sum(ranking.below(value, "right") for ranking in rankings) >= count:
            high = middle
        else:
            low = middle + 1
    return float(np.int64(low).view(np.float64))


def threshold(weights: Array, count: int) -> tuple[float, int]:
    """(t, n): the `count` smallest |w| are those below t and n that equal it. By radix, without a copy."""
    if count == 0:
        return 0.0, 0
    upper = np.zeros(1 << 16, np.int64)
    for bits in _magnitude_bits(weights):
        upper += np.bincount(bits >> 16, minlength=1 << 16)
    ends = np.cumsum(upper)
    prefix = int(np.searchsorted(ends, count))
    rest = count - int(ends[prefix] - upper[prefix])
    lower = np.zeros(1 << 16, np.int64)
    for bits in _magnitude_bits(weights):
        lower += np.bincount(bits[bits >> 16 == prefix] & 0xFFFF, minlength=1 << 16)
    ends = np.cumsum(lower)
    suffix = int(np.searchsorted(ends, rest))
    return float(np.uint32(prefix << 16 | suffix).view(np.float32)), rest - int(ends[suffix] - lower[suffix])


def _magnitude_bits(weights: Array) -> Iterator[Array]:
    flat = weights.reshape(-1)
    for begin in range(0, flat.size, 4 * CHUNK):
        yield np.abs(flat[begin : begin + 4 * CHUNK].astype(np.float32, copy=False)).view(np.uint32)


def without_smallest(weights: Array, limit: float, ties: int) -> Array:
    """The float32 weights with all below |limit|, and the first `ties` that equal it, made +0."""
    pruned = np.empty(weights.shape, np.float32)
    flat, result = weights.reshape(-1), pruned.reshape(-1)
    for begin in range(0, flat.size, 4 * CHUNK):
        block = flat[begin : begin + 4 * CHUNK].astype(np.float32, copy=False)
        size = np.abs(block)
        gone = size < np.float32(limit)
        if ties:
            equal = np.flatnonzero(size == np.float32(limit))[:ties]
            gone[equal] = True
            ties -= equal.size
        result[begin : begin + 4 * CHUNK] = np.where(gone, np.float32(0), block) + np.float32(0)
    return pruned
