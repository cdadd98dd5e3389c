"""Methods of compression by chance, combined and with options by chance, on random models: what comes out is one model.

    python benchmarks/fuzz_methods.py [--seed N] [--count 200] [--json FILE]

A case is a model of tests/random_images.py or random_chains.py; at most one method of each role; some options of these
and of training, drawn from what they declare, so that a method added later is drawn too; a schedule (the recipe's, or a
search for a size, a sparsity or a loss); data, with labels or none. `emcc compress` either gives one error, counted by
its words, or files: model.emc means the same as compressed.onnx does in onnxruntime, and that compiles with its weights
kept. `emcc compile` compresses by itself in half of the cases. The Program's memory images (tests/emulate.py) give the
reference's integers.
"""

import re
import sys
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import emcc
from benchmarks.common import fuzz
from emcc.base.errors import EmccError
from emcc.compress.finetune import Finetune
from emcc.compress.method import METHODS, having, method
from emcc.compress.search.goal import Search
from emcc.container import decode
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.ir.batch import joined
from emcc.ops import interpret

from emulate import emulate  # isort: skip
from image_meanings import answered, drawn, ran  # isort: skip
from random_chains import chains  # isort: skip
from random_images import images  # isort: skip
from specimens import patterned  # isort: skip

ROWS, STEPS = 40, 20
"""Samples of a case's data, and steps that a search trains for."""

MANY, MOST = 2, 64
"""Options of a method that are drawn, and the largest number for one without a bound."""

COARSE = 0.01
"""What a chain's 16-bit formats may err, as a share of the largest answer."""

LAST = ("prune", "share")
FIRST = [name for name, (role, _) in METHODS.items() if role not in LAST]
"""Methods before those of LAST, of which a case has one at most; a search needs both of LAST."""

FAST: Mapping[str, Mapping[str, Any]] = {
    "finetune": {"epochs": 1, "shared_epochs": 1, "batch": 16},
    "search": {"epochs": 1, "settle": 1, "code_epochs": 1, "shared_epochs": 1, "least_steps": 2},
}
TRAINING: Mapping[str, type] = {"finetune": Finetune, "search": Search}
SCHEDULES: Mapping[str, Mapping[str, Any]] = {
    "fixed": {"fixed": True},
    "kept": {"keep_weights": True},
    "size": {"target_size": 2_000, "steps": STEPS},
    "sparsity": {"target_sparsity": 0.6, "steps": STEPS},
    "loss": {"max_drop": 40.0, "steps": STEPS},
}


@dataclass(frozen=True)
class Case:
    """One draw; see the module."""

    proto: onnx.ModelProto
    shapes: Mapping[str, tuple[int, ...]]
    methods: tuple[str, ...]
    options: Mapping[str, Mapping[str, Any]]
    schedule: str
    alone: bool
    labels: bool
    pes: int
    seed: int

    def __repr__(self) -> str:
        nodes = [f"{node.op_type}({', '.join(node.input)})" for node in self.proto.graph.node]
        how = f"{self.schedule}, {self.alone=}, {self.labels=}, {self.pes=}, {self.seed=}"
        return f"{self.methods} {dict(self.options)} {how}: {nodes}"


@st.composite
def cases(draw: Any) -> Case:
    """A model, methods and their options, and how they are run."""
    if draw(st.booleans()):
        proto, shapes = draw(images())
    else:
        proto, shape = draw(chains().filter(any_batch))
        shapes = {proto.graph.input[0].name: shape}
    schedule = draw(st.sampled_from(sorted(SCHEDULES)))
    names = [draw(st.sampled_from(["", *FIRST]))]
    none = [] if "steps" in SCHEDULES[schedule] else [""]
    names += [draw(st.sampled_from([*none, *having(role)])) for role in LAST]
    names = [name for name in names if name] or [draw(st.sampled_from(sorted(METHODS)))]
    options = {}
    for name in (*names, *TRAINING):
        known = choices(TRAINING[name] if name in TRAINING else method(name))
        some = draw(st.lists(st.sampled_from(sorted(known)), max_size=MANY, unique=True))
        options[name] = {option: draw(known[option]) for option in some}
    return Case(
        *(proto, shapes, tuple(names), {name: own for name, own in options.items() if own}, schedule),
        *(draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from([1, 3, 8])), draw(st.integers(0, 2**16))),
    )


def any_batch(case: tuple[onnx.ModelProto, Any]) -> bool:
    """Whether a model takes any number of samples at once."""
    return not case[0].graph.input[0].type.tensor_type.shape.dim[0].dim_value


def choices(kind: Any) -> dict[str, st.SearchStrategy[Any]]:
    """What each option of a method may be, from its declaration; tables of layers are left out."""
    found: dict[str, st.SearchStrategy[Any]] = {}
    for field in fields(kind):
        if "doc" not in field.metadata or field.default is MISSING:
            continue
        allowed, low, high = field.metadata["choices"](), field.metadata["low"], field.metadata["high"]
        if allowed:
            found[field.name] = st.sampled_from(list(allowed))
        elif isinstance(field.default, bool):
            found[field.name] = st.booleans()
        elif isinstance(field.default, int):
            least = int(low or 0)
            found[field.name] = st.integers(least, min(int(MOST if high is None else high), least + MOST))
        elif isinstance(field.default, float):
            found[field.name] = st.floats(low or 0.0, MOST if high is None else high).map(lambda value: round(value, 3))
    return found


def one_model(case: Case) -> str | None:
    """Compress, and hold what comes out against itself; raise AssertionError where it means two things."""
    feeds = drawn(dict(case.shapes), case.seed, ROWS)
    data: dict[str, Any] = {**feeds}
    outputs = [value.name for value in case.proto.graph.output]
    if case.labels and len(outputs) == 1:
        data["y"] = ran(case.proto.SerializeToString(), feeds).argmax(axis=1)
    recipe = {name: {**case.options.get(name, {}), **FAST.get(name, {})} for name in {**FAST, **case.options}}
    asked = {"data": data, "output": outputs, "recipe": recipe, "method": "+".join(case.methods)}
    asked |= SCHEDULES[case.schedule]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compiled = emcc.compile(case.proto, pes=case.pes, **asked) if case.alone else None
            made = None if compiled else emcc.compress(case.proto, **asked)
        except EmccError as error:
            return f"refused: {plain(' '.join([error.message, *error.details[:1]]))}"
        if made:
            same_meaning(made.files, feeds)
            small = Path(folder) / "compressed.onnx"
            small.write_bytes(made.files["compressed.onnx"])
            try:
                compiled = emcc.compile(small, data=feeds, keep_weights=True, pes=case.pes, output=outputs)
            except EmccError as error:
                return f"compressed, and not compiled: {plain(error.message)}"
        assert compiled is not None
        compiled.write(Path(folder) / "out")
        program = load_program(Path(folder) / "out" / "program.npz")
    inputs = patterned(program)
    wanted, got = reference.run_ports(program, inputs), emulate(program, inputs)
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)
    return None


def same_meaning(files: Mapping[str, bytes], feeds: Mapping[str, np.ndarray]) -> None:
    """AssertionError where model.emc and compressed.onnx differ by more than rounding, or than a chain's formats do."""
    held = decode(files["model.emc"])
    x = joined(np, [feeds[name] for name in held.inputs]).astype(np.float64)
    truth = ran(files["compressed.onnx"], dict(feeds))
    scale = max(1.0, float(np.abs(truth).max()))
    if not interpret.is_quantised(held):
        np.testing.assert_allclose(answered(held, interpret.run(held, x)), truth, rtol=1e-3, atol=1e-3 * scale)
    elif not any(node.op == "Sign" for node in held.nodes):
        missed = answered(held, interpret.answers(held, x)) - truth
        assert np.sqrt(np.mean(missed**2)) < COARSE * scale, missed


def plain(message: str) -> str:
    """An error's words without its names and numbers."""
    return re.sub(r"'[^']*'|-?\d[\d.,e+-]*", "_", message)[:90]


if __name__ == "__main__":
    sys.exit(fuzz.main(__doc__ or "", {"methods": (cases(), one_model)}))
