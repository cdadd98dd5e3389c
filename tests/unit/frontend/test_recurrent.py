"""LSTM and GRU: the float meaning against onnxruntime, the way back to ONNX, and what is refused in words."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import save
from onnx.reference import ReferenceEvaluator
from sequence_models import classifier, recurrent

from emcc.base.errors import EmccError
from emcc.frontend import load
from emcc.frontend.export import export
from emcc.ops.interpret import run
from emcc.passes.fold import Fold

ort = pytest.importorskip("onnxruntime")

CLOSE = 2e-5
"""float32 against float64, over a few steps of numbers below 1."""


def outputs(proto: onnx.ModelProto | bytes, x: np.ndarray) -> np.ndarray:
    data = proto if isinstance(proto, bytes) else proto.SerializeToString()
    return np.asarray(ort.InferenceSession(data).run(None, {"x": x})[0])


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    op = draw(st.sampled_from(["LSTM", "GRU"]))
    ends = [("Y",), ("Y_h",), ("Y", "Y_h"), *([("Y_c",), ("Y", "Y_h", "Y_c")] if op == "LSTM" else [])]
    attrs = {"linear_before_reset": draw(st.sampled_from([0, 1]))} if op == "GRU" else {}
    return {
        "op": op,
        "direction": draw(st.sampled_from(["forward", "reverse", "bidirectional"])),
        "outputs": draw(st.sampled_from(ends)),
        "batch": draw(st.sampled_from(["n", 1, 3])),
        "states": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "steps": draw(st.integers(1, 6)),
        "hidden": draw(st.integers(1, 5)),
        "seed": draw(st.integers(0, 9)),
        **attrs,
    }


@given(case=cases())
@settings(max_examples=60, derandomize=True, deadline=None)
def test_the_meaning_is_onnxruntimes(tmp_path_factory: pytest.TempPathFactory, case: dict[str, Any]) -> None:
    proto = recurrent(**case)
    graph = load(save(proto, tmp_path_factory.mktemp("m") / "m.onnx"))
    samples = case["batch"] if isinstance(case["batch"], int) else 4
    x = np.random.default_rng(1).standard_normal((samples, case["steps"], 3)).astype(np.float32)
    wanted = outputs(proto, x)
    assert np.abs(run(graph, x.astype(np.float64)) - wanted).max() < CLOSE
    folded = Fold().apply(graph)
    assert np.abs(run(folded, x.astype(np.float64)) - wanted).max() < CLOSE
    assert np.abs(outputs(export(folded, graph.outputs), x) - wanted).max() < CLOSE


@pytest.mark.parametrize("outputs", [("Y",), ("Y_h",)])
@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_samples_first(tmp_path: Path, op: str, outputs: tuple[str, ...]) -> None:
    """With layout 1, which onnxruntime does not have and onnx's reference has for one direction."""
    proto = recurrent(op, outputs=outputs, layout=1, states=True)
    x = np.random.default_rng(1).standard_normal((3, 5, 3)).astype(np.float32)
    (wanted,) = ReferenceEvaluator(proto).run(None, {"x": x})
    assert np.abs(run(load(save(proto, tmp_path / "m.onnx")), x.astype(np.float64)) - wanted).max() < CLOSE


@pytest.mark.parametrize("op", ["LSTM", "GRU"])
def test_layers_on_top_of_each_other(tmp_path: Path, op: str) -> None:
    """Both directions side by side, then one, then the last step; a matrix behind it stays as large as it is."""
    graph = Fold().apply(load(save(classifier(op), tmp_path / "m.onnx")))
    assert [node.op for node in graph.layers()] == [op, op, "Linear"]
    gates = {"LSTM": 4, "GRU": 3}[op]
    assert [graph.constants[node.inputs[1]].shape for node in graph.layers()] == [
        (2 * gates * 8, 4 + 8),
        (gates * 8, 2 * 8 + 8),
        (3, 8),
    ]
    x = np.random.default_rng(1).standard_normal((5, 6, 4)).astype(np.float32)
    assert np.abs(run(graph, x.astype(np.float64)) - outputs(classifier(op), x)).max() < CLOSE


LENGTHS = np.array([5, 5, 5], np.int32)
REFUSED = [
    ({"direction": "sideways"}, {}, "its direction is 'sideways'"),
    ({"activations": ["Relu", "Tanh", "Tanh"]}, {}, "its activations are 'Relu', 'Tanh', 'Tanh'"),
    ({"clip": 1.0}, {}, "clips its gates to 1.0"),
    ({"input_forget": 1}, {}, "couples its input and forget gates"),
    ({"hidden_size": 5}, {}, "its hidden_size is 5, its R for 4"),
    ({}, {7: np.ones((1, 12), np.float32)}, "has peepholes"),
    ({}, {4: LENGTHS - 1}, "its sequence_lens are not all 5"),
    ({}, {5: np.arange(12, dtype=np.float32).reshape(1, 3, 4)}, "differs from sample to sample"),
    ({}, {5: np.ones((1, 3, 5), np.float32)}, "its initial state (input 5) is [1, 3, 5], not [1, 3, 4]"),
    ({}, {3: np.ones((1, 16), np.float32)}, "its B is [1, 16], not [1, 32]"),
]


@pytest.mark.parametrize(("change", "more", "message"), REFUSED)
def test_what_is_refused(tmp_path: Path, change: dict[str, Any], more: dict[int, np.ndarray], message: str) -> None:
    proto = recurrent("LSTM", batch=3, change=change, more=more)
    with pytest.raises(EmccError) as error:
        load(save(proto, tmp_path / "m.onnx"))
    assert message in str(error.value)
    assert "rnn" in str(error.value)


def test_what_says_nothing_is_taken(tmp_path: Path) -> None:
    """Lengths that are all there is, peepholes of zeros, activations that are the default ones."""
    more = {4: LENGTHS, 7: np.zeros((1, 12), np.float32)}
    proto = recurrent("LSTM", batch=3, more=more, change={"activations": ["Sigmoid", "tanh", "Tanh"]})
    graph = load(save(proto, tmp_path / "m.onnx"))
    x = np.random.default_rng(1).standard_normal((3, 5, 3)).astype(np.float32)
    plain = recurrent("LSTM", batch=3)
    assert np.abs(run(graph, x.astype(np.float64)) - outputs(plain, x)).max() < CLOSE


def test_a_state_that_is_computed(tmp_path: Path) -> None:
    proto = recurrent("GRU", states=True)
    del proto.graph.node[:3]
    proto.graph.node.insert(0, onnx.helper.make_node("ReduceMean", ["x"], ["h.0"], axes=[1]))
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, -1, 4]), "to"))
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((3, 4), np.float32), "by"))
    proto.graph.node.insert(1, onnx.helper.make_node("MatMul", ["h.0", "by"], ["h.1"]))
    proto.graph.node.insert(2, onnx.helper.make_node("Reshape", ["h.1", "to"], ["h0"]))
    proto.graph.node[0].attribute.append(onnx.helper.make_attribute("keepdims", 0))
    with pytest.raises(EmccError, match=r"its initial state .* is computed from the model's input"):
        load(save(proto, tmp_path / "m.onnx"))


def test_samples_that_are_not_the_models(tmp_path: Path) -> None:
    """An LSTM that runs from sample to sample."""
    proto = recurrent("LSTM")
    for node in proto.graph.node:
        if node.output[0] == "s":
            node.attribute[0].ints[:] = [0, 1, 2]
    with pytest.raises(EmccError, match="its samples are not the model's"):
        load(save(proto, tmp_path / "m.onnx"))
