"""What folding makes of functions that are spelt out, moves, pads and batch normalisation; and quantising of that."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from image_meanings import in_floats, in_integers
from models import model, node, save

from emcc import frontend
from emcc.compress.kmeans import Share
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.batch import ends, sample_shape
from emcc.ir.graph import Graph
from emcc.ops import interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(5)
Nodes = Sequence[tuple[Any, ...]]
IMAGE = (4, 6, 5)
WEIGHTS: dict[str, np.ndarray] = {
    "k": RNG.standard_normal((4, 4, 3, 3)).astype(np.float32) / 6,
    "scale": RNG.standard_normal(4).astype(np.float32) + 2,
    "var": RNG.random(4).astype(np.float32) + 0.5,
    "by": RNG.standard_normal((4, 1, 1)).astype(np.float32),
    "three": np.float32(3),
    "six": np.float32(6),
    "zero": np.float32(0),
    "sixth": np.float32(1 / 6),
    "half": np.float32(0.5),
    "one": np.float32(1),
    "root": np.float32(np.sqrt(2)),
    "pads": np.array([0, 0, 1, 0, 0, 0, 0, 2]),
    "edges": np.array([0, 0, 1, 1, 0, 0, 1, 1]),
    "split": np.array([0, 2, 2, 6, 5]),
    "merged": np.array([0, 4, 6, 5]),
    "depth": np.array([0, 2, 2, 1, 6, 5]),
    "wide": np.array([0, 1, 12, 10]),
    "rows": np.array([1, 2]),
}
POOL = ("MaxPool", ["x"], "r", {"kernel_shape": [2, 2], "auto_pad": "SAME_UPPER"})
NORM = ("scale", "by1", "by1", "var")


def proto(nodes: Nodes, shape: tuple[int, ...] = IMAGE) -> onnx.ModelProto:
    """The model of (operator, inputs, output, attributes) rows."""
    weights = {**WEIGHTS, "by1": WEIGHTS["by"].ravel()}
    made = [node(op, inputs, output, **(attrs[0] if attrs else {})) for op, inputs, output, *attrs in nodes]
    used = {name: value for name, value in weights.items() if any(name in each.input for each in made)}
    return model(made, ["n", *shape], None, used, opset=20)


def folded(nodes: Nodes, tmp_path: Path, shape: tuple[int, ...] = IMAGE) -> Graph:
    """Folded, after all of its meanings were found to agree."""
    made = proto(nodes, shape)
    made.graph.output[0].type.tensor_type.elem_type = 1
    in_floats((made, {"x": (2, *shape)}), 3)
    in_integers((made, {"x": (2, *shape)}), 8, 3)
    return Fold().apply(frontend.load(save(made, tmp_path / "m.onnx")))


def operators(graph: Graph) -> list[str]:
    return [each.op for each in graph.nodes]


HARD = [("Add", ["c", "three"], "a"), ("Clip", ["a", "zero", "six"], "b")]


@pytest.mark.parametrize(
    ("op", "nodes"),
    [
        ("HardSwish", [*HARD, ("Mul", ["c", "b"], "m"), ("Div", ["m", "six"], "y")]),
        ("HardSwish", [*HARD, ("Mul", ["b", "sixth"], "m"), ("Mul", ["m", "c"], "y")]),
        ("HardSwish", [("HardSigmoid", ["c"], "h", {"alpha": 1 / 6}), ("Mul", ["c", "h"], "y")]),
        ("HardSigmoid", [*HARD, ("Div", ["b", "six"], "y")]),
        ("Swish", [("Sigmoid", ["c"], "s"), ("Mul", ["s", "c"], "y")]),
        (
            "Gelu",
            [
                *(("Div", ["c", "root"], "d"), ("Erf", ["d"], "e"), ("Add", ["e", "one"], "a")),
                *(("Mul", ["c", "half"], "h"), ("Mul", ["h", "a"], "y")),
            ],
        ),
        ("Mish", [("Softplus", ["c"], "s"), ("Tanh", ["s"], "t"), ("Mul", ["c", "t"], "y")]),
        ("Sigmoid", [("Neg", ["c"], "n"), ("Exp", ["n"], "e"), ("Add", ["e", "one"], "a"), ("Reciprocal", ["a"], "y")]),
    ],
)
def test_functions_that_are_spelt_out(op: str, nodes: Nodes, tmp_path: Path) -> None:
    graph = folded([("Conv", ["x", "k"], "c", {"pads": [1] * 4}), *nodes], tmp_path)
    assert operators(graph) == ["Conv", op]


def test_what_is_read_elsewhere_is_no_inner_part_of_a_function(tmp_path: Path) -> None:
    nodes = [("Sigmoid", ["x"], "s"), ("Mul", ["s", "x"], "m"), ("Add", ["m", "s"], "y")]
    assert operators(folded(nodes, tmp_path)) == ["Sigmoid", "Mul", "Add"]
    nodes = [("Sigmoid", ["x"], "s"), ("Mul", ["s", "s"], "y")]
    assert "Swish" not in operators(folded(nodes, tmp_path))


def test_layouts_cancel(tmp_path: Path) -> None:
    """Channels last between two convolutions: nothing of it is left."""
    last, first = {"perm": [0, 2, 3, 1]}, {"perm": [0, 3, 1, 2]}
    nodes = [
        ("Conv", ["x", "k"], "c", {"pads": [1] * 4}),
        ("Transpose", ["c"], "t", last),
        ("Mul", ["t", "by1"], "m"),
        ("HardSwish", ["m"], "h"),
        ("Transpose", ["h"], "u", first),
        ("Conv", ["u", "k"], "y"),
    ]
    assert operators(folded(nodes, tmp_path)) == ["Conv", "HardSwish", "Conv"]
    joined = [
        ("Transpose", ["x"], "t", last),
        ("Transpose", ["x"], "s", last),
        ("Relu", ["s"], "r"),
        ("Add", ["t", "r"], "a"),
        ("Transpose", ["a"], "y", first),
    ]
    assert operators(folded(joined, tmp_path)) == ["Relu", "Add"]


def test_every_run_of_moves_becomes_one(tmp_path: Path) -> None:
    """A line of Keras's: rows and axes come and go around every layer, and all of it cancels."""
    nodes: Nodes = [
        ("Conv", ["x", "k"], "c", {"pads": [1] * 4}),
        *(("Transpose", ["c"], "t", {"perm": [0, 2, 3, 1]}), ("Relu", ["t"], "r")),
        *(("Transpose", ["r"], "u", {"perm": [0, 3, 1, 2]}), ("MaxPool", ["u"], "p", {"kernel_shape": [2, 2]})),
        *(("Transpose", ["p"], "v", {"perm": [0, 2, 3, 1]}), ("Transpose", ["v"], "w", {"perm": [0, 3, 1, 2]})),
        *(("MaxPool", ["w"], "q", {"kernel_shape": [2, 2]}), ("Transpose", ["q"], "s", {"perm": [0, 2, 3, 1]})),
        ("ReduceMean", ["s", "rows"], "y", {"keepdims": 0}),
    ]
    assert operators(folded(nodes, tmp_path))[:5] == ["Conv", "Relu", "MaxPool", "MaxPool", "GlobalAveragePool"]


@pytest.mark.parametrize(
    ("begins", "ends", "attrs", "pads"),
    [
        ([0, 0], [6, 5], {"pads": [2, 2, 2, 2]}, [2, 2, 0, 0]),
        ([2, 1], [8, 6], {"pads": [2, 1, 2, 2]}, [0, 0, 2, 2]),
        ([1, 0], [4, 3], {"pads": [2, 2, 2, 2], "strides": [2, 2]}, [0, 2, 1, 0]),
        ([0, 0], [6, 5], {"pads": [2, 4, 2, 4], "dilations": [1, 2]}, [2, 4, 0, 0]),
        ([3, 0], [6, 5], {"pads": [1, 1, 1, 1]}, None),
        ([0, 0], [4, 3], {"pads": [1, 1, 1, 1]}, None),
    ],
)
def test_what_is_cut_off_a_convolution(
    tmp_path: Path, begins: list[int], ends: list[int], attrs: dict[str, list[int]], pads: list[int] | None
) -> None:
    """Narrower pads say it, behind a function too; a Slice that takes more than pads made stays."""
    WEIGHTS.update({"begins": np.array(begins), "ends": np.array(ends), "axes": np.array([2, 3])})
    cut = ("Slice", ["r", "begins", "ends", "axes"], "y")
    graph = folded([("Conv", ["x", "k"], "c", attrs), ("Relu", ["c"], "r"), cut], tmp_path)
    assert operators(graph) == ["Conv", "Relu", *(["Slice"] if pads is None else [])]
    if pads is not None:
        assert list(graph.nodes[0].attrs["pads"]) == pads


def test_what_is_cut_off_a_line(tmp_path: Path) -> None:
    """A causal convolution, as torch's users write it: pads at both ends, and the later ones cut off."""
    line, last = np.array([0, 1, 2, 0]), np.array([2])
    WEIGHTS.update({"line": WEIGHTS["k"][:, :, 0], "zeros": line[:1], "less": np.array([-2]), "last": last})
    nodes: Nodes = [
        ("Conv", ["x", "line"], "c", {"pads": [2, 2]}),
        *(("Slice", ["c", "zeros", "less", "last"], "s"), ("Relu", ["s"], "r")),
        *(("Conv", ["r", "line"], "d", {"pads": [2, 2]}), ("Slice", ["d", "zeros", "less", "last"], "e")),
        ("Add", ["e", "r"], "y"),
    ]
    made = operators(folded(nodes, tmp_path, (4, 9)))
    assert "Slice" not in made
    assert made.count("Conv") == 2


@pytest.mark.parametrize(
    ("op", "middle", "shape"),
    [
        ("Gather", ["split", [0, 2, 1, 3, 4], "merged"], IMAGE),
        ("DepthToSpace", ["depth", [0, 3, 4, 1, 5, 2], "wide"], IMAGE),
    ],
)
def test_moves_become_one(op: str, middle: list[Any], shape: tuple[int, ...], tmp_path: Path) -> None:
    split, perm, merged = middle
    nodes = [POOL, ("Reshape", ["r", split], "a"), ("Transpose", ["a"], "b", {"perm": perm})]
    nodes += [("Reshape", ["b", merged], "c"), ("Relu", ["c"], "y")]
    assert operators(folded(nodes, tmp_path, shape)) == ["MaxPool", "Relu", op]


def test_pads_go_into_what_reads_them(tmp_path: Path) -> None:
    window = {"kernel_shape": [3, 3], "strides": [2, 2]}
    conv = folded([("Pad", ["x", "pads"], "p"), ("Conv", ["p", "k"], "y")], tmp_path)
    assert (operators(conv), conv.nodes[0].attrs["pads"]) == (["Conv"], (1, 0, 0, 2))
    mean = folded([("Pad", ["x", "edges"], "p"), ("AveragePool", ["p"], "y", window)], tmp_path)
    assert (operators(mean), mean.nodes[0].attrs["count_include_pad"]) == (["AveragePool"], 1)
    largest = [("Pad", ["r", "edges"], "p"), ("MaxPool", ["p"], "y", window)]
    assert operators(folded([("Relu", ["x"], "r"), *largest], tmp_path)) == ["Relu", "MaxPool"]
    assert operators(folded([("Tanh", ["x"], "r"), *largest], tmp_path)) == ["Tanh", "Pad", "MaxPool"]


def test_norms_that_no_convolution_takes(tmp_path: Path) -> None:
    """Behind a pool and in front of a Relu: one node with all that follows, and one step."""
    nodes = [
        POOL,
        ("BatchNormalization", ["r", *NORM], "b"),
        ("Mul", ["b", "by"], "m"),
        ("Add", ["m", "by"], "a"),
        ("BatchNormalization", ["a", *NORM], "d"),
        ("Relu", ["d"], "y"),
    ]
    graph = folded(nodes, tmp_path)
    assert operators(graph) == ["MaxPool", "BatchNormalization", "Relu"]
    integers = quantised(graph)
    assert [(each.op, each.attrs.get("function")) for each in integers.nodes] == [("MaxPool", None), ("QConv", "relu")]


def quantised(graph: Graph, bits: int = 16) -> Graph:
    x = np.random.default_rng(1).standard_normal((20, *sample_shape(ends(graph)))).astype(np.float32)
    return Quantise().apply(Calibrate(bits=bits, data=x).apply(Share().kept().apply(graph)))


def test_more_scales_than_a_codebook_holds_are_multipliers(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    values = {
        "s": (rng.standard_normal(300) + 3).astype(np.float32),
        "b": rng.standard_normal(300).astype(np.float32),
        "v": rng.random(300).astype(np.float32) + 0.5,
    }
    values["s"][7] = 0
    nodes = [
        node("BatchNormalization", ["x", "s", "b", "b", "v"], "n"),
        node("Relu", ["n"], "r"),
        node("MaxPool", ["r"], "y", kernel_shape=[2, 2]),
    ]
    made = model(nodes, ["n", 300, 2, 2], weights=values)
    graph = Fold().apply(frontend.load(save(made, tmp_path / "m.onnx")))
    integers = quantised(graph)
    assert [each.op for each in integers.nodes] == ["QConv", "MaxPool"]
    assert integers.constants[integers.nodes[0].inputs[4]].shape == (300,)
    x = np.random.default_rng(3).standard_normal((4, 300, 2, 2))
    wanted = interpret.run(graph, x)
    assert np.abs(interpret.answers(integers, x) - wanted).max() < 2e-3 * np.abs(wanted).max()
    in_integers((made, {"x": (2, 300, 2, 2)}), 8, 3)


def test_moves_beside_the_ends_are_the_ports(tmp_path: Path) -> None:
    nodes = [
        ("Transpose", ["x"], "t", {"perm": [0, 3, 1, 2]}),
        ("Conv", ["t", "k"], "c", {"pads": [1] * 4}),
        ("Transpose", ["c"], "y", {"perm": [0, 2, 3, 1]}),
    ]
    graph = folded(nodes, tmp_path, (6, 5, 4))
    program = lower(quantised(graph), LowerOptions(pes=3))
    assert [step.name for step in program.steps] == ["c_node"]
    assert program.parts == ()
    assert (program.inputs[0].shape, program.outputs[0].shape) == ((6, 5, 4), (6, 5, 4))
    assert program.inputs[0].order[0].tolist() == [0, 1, 2, 3]


def test_picked_positions_and_channels_are_steps(tmp_path: Path) -> None:
    """Of zeros and ones; what goes backwards is the host's."""
    ends = {"b": np.array([1, 1]), "e": np.array([4, 6]), "a": np.array([1, 2]), "s": np.array([1, 2])}
    back = {"b": np.array([5]), "e": np.array([-9]), "a": np.array([2]), "s": np.array([-1])}
    for values, parts in ((ends, 0), (back, 1)):
        nodes = [
            node("Relu", ["x"], "r"),
            node("Slice", ["r", "b", "e", "a", "s"], "c"),
            node("GlobalMaxPool", ["c"], "y"),
        ]
        made = model(nodes, ["n", *IMAGE], weights=values)
        in_integers((made, {"x": (2, *IMAGE)}), 16, 3)
        graph = Fold().apply(frontend.load(save(made, tmp_path / "m.onnx")))
        assert len(lower(quantised(graph), LowerOptions(pes=3)).parts) == parts
