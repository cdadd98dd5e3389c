"""What a random image network has to mean: to onnxruntime, folded, exported; in integers, as a graph and a Program."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from models import save
from quantised_meaning import agree

from emcc import frontend
from emcc.compress.kmeans import Share
from emcc.eie.options import LowerOptions
from emcc.frontend.export import export
from emcc.ir.batch import apart, ends, joined
from emcc.ir.graph import Graph
from emcc.legal.verify import verify
from emcc.ops import host, interpret
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

Case = tuple[onnx.ModelProto, dict[str, tuple[int, ...]]]


def loaded(proto: onnx.ModelProto) -> Graph:
    """The model, as the front end reads it."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [value.name for value in proto.graph.output]
        graph = frontend.load(save(proto, Path(folder) / "m.onnx"), output=outputs)
    verify(graph, after="frontend")
    return graph


def ran(proto: bytes, feeds: dict[str, np.ndarray]) -> np.ndarray:
    """What onnxruntime makes of all outputs, side by side.

    Without its optimiser: that of 1.31 puts a Pad of zeros into the MaxPool behind it, whatever the signs are.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = ort.InferenceSession(proto, options, providers=["CPUExecutionProvider"])
    used = {value.name for value in session.get_inputs()}
    results = session.run(None, {name: value for name, value in feeds.items() if name in used})
    return np.concatenate([value.reshape(len(value), -1) for value in results], axis=1)


def drawn(shapes: dict[str, tuple[int, ...]], seed: int, count: int) -> dict[str, np.ndarray]:
    """Normal numbers for each input."""
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal((count, *shape[1:])).astype(np.float32) for name, shape in shapes.items()}


def answered(graph: Graph, outputs: np.ndarray) -> np.ndarray:
    """A folded graph's outputs behind what the host does to them, side by side as `ran` has them."""
    left = apart(ends(graph, graph.outputs), outputs).values()
    after = [host.apply(host.tail_of(graph.host, place), value) for place, value in enumerate(left)]
    return np.concatenate([value.reshape(len(value), -1) for value in after], axis=1)


def in_floats(case: Case, seed: int) -> None:
    """AssertionError where the loaded, folded or exported graph is not what onnxruntime makes of the model."""
    proto, shapes = case
    feeds = drawn(shapes, seed, 2)
    truth = ran(proto.SerializeToString(), feeds)
    graph = loaded(proto)
    folded = Fold().apply(graph)
    verify(folded, after="fold")
    x = joined(np, [feeds[name] for name in graph.inputs]).astype(np.float64)
    scale = max(1.0, float(np.abs(truth).max()))
    plain = interpret.run(graph, x).reshape(2, -1)
    np.testing.assert_allclose(plain, truth, rtol=1e-3, atol=1e-4 * scale)
    after = answered(folded, interpret.run(folded, x))
    np.testing.assert_allclose(after, plain, rtol=1e-3, atol=1e-5 * scale)
    np.testing.assert_allclose(ran(export(folded), feeds), truth, rtol=1e-3, atol=1e-4 * scale)


def in_integers(case: Case, bits: int, seed: int) -> str | None:
    """AssertionError where the quantised graph is illegal, or its Program gives other integers."""
    proto, shapes = case
    graph = loaded(proto)
    feeds = drawn(shapes, seed, 6)
    shared = Share().kept().apply(Fold().apply(graph))
    calibrated = Calibrate(bits=bits, data=joined(np, [feeds[name] for name in graph.inputs])).apply(shared)
    verify(calibrated, after="calibrate")
    quantised = Quantise().apply(calibrated)
    verify(quantised, after="quantise")
    if not interpret.is_quantised(quantised):
        return "host alone"
    if any(node.attrs.get("lo_bits") for node in quantised.nodes):
        return "large tables"
    formats = {name: quantised.tensors[name].fmt for name in quantised.inputs}
    given = {name: fmt.quantise(feeds[name]) for name, fmt in formats.items() if fmt is not None}
    agree(quantised, given, LowerOptions(pes=3))
    return None
