"""Layers split into smaller ones: the best of their rank, the same function at full rank, the same integers after."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from emulate import emulate
from graphs import folded, passed
from hypothesis import given, settings
from hypothesis import strategies as st
from models import mlp, model, node, save
from typer.testing import CliRunner

from emcc.base.errors import EmccError
from emcc.cli import app
from emcc.compress.factors.cp import Cp
from emcc.compress.factors.factoriser import Factoriser, halves, kept
from emcc.compress.factors.spatial import SpatialSvd
from emcc.compress.factors.svd import Svd
from emcc.compress.factors.tucker import Tucker2
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.compress.method import having, method
from emcc.driver.recipe import Recipe
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.files.artefact import read_manifest
from emcc.frontend import load
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.ops.interpret import run
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise


def convolution(folder: Path, taps: tuple[int, int], seed: int = 0, **attrs: Any) -> Graph:
    """A Conv of 5 to 7 channels of low rank with a little noise, a Relu, a Gemm behind it."""
    rng = np.random.default_rng(seed)
    pads, group = attrs.get("pads", [0, 0, 0, 0]), attrs.get("group", 1)
    kernel = np.einsum(
        "nr,rc,rk,rl->nckl", *(rng.standard_normal(s) for s in ((6, 2), (2, 4 // group), (2, taps[0]), (2, taps[1])))
    )
    strides, dilations = attrs.get("strides", [1, 1]), attrs.get("dilations", [1, 1])
    tall, wide = ((10 + pads[i] + pads[i + 2] - (taps[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i in (0, 1))
    weights = {
        "k": (kernel + 0.02 * rng.standard_normal(kernel.shape)).astype(np.float32),
        "b": rng.standard_normal(6).astype(np.float32),
        "w": (rng.standard_normal((3, 6 * tall * wide)) / 10).astype(np.float32),
    }
    nodes = [
        node("Conv", ["x", "k", "b"], "a", "conv", **attrs),
        node("Relu", ["a"], "r"),
        node("Flatten", ["r"], "f", axis=1),
        node("Gemm", ["f", "w"], "y", "fc", transB=1),
    ]
    path = save(model(nodes, ["n", 4, 10, 10], ["n", 3], weights), folder / "m.onnx")
    return passed(load(path, "emcc compile", None), Fold())


WINDOWS: list[Mapping[str, Any]] = [
    {},
    {"pads": [1, 0, 2, 1], "strides": [2, 1]},
    {"pads": [2, 2, 2, 2], "dilations": [2, 1], "strides": [1, 3]},
]


@pytest.mark.parametrize("attrs", WINDOWS)
@pytest.mark.parametrize("kind", [SpatialSvd, Tucker2, Svd, Cp])
def test_the_same_function_but_for_what_the_rank_leaves_out(
    kind: type[Factoriser], attrs: Mapping[str, Any], tmp_path: Path
) -> None:
    """Strides, pads and dilations go where they belong: the kernels of both compute the same, away from edges and at
    them."""
    graph = convolution(tmp_path, (1, 1) if kind is Svd else (3, 3), **attrs)
    name = next(layer.name for layer in graph.layers() if layer.op == "Conv")
    split = kind(layers={name: 2, "fc": 0}).apply(graph)
    verify(split, after="factor")
    x = np.random.default_rng(1).standard_normal((4, 4, 10, 10)).astype(np.float32)
    whole, parts = run(graph, x), run(split, x)
    count = {Tucker2: 3, Cp: 4}.get(kind, 2)
    assert [layer.name for layer in split.layers()] == [*(f"{name}/{i + 1}" for i in range(count)), "fc"]
    assert np.square(parts - whole).mean() < 0.01 * whole.var()


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(2, 14), st.integers(2, 14), st.integers(1, 5))
def test_svd_is_the_nearest_of_its_rank(seed: int, out: int, into: int, rank: int) -> None:
    """Eckart and Young: what is left out is the sum of the other squared singular values."""
    graph = folded([into, out], seed=seed)
    matrix = graph.constants["fc0.weight"].astype(np.float64)
    rank = min(rank, *matrix.shape)
    if rank * (out + into) >= out * into:
        with pytest.raises(EmccError, match="no layer saves weights"):
            Svd(layers={"fc0": rank}).apply(graph)
        return
    split = Svd(layers={"fc0": rank}).apply(graph)
    right, left = (split.constants[f"fc0/{i}.weight"].astype(np.float64) for i in (1, 2))
    sizes = np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(np.square(left @ right - matrix).sum(), np.square(sizes[rank:]).sum(), atol=1e-5)
    assert (left.shape, right.shape) == ((out, rank), (rank, into))
    assert not split.constants["fc0/1.bias"].any()
    assert "fc0.weight" not in split.constants


def test_spatial_is_the_nearest_in_its_matrix(tmp_path: Path) -> None:
    graph = convolution(tmp_path, (3, 5))
    name, *_ = (layer.name for layer in graph.layers())
    split = SpatialSvd(layers={name: 3}).apply(graph)
    down, across = (split.constants[f"{name}/{i}.weight"].astype(np.float64) for i in (1, 2))
    assert (down.shape, across.shape) == ((3, 4, 3, 1), (6, 3, 1, 5))
    kernel = np.einsum("rck,nrl->nckl", down[..., 0], across[:, :, 0])
    whole = next(graph.constants[layer.inputs[1]] for layer in graph.layers())
    sizes = np.linalg.svd(whole.transpose(1, 2, 0, 3).reshape(12, 30).astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(np.square(kernel - whole).sum(), np.square(sizes[3:]).sum(), rtol=1e-3)


def test_tucker_finds_a_tensor_of_its_ranks(tmp_path: Path) -> None:
    """Orthogonal factors, and no more error than cutting both unfoldings alone leaves at most."""
    graph = convolution(tmp_path, (3, 3))
    name, *_ = (layer.name for layer in graph.layers())
    split = Tucker2(layers={name: 2}).apply(graph)
    first, core, last = (split.constants[f"{name}/{i}.weight"].astype(np.float64) for i in (1, 2, 3))
    assert (first.shape, core.shape, last.shape) == ((2, 4, 1, 1), (2, 2, 3, 3), (6, 2, 1, 1))
    np.testing.assert_allclose(last[..., 0, 0].T @ last[..., 0, 0], np.eye(2), atol=1e-6)
    np.testing.assert_allclose(first[..., 0, 0] @ first[..., 0, 0].T, np.eye(2), atol=1e-6)
    whole = next(graph.constants[layer.inputs[1]] for layer in graph.layers()).astype(np.float64)
    kernel = np.einsum("nr,rskl,sc->nckl", last[..., 0, 0], core, first[..., 0, 0])
    cut = sum(
        np.square(
            np.linalg.svd(np.moveaxis(whole, axis, 0).reshape(len(np.moveaxis(whole, axis, 0)), -1), compute_uv=False)[
                2:
            ]
        ).sum()
        for axis in (0, 1)
    )
    assert np.square(kernel - whole).sum() <= cut


def test_ranks_by_energy_and_by_size() -> None:
    squares = np.array([4.0, 3.0, 2.0, 1.0])
    assert [kept(squares, energy) for energy in (0.0, 0.4, 0.41, 0.9, 0.91, 1.0)] == [1, 1, 2, 3, 4, 4]
    assert kept(np.zeros(3), 0.9) == 1
    graph = folded([40, 30, 5], seed=1)
    sizes = {}
    for size in (0.3, 0.6):
        split = Svd(by="size", size=size).apply(graph)
        sizes[size] = sum(split.constants[f"fc0/{i}.weight"].size for i in (1, 2))
        assert 0.8 * size * 1200 < sizes[size] <= size * 1200
    left, right, squares = halves(graph.constants["fc0.weight"])
    split = Svd(energy=0.5).apply(graph)
    rank = len(split.constants["fc0/1.weight"])
    assert squares[:rank].sum() >= 0.5 * squares.sum() > squares[: rank - 1].sum()
    np.testing.assert_allclose(left @ right, graph.constants["fc0.weight"], atol=1e-6)


def test_ranks_that_save_nothing() -> None:
    """One layer stays where another is split; where none is, the method does not apply."""
    graph = folded([40, 30, 5], seed=1)
    with pytest.raises(EmccError, match="svd does not apply: by these ranks no layer saves weights") as raised:
        Svd(energy=1.0).apply(graph)
    assert list(raised.value.details) == [
        "'fc0': rank 30 takes 2,100 weights for 1,200",
        "'fc1': rank 5 takes 175 weights for 150",
    ]
    split = Svd(energy=1.0, layers={"fc0": 2}).apply(graph)
    assert [layer.name for layer in split.layers()] == ["fc0/1", "fc0/2", "fc1"]
    with pytest.raises(EmccError, match=r"'fc1': left as it is by \[svd.layers\]"):
        Svd(layers={"fc0": 0, "fc1": 0}).apply(graph)


@pytest.mark.parametrize("kind", [Svd, SpatialSvd, Tucker2, Cp])
def test_pruned_shared_and_on_the_array(kind: type[Factoriser], tmp_path: Path) -> None:
    """What is split runs as any layers: the array's integers are the reference's."""
    graph = convolution(tmp_path, (1, 1) if kind is Svd else (3, 3), pads=[1, 1, 1, 1])
    name = next(layer.name for layer in graph.layers())
    split = kind(layers={name: 2, **({} if kind is not Svd else {"fc": 0})}).apply(graph)
    shared = Share(bits=2).apply(Prune(0.3).apply(split))
    x = np.random.default_rng(1).standard_normal((4, 4, 10, 10)).astype(np.float32)
    whole = Quantise().apply(Calibrate(data=x).apply(shared))
    verify(whole, after="quantise")
    program = lower(whole, LowerOptions(pes=4, groups=2))
    inputs = {"x": np.random.default_rng(2).integers(-2000, 2000, (2, 400))}
    wanted, got = reference.run_ports(program, inputs), emulate(program, inputs)
    for port, values in wanted.items():
        np.testing.assert_array_equal(got[port], values)


def test_every_layer_is_told_of_before_it_is_split() -> None:
    heard = list[str]()
    recipe = Recipe.parse('[compress]\nfactors = "svd"\n[svd.layers]\nfc0 = 2\nfc1 = 0\n')
    (step,) = recipe.splitting(heard.append)
    step.apply(folded([40, 30, 5], seed=1))
    assert heard == ["svd, layer 1 of 2", "svd, layer 2 of 2"]
    assert [own.name for own in recipe.factors] == ["svd"]


def test_no_layer_of_the_form_is_an_error_with_every_reason(tmp_path: Path) -> None:
    for kind in (SpatialSvd, Tucker2, Cp):
        with pytest.raises(EmccError, match="no layer is one") as raised:
            kind().apply(folded([12, 16, 5]))
        assert list(raised.value.details) == ["'fc0': a matrix of 16 x 12", "'fc1': a matrix of 5 x 16"]
    graph = convolution(tmp_path, (3, 3), group=2)
    for kind in (Tucker2, Cp):
        with pytest.raises(EmccError, match="no layer is one") as raised:
            kind().apply(graph)
        assert "a convolution of 2 groups" in raised.value.details[0]


def test_each_is_a_method() -> None:
    assert having("factor") == ("svd", "spatial-svd", "tucker-2", "cp")
    assert all(method(name).name == name for name in having("factor"))


def invoked(folder: Path, command: str, recipe: str, *options: str) -> Result:
    x = np.random.default_rng(0).standard_normal((300, 24)).astype(np.float32)
    np.savez(folder / "data.npz", x=x, y=(x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0))
    fast = "[search]\nepochs = 2\nsettle = 1\ncode_epochs = 1\nshared_epochs = 2\nleast_steps = 4\n"
    fast += "[finetune]\nepochs = 2\n"
    (folder / "recipe.toml").write_text(recipe + fast)
    path = save(mlp([24, 20, 3], seed=3), folder / "m.onnx")
    files = ["--data", folder / "data.npz", "--recipe", folder / "recipe.toml", "--out", folder / "out", "--quiet"]
    return CliRunner().invoke(app, [command, str(path), *map(str, files), *options])


RANK = '[compress]\nfactors = "svd"\n[svd]\nby = "size"\nsize = 0.5\n'


def test_the_fixed_schedule(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = invoked(tmp_path, "compile", RANK + "[prune]\nsparsity = 0.5\n", "--pes", "4")
    assert result.exit_code == 0, result.output
    manifest = read_manifest(tmp_path / "out")
    done = {step["name"]: step["did"] for step in manifest["passes"]}
    assert done["svd"].startswith("split ")
    assert "weights for 480)" in done["svd"]
    assert manifest["options"]["passes"]["compress"]["factors"] == "svd"
    assert manifest["compression"]["totals"]["parameters"] == 480 + 20 + 60 + 3
    assert len(manifest["layers"]) >= 3


@pytest.mark.parametrize("goal", [("--max-drop", "40"), ("--target-size", "500")])
def test_a_search(goal: tuple[str, str], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    result = invoked(tmp_path, "compress", RANK, *goal)
    assert result.exit_code == 0, result.output
    manifest = read_manifest(tmp_path / "out")
    assert manifest["options"]["passes"]["svd"]["size"] == 0.5
    assert [row["name"][-2:] for row in manifest["layers"]][:2] == ["/1", "/2"]


@pytest.mark.parametrize(
    ("recipe", "options", "words"),
    [
        (RANK, ("--keep-weights",), "splits layers into others"),
        ('[compress]\nfactors = "tucker-2"\n', (), "a matrix of 20 x 24"),
        ("", ("--method", "svd+filters+kmeans"), "svd and filters each change what layers there are"),
    ],
)
@pytest.mark.parametrize("command", ["compile", "compress"])
def test_what_cannot_be(command: str, recipe: str, options: tuple[str, ...], words: str, tmp_path: Path) -> None:
    result = invoked(tmp_path, command, recipe, *options)
    assert result.exit_code == 2, result.output
    assert words in result.output
    assert not (tmp_path / "out").exists()
