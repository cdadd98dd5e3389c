"""The onnx package's own tests of single operators, through the front end's float meaning.

    python benchmarks/onnx_nodes.py [--json FILE] [--table docs/operators.md] [OPERATOR ...]

A test is a model of one node with inputs and outputs. It is tried with its first float input as the samples, the batch
in front, and all others as initializers, as weights are in real models; and with all float inputs as samples.
What emcc takes of both must be right. Outcomes:

* pass: emcc's outputs are the test's, within its own tolerance;
* refused: with the reason that a user reads;
* not applicable: the test has no float input with a batch axis, or no float output, or is for training;
* wrong: none is.
"""

import argparse
import json
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import having, interpret

PASS, REFUSED, NOT_APPLICABLE, WRONG = "pass", "refused", "not applicable", "wrong"
OUTCOMES = (PASS, REFUSED, NOT_APPLICABLE, WRONG)
FLOATS = ("float16", "float32", "float64")
HALF = 1e-2
"""Relative tolerance of tests in float16, which their references round in."""

ELEMENTWISE = frozenset({*having("elementwise"), "Abs", "Mean", "Neg", "Sum"})
"""What does the same to samples of one element as to a tensor of one axis."""

BEGIN, END = "<!-- made by benchmarks/onnx_nodes.py -->", "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """What became of one test."""

    name: str
    op: str
    outcome: str
    reason: str = ""


def tests() -> Sequence[Any]:
    """All of the onnx package's; it computes what they expect, and much of that in Python's loops."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(load_model_tests(kind="node"))


def cases(wanted: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    """(operator, test), of these operators or of all, by name; tests of functions spelt out are left out."""
    for test in sorted(tests(), key=lambda test: str(test.name)):
        nodes = [node for node in test.model.graph.node if node.op_type != "Constant"]
        if len(nodes) == 1 and nodes[0].domain in ("", "ai.onnx") and (not wanted or nodes[0].op_type in wanted):
            yield nodes[0].op_type, test


def judged(op: str, test: Any, folder: Path) -> Row:
    """Run one test."""
    inputs, outputs = ([_array(value) for value in part] for part in test.data_sets[0])
    if any(value is None for value in (*inputs, *outputs)):
        return Row(test.name, op, NOT_APPLICABLE, "sequences, optional values or types that NumPy has not")
    floats = [i for i, value in enumerate(inputs) if str(value.dtype) in FLOATS and value.ndim > 0 and value.size]
    taken = [i for i, value in enumerate(outputs) if str(value.dtype) in (*FLOATS, "int64")]
    if not floats or not taken:
        return Row(test.name, op, NOT_APPLICABLE, "no float tensor goes in, or none comes out")
    line = inputs[floats[0]].ndim == 1
    if line and not (op in ELEMENTWISE and _alike([*(inputs[i] for i in floats), *outputs])):
        return Row(test.name, op, NOT_APPLICABLE, "no batch axis in front of the features")
    refused, passed = "", False
    for kept in dict.fromkeys([(floats[0],), tuple(floats)]):
        try:
            results = _answers(test, inputs, kept, taken, folder, line)
        except EmccError as error:
            refused = refused or error.message.removesuffix(f" ({op})")
            continue
        passed = True
        for i, got in results.items():
            problem = _compared(got, outputs[i], test)
            if problem:
                return Row(test.name, op, WRONG, problem)
    return Row(test.name, op, PASS) if passed else Row(test.name, op, REFUSED, refused)


def _array(value: Any) -> Any:
    """A test's value as an array; None where it is none."""
    return np.asarray(value) if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "fiub" else None


def _alike(values: Sequence[Any]) -> bool:
    """Whether all arrays are of one shape."""
    return len({value.shape for value in values}) == 1


def _answers(
    test: Any, inputs: Sequence[Any], kept: Sequence[int], taken: Sequence[int], folder: Path, line: bool
) -> dict[int, Any]:
    """The taken outputs that emcc computes, each alone, by number, where the inputs that are not kept are initializers.

    `line`: of tensors of one axis, which become samples of one element each.
    """
    import onnx

    proto = onnx.ModelProto()
    proto.CopyFrom(test.model)
    names = [value.name for value in proto.graph.input]
    if line:
        inputs = [value[:, None] if value.ndim == 1 else value for value in inputs]
        for value in (*proto.graph.input, *proto.graph.output):
            if len(value.type.tensor_type.shape.dim) == 1:
                value.type.tensor_type.shape.dim.add().dim_value = 1
    held = {i: onnx.numpy_helper.from_array(inputs[i], names[i]) for i in range(len(inputs)) if i not in kept}
    proto.graph.initializer.extend(held.values())
    values = [value for i, value in enumerate(proto.graph.input) if i not in held]
    del proto.graph.input[:]
    proto.graph.input.extend(values)
    path = folder / "node.onnx"
    path.write_bytes(proto.SerializeToString())
    numbers = {value.name: i for i, value in enumerate(proto.graph.output) if i in taken}
    results, refused = {}, list[EmccError]()
    x = {names[i]: np.asarray(inputs[i], np.float64) for i in kept}
    for output, i in numbers.items():
        try:
            graph = frontend.load(path, output=output)
        except EmccError as error:
            refused.append(error)
            continue
        given = {  # of a model for one sample all axes are the sample's
            name: value.reshape((-1, *graph.tensors[name].shape[1:]))
            for name, value in x.items()
            if name in graph.inputs
        }
        results[i] = interpret.trace(graph, given)[output]
    if not results:
        raise refused[0]
    return results


def _compared(got: Any, wanted: Any, test: Any) -> str:
    """What is wrong, or ""."""
    rtol = max(test.rtol, HALF) if str(wanted.dtype) == "float16" else test.rtol
    if np.asarray(got).size != wanted.size:
        return f"{np.asarray(got).shape} instead of {wanted.shape}"
    close = np.allclose(np.asarray(got, np.float64).reshape(wanted.shape), wanted, rtol, 1e-6, equal_nan=True)
    return "" if close else "other numbers"


def run(wanted: Sequence[str] = ()) -> list[Row]:
    """A row a test."""
    with tempfile.TemporaryDirectory() as folder, np.errstate(all="ignore"):
        return [judged(op, test, Path(folder)) for op, test in cases(wanted)]


def table(rows: Sequence[Row]) -> str:
    """A line an operator: how many tests there are of each outcome, and why some are refused."""
    by_op: dict[str, list[Row]] = {}
    for row in rows:
        by_op.setdefault(row.op, []).append(row)
    lines = ["| operator | pass | refused | not applicable | why refused |", "| --- | ---: | ---: | ---: | --- |"]
    without = []
    for op, own in sorted(by_op.items()):
        count = Counter(row.outcome for row in own)
        reasons = list(dict.fromkeys(_short(row.reason) for row in own if row.outcome == REFUSED))
        if not count[PASS] and all("is not supported" in reason for reason in reasons):
            without.append(op)
            continue
        why = "; ".join(reasons[:3]) + ("; ..." if len(reasons) > 3 else "")
        lines.append(f"| {op} | {count[PASS]} | {count[REFUSED]} | {count[NOT_APPLICABLE]} | {why} |")
    total = Counter(row.outcome for row in rows)
    summary = ", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES)
    return "\n".join([f"{len(rows)} tests: {summary}.", "", *lines, "", f"Not supported at all: {', '.join(without)}."])


def _short(reason: str) -> str:
    return reason.replace("|", "/")[:90]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where no test is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("operators", nargs="*")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--table", type=Path, help="the page whose table is made again")
    options = parser.parse_args(arguments)
    rows = run(options.operators)
    if options.json:
        options.json.write_text(json.dumps([vars(row) for row in rows], indent=1) + "\n")
    if options.table:
        page = options.table.read_text()
        before, after = page[: page.index(BEGIN) + len(BEGIN)], page[page.index(END) :]
        options.table.write_text(f"{before}\n\n{table(rows)}\n\n{after}")
    else:
        print(table(rows))
    wrong = [row for row in rows if row.outcome == WRONG]
    for row in wrong:
        print(f"WRONG {row.name}: {row.reason}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
