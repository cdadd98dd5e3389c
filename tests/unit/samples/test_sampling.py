"""Which rows are taken of a Dataset, what stands in for missing data, and samples as integers."""

import numpy as np
import pytest
from graphs import folded
from qgraphs import quantised as quantised_graph

from emcc.base.errors import EmccError
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Affine, Graph, Tensor
from emcc.ops import interpret
from emcc.samples import sampling
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import dequantised, format_of, quantised, sample, scaled, spread

GRAPH = Graph("g", ("x",), ("x",), (), {"x": Tensor("x", (None, 2, 3))}, {})


def test_rows_are_spread_evenly() -> None:
    assert spread(10, 4).tolist() == [0, 2, 5, 7]
    assert spread(3, 10).tolist() == [0, 1, 2]
    assert spread(0, 5).tolist() == []


def test_samples_keep_their_labels() -> None:
    x = np.arange(60, dtype=np.float32).reshape(10, 2, 3)
    part = sample(GRAPH, Dataset(x, np.arange(10)), 5)
    assert part.y is not None
    assert part.y.tolist() == [0, 2, 4, 6, 8]
    assert part.x[:, 0, 0].tolist() == [0, 12, 24, 36, 48]


def test_noise_without_data() -> None:
    noise = sample(GRAPH, None, 7)
    assert noise.y is None
    assert (noise.x.shape, noise.x.dtype) == ((7, 2, 3), np.float32)
    assert np.array_equal(noise.x, sample(GRAPH, None, 7).x)
    assert len(sample(GRAPH, None)) == 256


def test_samples_as_integers() -> None:
    program = lower(quantised_graph([3, 2]), LowerOptions(pes=2))
    assert quantised(program, np.float32([[0.5, -1, 1000]])).tolist() == [[128, -256, 32767]]
    with pytest.raises(EmccError, match=r"samples of shape \(4,\); the model takes \(3,\)"):
        quantised(program, np.zeros((1, 4), np.float32))
    with pytest.raises(EmccError, match="x has NaN"):
        quantised(program, np.float32([[0, np.nan, 0]]))


def test_outputs_in_floats() -> None:
    program = lower(quantised_graph([3, 2]), LowerOptions(pes=2))
    frac = format_of(program, program.outputs[0]).frac_bits
    floats = dequantised(program, np.array([[1, -2], [32767, 0]]))
    assert floats.shape == (2, *program.outputs[0].shape)
    assert (floats * 2.0**frac).tolist() == [[1, -2], [32767, 0]]


def test_scales_and_offsets_are_applied_on_the_way_in_and_out() -> None:
    """By graph and by program, in the same integers; a float graph takes and gives the model's units."""
    ends = {"x": Affine(np.array([2.0, 1e-3, 1e3]), np.array([0.0, 100.0, 273.15]))}
    graph = quantised_graph([3, 2]).with_(affines=ends)
    ends[graph.outputs[0]] = Affine(np.array([1e5, 0.5]), np.array([-7.0, 0.0]))
    graph = graph.with_(affines=ends)
    program = lower(graph, LowerOptions(pes=2))
    x = np.random.default_rng(0).normal(size=(50, 3)) / ends["x"].scale + ends["x"].offset
    taken = quantised(program, x)
    fmt = graph.tensors["x"].fmt
    assert fmt
    wanted = np.floor((x - ends["x"].offset) * ends["x"].scale * 2.0**fmt.frac_bits + 0.5)
    np.testing.assert_array_equal(taken, np.clip(wanted, fmt.low, fmt.high))
    np.testing.assert_array_equal(taken, interpret.integers(graph, x))
    given = reference.run(program, taken)
    np.testing.assert_array_equal(given, interpret.run(graph, taken))
    y = dequantised(program, given)
    np.testing.assert_array_equal(y, interpret.answers(graph, x))
    frac = format_of(program, program.outputs[0]).frac_bits
    np.testing.assert_array_equal(y, given * 2.0**-frac * [1e5, 0.5] + [-7.0, 0.0])


@pytest.mark.parametrize("module", ["numpy", "torch"])
def test_a_float_graph_takes_and_gives_the_models_units(module: str) -> None:
    xp = pytest.importorskip(module)
    graph = folded([3, 2], weights=[np.eye(2, 3)], biases=[np.zeros(2)])
    ends = {"x": Affine(np.array([2.0, 4.0, 1.0]), np.array([1.0])), "z0": Affine(np.array([10.0]), np.array([0.0, 5]))}
    x = np.float32([[1, 2, 3], [0, 1, 0]])
    y = interpret.run(graph.with_(affines=ends), x if xp is np else xp.from_numpy(x), xp)
    assert np.asarray(y).tolist() == [[0.0, 45.0], [-20.0, 5.0]]


def test_the_scale_of_inputs_saturates_nothing() -> None:
    program = lower(quantised_graph([3, 2]), LowerOptions(pes=2))
    assert scaled(program, np.float32([[0.5, -1, 1000]])).tolist() == [[128, -256, 256000]]


@pytest.mark.parametrize(("elements", "count"), [(6, 256), (1 << 20, 255), (1 << 22, 63), (1 << 30, 16)])
def test_less_noise_for_large_tensors(elements: int, count: int) -> None:
    """As many samples as make 2^28 elements of all tensors, the input's 6 among them; 16 at least, 256 at most."""
    within = Tensor("h", (None, elements))
    graph = Graph("g", ("x",), ("x",), (), {**GRAPH.tensors, "h": within}, {})
    assert len(sample(graph, None)) == count
    assert len(sample(graph, None, 2)) == 2


def test_less_noise_for_large_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of a few bytes may name an input of 2^24 elements: all noise has no more, and one sample at least."""
    whole = sample(GRAPH, None).x
    for most, count in ((6 * 100, 100), (6 * 3 + 5, 3), (1, 1)):
        monkeypatch.setattr(sampling, "MOST", most)
        np.testing.assert_array_equal(sample(GRAPH, None).x, whole[:count])
