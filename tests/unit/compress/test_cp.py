"""CP: a tensor of known rank is found, terms do not cancel, the graph means the weights that the terms sum to."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import passed
from hypothesis import given, settings
from hypothesis import strategies as st
from models import model, node, save

from emcc.base.errors import EmccError
from emcc.compress.factors.als import SPREAD, Terms, fitted, orthogonal
from emcc.compress.factors.cp import Cp
from emcc.driver.steps import describe
from emcc.frontend import load
from emcc.ir.graph import Array, Graph
from emcc.legal.verify import verify
from emcc.ops.interpret import run
from emcc.passes.fold import Fold


def summed(factors: tuple[Array, ...]) -> Array:
    """The tensor that is the sum of the terms."""
    axes = "abcd"[: len(factors)]
    return np.asarray(np.einsum(f"{','.join(f'{axis}r' for axis in axes)}->{axes}", *factors))


def error(tensor: Array, terms: Terms) -> float:
    return float(np.square(summed(terms.factors) - tensor).sum() / np.square(tensor).sum())


def spread(tensor: Array, terms: Terms) -> float:
    """Of the terms' squares, in the tensor's."""
    squares = np.prod([np.square(factor).sum(axis=0) for factor in terms.factors], axis=0)
    return float(squares.sum() / np.square(tensor).sum())


def drawn(seed: int, shape: tuple[int, ...], rank: int) -> Array:
    """A sum of so many terms, of channels that are not alike."""
    rng = np.random.default_rng(seed)
    parts = [rng.standard_normal((size, rank)) for size in shape]
    return summed((*parts[:-2], *(np.linalg.qr(part)[0] for part in parts[-2:])))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("shape", "rank"), [((3, 3, 20, 16), 3), ((9, 20, 16), 5), ((5, 7, 9), 3), ((1, 5, 12, 8), 2), ((6, 4), 3)]
)
def test_a_tensor_of_known_rank_is_found(shape: tuple[int, ...], rank: int, seed: int) -> None:
    tensor = drawn(seed, shape, rank)
    terms = fitted(tensor, orthogonal(tensor), rank)
    assert terms.factors[0].shape == (shape[0], rank)
    assert error(tensor, terms) < 1e-12
    norms = np.array([np.linalg.norm(factor, axis=0) for factor in terms.balanced()])
    np.testing.assert_allclose(norms, norms[:1].repeat(len(shape), 0), rtol=1e-9)
    np.testing.assert_allclose(summed(terms.balanced()), tensor, atol=1e-5)


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 5), min_size=2, max_size=4))
def test_orthogonal_terms_sum_to_the_tensor(seed: int, shape: list[int]) -> None:
    tensor = np.random.default_rng(seed).standard_normal(shape)
    squares, factors = orthogonal(tensor)
    assert (np.diff(squares) <= 0).all()
    whole = (*factors[:-1], factors[-1] * np.sqrt(squares))
    np.testing.assert_allclose(summed(whole), tensor, atol=1e-10)
    gram = np.prod([factor.T @ factor for factor in factors], axis=0)
    real = squares > 1e-20
    np.testing.assert_allclose(gram[np.ix_(real, real)], np.eye(real.sum()), atol=1e-7)


def test_the_error_falls_with_rank_and_is_what_is_said() -> None:
    tensor = np.random.default_rng(1).standard_normal((3, 3, 12, 8))
    begun = orthogonal(tensor)
    found = [fitted(tensor, begun, rank) for rank in (1, 2, 4, 8, 16, 32)]
    for terms in found:
        assert abs(terms.error - error(tensor, terms)) < 1e-12
        assert spread(tensor, terms) <= SPREAD
    left = [1 - begun[0][: terms.factors[0].shape[1]].sum() / begun[0].sum() for terms in found]
    assert all(terms.error < first for terms, first in zip(found, left, strict=True))
    assert all(more.error < fewer.error - 0.01 for fewer, more in pairwise(found))


def test_terms_that_would_cancel_are_held_down() -> None:
    """Rank 3, but as near as one likes to tensors of rank 2 whose terms grow without bound (De Silva and Lim 2008)."""
    a, b = np.eye(2)
    tensor = sum(np.einsum("i,j,k->ijk", *three) for three in ((a, a, b), (a, b, a), (b, a, a)))
    terms = fitted(np.asarray(tensor), orthogonal(np.asarray(tensor)), 2)
    assert SPREAD / 2 < spread(tensor, terms) <= SPREAD
    assert 1e-4 < terms.error < 1e-2
    three = fitted(np.asarray(tensor), orthogonal(np.asarray(tensor)), 3)
    assert three.error < 1e-12


def test_no_more_terms_than_there_are_and_none() -> None:
    tensor = np.zeros((2, 2, 3, 4))
    assert not any(factor.any() for factor in fitted(tensor, orthogonal(tensor), 3).factors)
    tensor[0, 0, 0, 0] = 1.0
    terms = fitted(tensor, orthogonal(tensor), 3)
    assert terms.error == 0


def convolution(folder: Path, shape: tuple[int, ...], seed: int = 0, **attrs: Any) -> Graph:
    """A Conv of these weights, [out, in, ...], between a Relu and the output."""
    rng = np.random.default_rng(seed)
    kernel = rng.standard_normal(shape) * np.exp(-np.arange(shape[0])).reshape(-1, *(1,) * (len(shape) - 1))
    weights = {"k": kernel.astype(np.float32), "b": rng.standard_normal(shape[0]).astype(np.float32)}
    nodes = [node("Relu", ["x"], "r"), node("Conv", ["r", "k", "b"], "y", "conv", **attrs)]
    axes = [13] * (len(shape) - 2)
    path = save(model(nodes, ["n", shape[1], *axes], ["n", shape[0], *("hw"[: len(axes)])], weights), folder / "m.onnx")
    return passed(load(path, "emcc compress", None), Fold())


def parts_of(graph: Graph, name: str) -> Mapping[int, Array]:
    weights = {layer.name: graph.constants[layer.inputs[1]] for layer in graph.layers()}
    return {
        place: weights[f"{name}/{place}"].astype(np.float64) for place in range(1, 5) if f"{name}/{place}" in weights
    }


@pytest.mark.parametrize(
    ("shape", "attrs"),
    [
        ((6, 4, 3, 5), {"pads": [1, 0, 2, 1], "strides": [2, 1]}),
        ((6, 4, 3, 3), {"pads": [2, 2, 1, 0], "dilations": [2, 1], "strides": [1, 3]}),
        ((6, 4, 1, 5), {"pads": [0, 2, 1, 2], "strides": [2, 2]}),
        ((6, 4, 5, 1), {"pads": [1, 1, 3, 0], "strides": [1, 2], "dilations": [2, 1]}),
        ((6, 4, 5), {"pads": [2, 1], "strides": [2], "dilations": [2]}),
    ],
)
def test_the_graph_is_the_convolution_with_the_terms_sum(
    shape: tuple[int, ...], attrs: Mapping[str, Any], tmp_path: Path
) -> None:
    graph = convolution(tmp_path, shape, **attrs)
    (layer,) = graph.layers()
    split = Cp(layers={layer.name: 3}).apply(graph)
    verify(split, after="factor")
    parts = parts_of(split, layer.name)
    flat = [array.reshape(len(array), -1) for array in parts.values()]
    assert [array.shape[0] for array in parts.values()] == [*(3 for _ in flat[1:]), 6]
    kernel = summed((flat[-1], flat[0].T, *(taps.T for taps in flat[1:-1])))
    whole = graph.with_constants({layer.inputs[1]: kernel.reshape(graph.constants[layer.inputs[1]].shape)})
    x = np.random.default_rng(1).standard_normal((3, shape[1], *(13 for _ in shape[2:])))
    np.testing.assert_allclose(run(split, x), run(whole, x), atol=1e-5)
    again = Cp(layers={layer.name: 3}).apply(graph)
    for name, array in split.constants.items():
        assert array.tobytes() == again.constants[name].tobytes()


def test_ranks_by_energy_and_by_size(tmp_path: Path) -> None:
    graph = convolution(tmp_path, (8, 6, 3, 3), seed=2)
    weight = graph.constants[next(graph.layers()).inputs[1]].astype(np.float64)
    tensor = weight.transpose(2, 3, 0, 1)
    for energy in (0.5, 0.8, 0.9):
        parts = parts_of(Cp(energy=energy).apply(graph), "conv")
        rank = len(parts[1])
        errors = [fitted(tensor, orthogonal(tensor), count).error for count in (rank, rank - 1)]
        assert errors[0] <= 1 - energy < errors[1]
    split = Cp(by="size", size=0.5).apply(graph)
    assert sum(array.size for array in parts_of(split, "conv").values()) == 20 * int(0.5 * weight.size / 20)
    assert describe(Cp(), graph, split).startswith("split 'conv' at rank 10 (200 weights for 432)")


@pytest.mark.parametrize("asked", [{"energy": 1.0}, {"layers": {"conv": 60_000}}])
def test_a_rank_that_saves_nothing(asked: Mapping[str, Any], tmp_path: Path) -> None:
    """The first of them is enough to say so: no thousands of terms are looked for."""
    graph = convolution(tmp_path, (8, 6, 3, 3), seed=2)
    with pytest.raises(EmccError, match="cp does not apply: by these ranks no layer saves weights") as raised:
        Cp(**asked).apply(graph)
    assert list(raised.value.details) == ["'conv': rank 22 takes 440 weights for 432"]


def test_a_point_is_no_convolution_of_taps(tmp_path: Path) -> None:
    with pytest.raises(EmccError, match="no layer is one") as raised:
        Cp().apply(convolution(tmp_path, (8, 6, 1, 1)))
    assert list(raised.value.details) == ["'conv': a convolution of 1 x 1"]
