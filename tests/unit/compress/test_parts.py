"""The parts of automatic compression: importance, codes, states, sizes, bundles and augmentation."""

import numpy as np
import pytest
from graphs import folded
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from emcc.base.errors import EmccError
from emcc.compress.augment import Augment
from emcc.compress.clusters.codebook import entropy, priced
from emcc.compress.importance.choice import choose, dead, grown
from emcc.compress.kmeans import Share
from emcc.compress.rounding import snapped
from emcc.compress.search.entries import PRICE
from emcc.compress.search.goal import Goal, parse_size
from emcc.compress.state import digest, graph_of, pack, state_of, unpack
from emcc.container import decode
from emcc.driver.encoder import Encoder
from emcc.ir.graph import Graph, Node, Tensor
from emcc.legal.verify import verify
from emcc.passes.calibrate import Calibrate
from emcc.passes.layer_integers import finest_weight_frac

FLOATS = st.floats(-4, 4, width=32)
WEIGHTS = arrays(np.float32, st.tuples(st.integers(1, 8), st.integers(1, 8)), elements=st.one_of(st.just(0.0), FLOATS))


@settings(max_examples=100)
@given(weights=WEIGHTS, entries=st.integers(1, 15))
def test_clusters_keep_zeros_and_signs(weights: np.ndarray, entries: int) -> None:
    weights = np.where(np.abs(weights) < 1e-3, np.float32(0), weights)
    values, result = priced(weights, entries, PRICE)
    assert values[0] == 0
    assert values.size <= entries + 1
    assert np.array_equal(result == 0, weights == 0)
    if entries > 1:
        assert np.array_equal(np.sign(values[result]), np.sign(weights))


def test_a_price_of_bits_lowers_the_entropy() -> None:
    weights = np.random.default_rng(0).standard_normal((50, 50)).astype(np.float32)
    cheap, dear = priced(weights, 15, 0.5)[1], priced(weights, 15, 0.0)[1]
    assert entropy(cheap) < 0.8 * entropy(dear)


@settings(max_examples=60)
@given(seed=st.integers(0, 99), share=st.floats(0, 1), kind=st.sampled_from(["magnitude", "scan", "lamp"]))
def test_chosen_masks_have_exactly_the_count(seed: int, share: float, kind: str) -> None:
    graph = folded([9, 7, 4], seed=seed)
    weights = state_of(graph).weights
    count = round(share * (63 + 28))
    masks = choose(graph, kind, weights, {"fc0.weight": 1.0, "fc1.weight": 3.0}, count)
    assert sum(int(mask.sum()) for mask in masks.values()) == count


def test_weights_of_no_effect_are_dead() -> None:
    first, second = np.ones((3, 2), np.float32), np.ones((2, 3), np.float32)
    graph = folded([2, 3, 2])
    second[:, 0] = 0  # nothing leaves channel 0
    first[1] = 0  # nothing enters channel 1
    result = dead(graph, {"fc0.weight": (first != 0).ravel(), "fc1.weight": (second != 0).ravel()})
    assert result["fc0.weight"].reshape(3, 2).tolist() == [[True, True], [False, False], [False, False]]
    assert result["fc1.weight"].reshape(2, 3).tolist() == [[False, True, False]] * 2


@settings(max_examples=30)
@given(masks=arrays(bool, (5, 6)), gradients=arrays(np.float32, (5, 6), elements=FLOATS), count=st.integers(0, 30))
def test_grown_masks_keep_what_there_was(masks: np.ndarray, gradients: np.ndarray, count: int) -> None:
    result = grown({"w": masks}, {"w": gradients}, count)["w"]
    assert not (masks & ~result).any()
    assert result.sum() == min(30, masks.sum() + count)


def test_states_are_stored_as_they_are() -> None:
    state = state_of(folded([4, 3, 2]))
    again = unpack(pack(state))
    assert digest(again) == digest(state)
    assert again.kept() == state.kept()
    assert np.array_equal(graph_of(folded([4, 3, 2]), again).constants["fc0.weight"], state.weights["fc0.weight"])


@pytest.mark.parametrize(
    ("text", "size"), [("20KB", 20_000), ("1.5 mb", 1_500_000), ("64KiB", 65_536), ("9000", 9000), ("9000B", 9000)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "KB", "-1", "0", "12 parsecs", "1e3", "0.2"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(EmccError, match="is not a size"):
        parse_size(text)


def test_a_goal_is_one_goal() -> None:
    for values in ((None, None, None), (0.3, 10, None), (0.3, 10, 0.5)):
        with pytest.raises(ValueError, match="one goal"):
            Goal(*values)


def convolution(seed: int) -> Graph:
    rng = np.random.default_rng(seed)
    attrs = {"dilations": (1, 1), "group": 1, "pads": (1, 0, 0, 1), "strides": (1, 1)}
    pool = {"ceil_mode": 0, "dilations": (1, 1), "kernel_shape": (2, 2), "pads": (0, 0, 0, 0), "strides": (2, 2)}
    nodes = (
        Node("conv", "Conv", ("x", "conv.w", "conv.b"), ("c",), attrs),
        Node("pool", "MaxPool", ("c",), ("p",), pool),
        Node("fc", "Linear", ("p", "fc.w", "fc.b"), ("y",)),
    )
    shapes = {"x": (2, 7, 7), "c": (3, 6, 6), "p": (3, 3, 3), "y": (4,)}
    constants = {
        "conv.w": (rng.standard_normal((3, 2, 3, 3)) * (rng.random((3, 2, 3, 3)) < 0.6)).astype(np.float32),
        "conv.b": rng.standard_normal(3),
        "fc.w": (rng.standard_normal((4, 27)) * (rng.random((4, 27)) < 0.3)).astype(np.float32),
        "fc.b": rng.standard_normal(4),
    }
    return Graph("n", ("x",), ("y",), nodes, {k: Tensor(k, (None, *v)) for k, v in shapes.items()}, constants)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), bits=st.sampled_from([1, 2, 4, 8]))
def test_snapped_codebooks_have_16_bits_and_are_stored_exactly(seed: int, bits: int) -> None:
    shared = Share(bits).apply(convolution(seed))
    small = snapped(shared)
    verify(small, after="share")
    for name, book in small.codebooks.items():
        frac = finest_weight_frac(book.values)
        integers = np.ldexp(book.values, frac or 0)
        assert np.array_equal(integers, np.round(integers))
        assert np.abs(integers).max() <= 1 << 15
        assert np.abs(small.constants[name] - shared.constants[name]).max() <= 2.0 ** -(frac or 0)
    again = decode(Encoder(Calibrate())(shared))
    assert all(np.array_equal(again.constants[name], value) for name, value in small.constants.items())


def test_augmentation_is_seeded_and_needs_images() -> None:
    torch = pytest.importorskip("torch")
    x = torch.rand(5, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    results = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        warp = Augment(torch, "warp", (1, 12, 12))
        warp.begin(rng)
        results.append(warp(x, rng))
    assert torch.equal(*results)
    assert results[0].shape == x.shape
    assert not torch.equal(results[0], x)
    with pytest.raises(EmccError, match="needs images"):
        Augment(torch, "shift", (10,))
