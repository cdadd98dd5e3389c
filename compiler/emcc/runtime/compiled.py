"""The engines c and hls: an artefact's C, compiled here, every integer that comes out held against the reference."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emcc.backends.hls import Model, plain
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.eie.counter import Counter
from emcc.eie.reference import run as run_reference
from emcc.eie.saturation import Saturation
from emcc.files import door
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.batches import batches
from emcc.runtime.final import final, worth
from emcc.runtime.held import HeldResult
from emcc.runtime.opened import Opened, interface, open_artefact
from emcc.runtime.result import Answers, Difference
from emcc.runtime.segmented import Pairs, crossed
from emcc.samples.dataset import Dataset
from emcc.samples.load import load_data
from emcc.samples.sampling import by_input, dequantised, saturated, scaled
from emcc.tools.cc import built
from emcc.tools.process import ToolError, run

TIMEOUT = 7 * 24 * 3600.0
SAYS = {"c": "the C", "hls": "the C for synthesis"}
Progress = Callable[[int, int], object]


def run_c(opened: Opened, data: Dataset, progress: Progress) -> Answers:
    """Run the C of c/, which is held against the reference meanwhile."""
    return _answers("c", opened, data, progress)


def run_hls(opened: Opened, data: Dataset, progress: Progress) -> Answers:
    """Run the C of hls/, likewise."""
    return _answers("hls", opened, data, progress)


def simulate_c(folder: Path, data: Path | Dataset, **options: object) -> HeldResult:
    """Hold the C of c/ against the reference; arguments and errors are those of runtime.simulate."""
    return _simulated("c", folder, data, **options)  # type: ignore[arg-type]


def simulate_hls(folder: Path, data: Path | Dataset, **options: object) -> HeldResult:
    """Hold the C of hls/ against the reference, as its test bench would."""
    return _simulated("hls", folder, data, **options)  # type: ignore[arg-type]


def _answers(kind: str, opened: Opened, data: Dataset, progress: Progress) -> Answers:
    result = _held(kind, opened, data, progress)
    return Answers(result.inferences, result.final, result.worth, result.saturation, result.complaint)


def _simulated(
    kind: str,
    folder: Path,
    data: Path | Dataset,
    *,
    count: int | None = None,
    trace: Path | None = None,
    progress: Progress | None = None,
) -> HeldResult:
    if trace is not None:
        raise EmccError(f"the engine {kind} has no waveform", hint="leave out --trace, or take --engine rtl")
    opened = open_artefact(folder)
    loaded = load_data(data, opened.interface) if isinstance(data, Path) else data
    return _held(kind, opened, loaded.first(count), progress or (lambda done, total: None))


def _held(kind: str, opened: Opened, data: Dataset, progress: Progress) -> HeldResult:
    """Build, run, compare."""
    program, files = opened.program, _files(kind, opened)
    if program is None or not files:
        hint = f"write it with `emcc compile --target {kind}`"
        raise EmccError(f"there is no {kind}/ in it", file=opened.folder, hint=hint)
    c = opened.manifest["c"]
    model = Model(plain(opened.held), c["name"], external=kind == "hls" and "external" in c)
    sources = [f"emcc_{model.name}_top.c"] if kind == "hls" else [f"emcc_{model.name}.c"]
    made = {**model.common(), **(model.top() if kind == "hls" else {})}
    if any(files.get(name) != content for name, content in made.items()):
        hint = "compile the model again: C of another's is not run here"
        raise EmccError(f"{kind}/ is not what emcc makes of the folder's program", file=opened.folder, hint=hint)
    begun = time.perf_counter()
    engine = built({**made, "engine.c": model.engine(top=kind == "hls")}, ["engine.c", *sources])
    built_at = time.perf_counter()
    counter, parts = Counter(program), []
    for rows in batches(len(data), sum(buffer.positions * buffer.slots for buffer in program.buffers)):
        counter.take(values := scaled(program, data.x[rows]))
        x = saturated(program, values)
        pairs = crossed(model.program, by_input(model.program, x))
        wanted = run_reference(program, x, counter).reshape(len(x), -1)
        parts.append(_compared(engine, model, [*pairs[:-1], (pairs[-1][0], wanted)]))
        progress(rows.stop, len(data))
    seconds = built_at - begun, time.perf_counter() - built_at
    return _judged(kind, program, parts, data, counter.result(), seconds)


def _files(kind: str, opened: Opened) -> dict[str, bytes]:
    """Return the files of a folder of an artefact, by their names in it."""
    found = {}
    for name in opened.manifest["files"]:
        if name.startswith(f"{kind}/") and name.count("/") == 1 and name.endswith((".c", ".h", ".bin")):
            try:
                found[name.removeprefix(f"{kind}/")] = door.read_inside(opened.folder, name)
            except OSError as error:
                raise EmccError(f"cannot be read: {error.strerror}", file=opened.folder / name) from error
    return found


@dataclass(frozen=True)
class _Part:
    """A batch: outputs int64 [n, elements], what differs, the first of it."""

    outputs: Array
    mismatches: int
    bits: int
    first: tuple[int, int, int, int, int] | None
    """Sample, segment, element, expected, got."""


def ran(engine: Path, act_w: int, pairs: Pairs, weights: bytes | None = None) -> list[Array]:
    """Run inferences through a built engine: int64 [n, elements] a segment. `weights`: those that come from a file.

    Raises:
        ToolError: it does not come to its end.
    """
    kind, sizes = np.dtype(f"<i{act_w // 8}"), [out.shape[1] for _, out in pairs]
    with tempfile.TemporaryDirectory(prefix="emcc-c-") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        np.concatenate([into for into, _ in pairs], axis=1).astype(kind).tofile(source)
        words: list[str | Path] = [engine, source, target]
        if weights is not None:
            words.append(Path(folder) / "weights")
            (Path(folder) / "weights").write_bytes(weights)
        run("the compiled C", words, timeout=TIMEOUT)
        flat = np.fromfile(target, kind).astype(np.int64)
    if flat.size != len(pairs[0][0]) * sum(sizes):
        raise ToolError("the compiled C", 0, f"{flat.size} integers came out", reason="gave too few answers")
    whole = flat.reshape(len(pairs[0][0]), -1)
    return np.split(whole, np.cumsum(sizes)[:-1], axis=1)


def _compared(engine: Path, model: Model, pairs: Pairs) -> _Part:
    act_w, mismatches, bits, first = model.program.act_w, 0, 0, None
    outside = model.context.external
    found = ran(engine, act_w, pairs, outside.file if outside else None)
    for number, (got, (_, wanted)) in enumerate(zip(found, pairs, strict=True)):
        wrong = got != wanted
        mismatches += int(wrong.sum())
        apart = (got ^ wanted)[wrong] & ((1 << act_w) - 1)
        bits += sum(int(value).bit_count() for value in apart)
        if first is None and wrong.any():
            sample, element = (int(at) for at in np.argwhere(wrong)[0])
            first = sample, number, element, int(wanted[sample, element]), int(got[sample, element])
    return _Part(found[-1], mismatches, bits, first)


def _judged(
    kind: str,
    program: Program,
    parts: Sequence[_Part],
    data: Dataset,
    saturation: Saturation,
    seconds: tuple[float, float],
) -> HeldResult:
    difference, before = None, 0
    for part in parts:
        if part.first is not None and difference is None:
            sample, segment, element, expected, got = part.first
            last = segment == len(program.parts)
            place = f"element {element} of " + ("the outputs" if last else f"what {_host(program, segment)} reads")
            difference = Difference(before + sample, element, expected, got, place)
        before += len(part.outputs)
    outputs = dequantised(program, np.concatenate([part.outputs for part in parts]))
    shown: Mapping[str, Array] = final(interface(program), outputs)
    return HeldResult(
        kind,
        SAYS[kind],
        len(data),
        sum(part.mismatches for part in parts),
        sum(part.bits for part in parts),
        difference,
        shown,
        worth(interface(program), outputs, data),
        saturation,
        *seconds,
    )


def _host(program: Program, segment: int) -> str:
    return f"the host's {printable(program.parts[segment].name, 40)!r}"
