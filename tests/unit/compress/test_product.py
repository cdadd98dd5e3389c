"""Product quantisation: what the papers define, files that hold it, training by layers, the array's integers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from emulate import emulate
from graphs import folded
from hypothesis import given
from hypothesis import strategies as st
from searching import FAST, problem_of
from small_problem import invoked, manifest_of

from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune
from emcc.compress.product.product import Product, Scalars, rounded, scalars, unit_of
from emcc.compress.product.training import Centroids, Iterative, Noise
from emcc.compress.product.vectors import assigned, kmeans, means
from emcc.compress.search.blocks import Blocker
from emcc.compress.search.goal import Goal, Search
from emcc.compress.search.search import Result
from emcc.compress.search.store import Store
from emcc.compress.search.worth import Methods
from emcc.compress.state import graph_of, state_of
from emcc.compress.trainer import deterministic, import_torch
from emcc.compress.untouched import Untouched
from emcc.container import decode, encode
from emcc.driver.encoder import Encoder
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.ir.blocks import Blocks
from emcc.ir.graph import Array, Graph
from emcc.legal.rows import IllegalGraph
from emcc.legal.verify import verify
from emcc.measure.sections import layer_sizes
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset

PLAIN = Product(block=4, entries=8, entry_bits=0)


def drawn(seed: int, rows: int, columns: int, dead: float = 0.0) -> Array:
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((rows, columns)).astype(np.float32)
    weights.reshape(rows, -1, 4)[rng.random((rows, columns // 4)) < dead] = 0
    return weights


def test_sub_vectors_that_fit_are_kept_exactly() -> None:
    """Gong et al., by hand: rows of two sub-vectors, each position with two of its own."""
    a, b, c, d = ([1, 2], [3, 4], [5, 6], [-7, 8])
    rows = np.array([[*a, *c], [*b, *c], [*a, *d], [*b, *d]] * 2, np.float32)
    made = Product(block=2, entries=2, own="position", entry_bits=0).of(rows, "")
    assert isinstance(made, Blocks)
    assert made.values.shape == (2, 2, 2)
    assert sorted(made.values[0].tolist()) == [a, b]
    assert sorted(made.values[1].tolist()) == [d, c]
    np.testing.assert_array_equal(made.weights(), rows)
    one = Product(block=2, entries=4, entry_bits=0).of(rows, "")
    assert isinstance(one, Blocks)
    assert one.values.shape == (1, 4, 2)
    np.testing.assert_array_equal(one.weights(), rows)


@given(st.integers(0, 2**32), st.sampled_from(["layer", "position"]), st.sampled_from([0.0, 0.3, 1.0]))
def test_the_nearest_sub_vector_of_its_own_codebook(seed: int, own: str, dead: float) -> None:
    weights = drawn(seed, 40, 24, dead)
    made = replace(PLAIN, own=own).of(weights, "")
    assert isinstance(made, Blocks)
    assert not made.fault()
    cut = weights.reshape(40, 6, 4).astype(np.float64)
    distance = np.square(cut[:, :, None] - (made.values[np.arange(6) % len(made.values)])).sum(axis=-1)
    np.testing.assert_allclose(
        distance.min(axis=-1), np.take_along_axis(distance, made.codes[:, :, None].astype(int), -1)[..., 0], atol=1e-5
    )
    decoded = made.weights().reshape(40, 6, 4)
    assert not decoded[~cut.any(axis=-1)].any()
    assert made.decodes_to(made.weights())
    assert not made.decodes_to(made.weights() + np.float32(1))


def test_k_means_is_a_fixed_point_and_never_worse_than_its_start() -> None:
    points, rng = drawn(1, 600, 4), np.random.default_rng(0)
    found = kmeans(points, 16, 1000, rng)
    codes = assigned(points, found)
    by_hand = np.stack([points[codes == k].mean(axis=0, dtype=np.float64) for k in range(16)])
    np.testing.assert_allclose(found, by_hand, rtol=1e-5, atol=1e-6)
    start = kmeans(points, 16, 0, np.random.default_rng(0))
    assert ((start[:, None] == points).all(axis=-1).any(axis=1)).all()
    errors = [np.square(points - book[assigned(points, book)]).sum() for book in (start, found)]
    assert errors[1] < errors[0]


def test_a_centroid_without_points_goes_beside_that_of_the_most() -> None:
    points = np.array([[1, 1], [1, 3], [9, 9]], np.float32)
    moved = means(points, np.array([0, 0, 1], np.uint8), np.zeros((3, 2), np.float32))
    np.testing.assert_allclose(moved, [[1, 2], [9, 9], [1, 2]], rtol=1e-4)
    assert not np.array_equal(moved[0], moved[2])


def test_a_number_of_8_bits_takes_a_byte_of_the_file() -> None:
    graph = Product(entries=64).apply(folded([64, 80], seed=2))
    (size,) = layer_sizes(encode(graph))
    assert size.codebook.bytes <= graph.blocks["fc0.weight"].values.size + 8


def test_numbers_of_few_bits() -> None:
    (found,) = rounded([np.array([[0, 0], [0.5, -0.99], [0.001, 0.2]], np.float32)], 4)
    np.testing.assert_array_equal(found, np.array([[0, 0], [4, -7], [0, 2]]) / 8)
    assert not np.signbit(rounded([np.array([[-1e-9, 1.0]], np.float32)], 8)[0][0, 0])
    assert unit_of(found) == 1 / 8
    assert unit_of(np.float32([[1 / 3, 1e5]])) == 0
    assert unit_of(np.zeros((2, 2), np.float32)) == 1


def test_layers_with_no_blocks_have_k_means() -> None:
    graph = Product(block=4, layers={"fc1": 1}).apply(folded([8, 12, 7, 5, 3], seed=4))
    verify(graph, after="share")
    assert set(graph.blocks) == {"fc0.weight"}
    assert set(graph.codebooks) == {"fc1.weight", "fc2.weight", "fc3.weight"}
    verify(decode(encode(graph)), after="share")


def test_rows_that_a_block_does_not_divide() -> None:
    with pytest.raises(EmccError, match="blocks that rows cannot be cut into") as error:
        Product(layers={"fc0": 3, "fc1": 4}).apply(folded([8, 12, 7], seed=4))
    assert error.value.details == ("'fc0': blocks of 3, rows of 8",)


@pytest.mark.parametrize("bits", [0, 8, 16])
def test_the_array_has_the_same_weights_as_scalars(bits: int) -> None:
    graph = Product(entries=16, entry_bits=bits).apply(folded([64, 48, 12], seed=1))
    made = scalars(graph)
    verify(made, after="finetune")
    for name, book in made.codebooks.items():
        assert (book.identity and book.code_w == 8) == (bits == 8)
        np.testing.assert_array_equal(made.constants[name], graph.constants[name])
    with pytest.raises(IllegalGraph, match="product-quantised"):
        verify(graph, after="finetune")
    assert Scalars(Product()).role == "share"


def test_a_graph_that_is_not_what_its_blocks_say() -> None:
    graph = PLAIN.apply(folded([16, 12, 8], seed=1))
    other = graph.with_constants({"fc0.weight": graph.constants["fc0.weight"] + np.float32(1)})
    with pytest.raises(IllegalGraph, match="is not what its blocks say"):
        verify(other, after="share")
    with pytest.raises(ValueError, match="is not what its blocks say"):
        encode(other)


def finetune(graph: Graph, epochs: int) -> Finetune:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((256, 16)).astype(np.float32)
    data = Dataset(x, (x[:, :4].sum(axis=1) > 0).astype(np.int64))
    return Finetune(shared_epochs=epochs, shared_learning_rate=1e-2, least_steps=8, data=data, teacher=graph)


@pytest.mark.parametrize("epochs", [0, 2, 3])
def test_layer_by_layer(epochs: int) -> None:
    pytest.importorskip("torch")
    graph = folded([16, 24, 16, 2], seed=3)
    method = Product(block=4, entries=8, noise_epochs=1, noise=0.5)
    tuner = finetune(graph, epochs)
    made = Iterative(method, tuner).apply(graph)
    verify(made, after="share")
    assert set(made.blocks) == {"fc0.weight", "fc1.weight", "fc2.weight"}
    assert all(unit_of(own.values) and own.values.shape[2] == 4 for own in made.blocks.values())
    again = Iterative(method, finetune(graph, epochs)).apply(graph)
    for name, value in made.constants.items():
        np.testing.assert_array_equal(again.constants[name], value)
    if epochs == 3:
        assert tuner.problem.judge(made)[0] < tuner.problem.judge(method.apply(graph))[0]


def test_sub_vectors_move_by_the_gradients_of_their_blocks_and_zero_stays() -> None:
    torch = pytest.importorskip("torch")
    values = np.array([[[0, 0], [1, 2], [3, 4]]], np.float32)
    blocks = Blocks(values, np.array([[0, 1], [1, 2], [2, 1]], np.uint8), (3, 4))
    graph = folded([4, 3], seed=1).with_constants({"fc0.weight": blocks.weights()}).with_(blocks={"fc0.weight": blocks})
    moving = Centroids(torch, state_of(graph), 0)
    pull = torch.arange(12.0).reshape(3, 4)
    (moving.constants()["fc0.weight"] * pull).sum().backward()
    by_hand = [[0, 0], [2 + 4 + 10, 3 + 5 + 11], [6 + 8, 7 + 9]]
    np.testing.assert_array_equal(moving.leaves["fc0.weight"].grad[0], by_hand)
    with torch.no_grad():
        moving.leaves["fc0.weight"] += 1
    after = graph_of(graph, moving.result(state_of(graph)))
    np.testing.assert_array_equal(after.blocks["fc0.weight"].values[0], [[0, 0], [2, 3], [4, 5]])
    np.testing.assert_array_equal(after.blocks["fc0.weight"].codes, blocks.codes)
    assert after.blocks["fc0.weight"].decodes_to(after.constants["fc0.weight"])


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_noise_quantises_whole_blocks(share: float) -> None:
    torch = pytest.importorskip("torch")
    graph = folded([64, 40], seed=1)
    state = state_of(graph)
    noise = Noise(torch, state, replace(PLAIN, noise=share), {"fc0.weight": "fc0"})
    weights, wanted = state.weights["fc0.weight"], PLAIN.of(state.weights["fc0.weight"], "fc0").weights()
    shown = noise.constants()["fc0.weight"]
    got = shown.detach().numpy()
    taken = (got == wanted).reshape(40, 16, 4).all(axis=-1)
    left = (got == weights).reshape(40, 16, 4).all(axis=-1)
    assert (taken ^ left).all()
    assert share - 0.1 < taken.mean() < share + 0.1
    shown.sum().backward()
    np.testing.assert_array_equal(noise.leaves["fc0.weight"].grad, np.ones((40, 64)))


def test_by_the_commands(tmp_path: Any) -> None:
    recipe = '[compress]\ncodebooks = "product"\nmethods = "product"\n[product]\nblock = 4\nentries = 4\n'
    manifest = manifest_of(tmp_path, "compress", recipe, "--fixed")
    graph = decode((tmp_path / "out" / "model.emc").read_bytes())
    assert set(graph.blocks) == {node.inputs[1] for node in graph.layers()}
    assert [(row["block"], row["vectors"]) for row in manifest["layers"]] == [(4, 4), (4, 3)]
    assert manifest["options"]["passes"]["product"]["noise"] == 0.1


GOALS = "[product]\nblock = 4\n"


@pytest.mark.parametrize(
    ("command", "goal"),
    [("compress", ("--max-drop", "60")), ("compress", ("--target-size", "320")), ("compile", ("--target-size", "398"))],
)
def test_a_search_chooses_blocks_for_a_goal(command: str, goal: tuple[str, str], tmp_path: Any) -> None:
    """The size is that of the file: of blocks for storage, of scalars for the array, which 398 bytes hold hardly."""
    manifest = manifest_of(tmp_path, command, GOALS, "--method", "product", *goal)
    graph, search = decode((tmp_path / "out" / "model.emc").read_bytes()), manifest["search"]
    if goal[0] == "--target-size":
        assert 200 < manifest["totals"]["bytes"] <= int(goal[1])
    else:
        assert search["lost_at_most"] <= 60.0
    assert bool(graph.blocks) == (command == "compress")
    assert search["trained_steps"] > 0
    assert {row["stage"] for row in manifest["curve"]} == {"training codebooks"}


def test_a_search_for_the_array_weighs_its_scalars(tmp_path: Any) -> None:
    """What blocks would take for storage is enough here, and is not what the array's file holds."""
    pytest.importorskip("torch")
    result = invoked(tmp_path, "compile", GOALS, "--method", "product", "--target-size", "320")
    assert result.exit_code == 2
    assert "a size of 320 bytes cannot be reached by product quantisation" in result.output
    assert not (tmp_path / "out").exists()


def searched(goal: Goal) -> tuple[Result, int]:
    """A search on a network whose own classes are the labels, and the bytes of its file."""
    graph, options = folded([32, 24, 6], seed=2), Search(**FAST)
    with deterministic(import_torch(), 1):
        problem = problem_of(graph, True, options)
        encoder = Encoder(Calibrate(data=problem.data.x))
        methods = Methods(Untouched(), Product())
        result = Blocker(problem, goal, options, methods, encoder, Store(None, "")).run()
    return result, len(encoder(result.shared))


def test_the_smallest_blocks_that_serve() -> None:
    """Two goals, two forms; a goal that the finest form misses is refused with what that loses."""
    pytest.importorskip("torch")
    (loose, small), (close, large) = (searched(Goal(max_drop=drop)) for drop in (90.0, 40.0))
    assert small < large
    assert loose.record["lost_at_most"] > close.record["lost_at_most"] <= 40.0
    best, size = searched(Goal(target_size=large))
    assert small < size <= large
    assert best.record["quality"] >= loose.record["quality"]
    with pytest.raises(EmccError, match=r"product quantisation loses .* at its finest, blocks of 2 and"):
        searched(Goal(max_drop=0.0))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("magnitude+product", "--max-drop", "9"),
            "in a block pruned weights do not stay zero",
        ),
        (("magnitude+product", "--target-sparsity", "0.5"), "product quantisation chooses no zeros"),
        (("product", "--target-size", "90"), "a size of 90 bytes cannot be reached by product quantisation"),
        (("product", "--target-size", "900", "--keep-weights"), "product quantisation has blocks"),
    ],
)
@pytest.mark.parametrize("command", ["compress", "compile"])
def test_goals_that_blocks_cannot_have(command: str, words: tuple[str, ...], said: str, tmp_path: Any) -> None:
    result = invoked(tmp_path, command, GOALS, "--method", *words)
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "out").exists()


def test_on_the_array_to_the_bit(tmp_path: Any) -> None:
    """Compiled without a goal: codes of 8 bits that are the weights; the array's integers are the reference's."""
    recipe = '[product]\nblock = 4\nentries = 8\n[compress]\nmethods = "product"\n'
    manifest = manifest_of(tmp_path, "compile", recipe, "--pes", "2")
    said = {step["name"]: step["did"] for step in manifest["passes"]}
    assert "trained layer by layer" in said["product"]
    graph, program = decode((tmp_path / "out/model.emc").read_bytes()), load_program(tmp_path / "out/program.npz")
    assert [node.attrs["code_w"] for node in graph.layers()] == [8, 8]
    inputs = {"x": np.random.default_rng(1).integers(-30_000, 30_000, (5, 12))}
    wanted, got = reference.run_ports(program, inputs), emulate(program, inputs)
    for port, values in wanted.items():
        np.testing.assert_array_equal(got[port], values)
