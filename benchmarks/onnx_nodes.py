"""The onnx package's own tests of single operators, through the front end's float meaning.

    python benchmarks/onnx_nodes.py [--json FILE] [--table docs/operators.md] [OPERATOR ...]

A test is a model of one node (or of the function that defines it) with inputs and outputs. Its first float input is the
sample tensor, with the batch in front; all others become initializers, as weights and shapes are in real models, and
where that is refused or there are several float inputs, float inputs stay inputs. Outcomes:

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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from emcc import frontend
from emcc.base.errors import EmccError
from emcc.ops import interpret

PASS, REFUSED, NOT_APPLICABLE, WRONG = "pass", "refused", "not applicable", "wrong"
OUTCOMES = (PASS, REFUSED, NOT_APPLICABLE, WRONG)
FLOATS = ("float16", "float32", "float64")
HALF = 1e-2
"""Relative tolerance of tests in float16, which their references round in."""

BEGIN, END = "<!-- made by benchmarks/onnx_nodes.py -->", "<!-- end -->"


@dataclass(frozen=True)
class Row:
    """What became of one test."""

    name: str
    op: str
    outcome: str
    reason: str = ""


def cases(wanted: Sequence[str] = ()) -> Iterator[tuple[str, Any]]:
    """(operator, test), of these operators or of all, by name; tests of functions spelt out are left out."""
    from onnx.backend.test.loader import load_model_tests

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = load_model_tests(kind="node")
    for test in sorted(tests, key=lambda test: str(test.name)):
        nodes = [node for node in test.model.graph.node if node.op_type != "Constant"]
        if len(nodes) == 1 and nodes[0].domain in ("", "ai.onnx") and (not wanted or nodes[0].op_type in wanted):
            yield nodes[0].op_type, test


def judged(op: str, test: Any, folder: Path) -> Row:
    """Run one test."""
    inputs, outputs = test.data_sets[0]
    names = [value.name for value in test.model.graph.input]
    if not all(isinstance(value, np.ndarray) for value in (*inputs, *outputs)):
        return Row(test.name, op, NOT_APPLICABLE, "sequences or optional values")
    floats = [i for i, value in enumerate(inputs) if str(value.dtype) in FLOATS and value.ndim > 0 and value.size]
    taken = [i for i, value in enumerate(outputs) if str(value.dtype) in (*FLOATS, "int64")]
    if not floats or not taken:
        return Row(test.name, op, NOT_APPLICABLE, "no float tensor goes in, or none comes out")
    if inputs[floats[0]].ndim < 2:
        return Row(test.name, op, NOT_APPLICABLE, "no batch axis in front of the features")
    variants = list(dict.fromkeys([(floats[0],), tuple(floats)]))
    refused = ""
    found = []
    for kept in variants:
        try:
            found.append(_answers(test, names, inputs, kept, [taken[0]], folder))
        except EmccError as error:
            refused = refused or error.message
            continue
        problem = _compared(found[-1], outputs[taken[0]], test)
        if problem:
            return Row(test.name, op, WRONG, problem)
    return Row(test.name, op, PASS) if found else Row(test.name, op, REFUSED, refused)


def _answers(
    test: Any, names: Sequence[str], inputs: Sequence[Any], kept: Sequence[int], taken: Sequence[int], folder: Path
) -> Any:
    """The first taken output, where the inputs that are not kept are initializers."""
    import onnx

    proto = onnx.ModelProto()
    proto.CopyFrom(test.model)
    held = {i: onnx.numpy_helper.from_array(inputs[i], names[i]) for i in range(len(inputs)) if i not in kept}
    proto.graph.initializer.extend(held.values())
    values = [value for i, value in enumerate(proto.graph.input) if i not in held]
    del proto.graph.input[:]
    proto.graph.input.extend(values)
    path = folder / "node.onnx"
    path.write_bytes(proto.SerializeToString())
    graph = frontend.load(path, output=proto.graph.output[taken[0]].name)
    x: Mapping[str, Any] = {names[i]: np.asarray(inputs[i], np.float64) for i in kept}
    return interpret.trace(graph, x)[graph.outputs[0]]


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
