"""The kinds of files that emcc reads, and what a command makes of a changed one: for benchmarks/fuzz_files.py."""

import json
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import mutate
from benchmarks.common.mutate import Rng
from emcc.boards.memories.blocks import FORMATS
from emcc.boards.memories.images import Shape, image_of
from emcc.boards.memories.layout import Layout
from emcc.boards.memories.placed import Memory, Placed

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.insert(0, str(TESTS))

REFUSALS = ("emcc: error: ", "NOT supported", "Usage: ")
"""What is said with exit code 2; the last by the command line itself, of a word that is no number, say."""

MEMORY_WORDS = "there is not enough memory"


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        file: where the changed file goes, below the scratch folder; `seeds` beside it are what it is made of.
        commands: of the command line; the first is tried most often. `direct` is what reads it where none does.
    """

    file: str
    mutate: Callable[[Rng, bytes], bytes]
    commands: tuple[tuple[str, ...], ...] = ()
    direct: Callable[[Path, bytes], object] | None = None


KEPT_WEIGHTS = ("--keep-weights", "--out", "made", "--quiet")
COMPARE = ("compare", "--model", "good.onnx", "--data", "d.npz", "--quiet", "--out", "made.html")
COMPILE = ("compile", "good.onnx", "--out", "made", "--quiet", "--keep-weights")
WORDS = (
    *(b"x:1x2x8x8", b"?x2x8x8", b"1,2,8,8", b"filters+magnitude+kmeans", b"svd+prune", b"c,hls", b"ulx3s-85f"),
    *(
        b"b.toml",
        b"208xecp5",
        b"3.7Mbit",
        b"460KB",
        b"classify",
        b"20KB",
        b"0.5",
        b"reference",
        b"/dev/null",
        b"y",
        b"z1",
    ),
)
WORD = "{}"
"""In a command: what the file says."""

KINDS: Mapping[str, Kind] = {
    "onnx": Kind(
        "m.onnx",
        mutate.of_onnx,
        (
            *(("inspect", "m.onnx"), ("inspect", "m.onnx", "--ir")),
            ("compress", "m.onnx", "--keep-weights", "--out", "made", "--quiet"),
            ("compile", "m.onnx", "--keep-weights", "--out", "made", "--quiet", "--pes", "2"),
        ),
    ),
    "manifest": Kind(
        "art/emcc.json",
        mutate.of_json,
        (
            ("inspect", "art"),
            ("inspect", "art", "--json", "made.json"),
            ("rom", "art", "--format", "mem", "--out", "rom"),
            ("rom", "art", "--format", "flash", "--out", "made.bin"),
            ("run", "art", "--data", "d.npz", "--quiet"),
            ("run", "art", "--data", "d.npz", "--quiet", "--port", "d.npz"),
            ("flash", "art", "--board", "ulx3s-85f", "--dry-run"),
            (*COMPARE, "art"),
        ),
    ),
    "compressed": Kind(
        "small/emcc.json",
        mutate.of_json,
        (
            ("inspect", "small"),
            ("run", "small", "--data", "d.npz", "--quiet"),
            (*COMPARE, "small"),
            ("bitstream", "small", "--board", "icebreaker", "--update"),
        ),
    ),
    "program": Kind(
        "art/program.npz",
        lambda rng, data: _of_program(rng, data),
        (
            ("inspect", "art", "--ir"),
            ("run", "art", "--data", "d.npz", "--quiet"),
            ("rom", "art", "--format", "hex", "--out", "rom"),
        ),
    ),
    "emc": Kind(
        "small/model.emc", mutate.of_emc, (("run", "small", "--data", "d.npz", "--quiet"), ("inspect", "small", "--ir"))
    ),
    "recipe": Kind("r.toml", mutate.of_toml, ((*COMPILE, "--recipe", "r.toml"),)),
    "board": Kind("b.toml", mutate.of_toml, (("flash", "art", "--board", "b.toml", "--dry-run"),)),
    "data": Kind("d.npz", mutate.of_npz, (("run", "art", "--data", "d.npz", "--quiet"),)),
    "frames": Kind("frames", mutate.of_frames, direct=lambda folder, data: _talk(folder, data)),
    "flash": Kind("boot.bin", mutate.of_boot, direct=lambda folder, data: _boot(data)),
    "placed": Kind("placed", mutate.of_placed, direct=lambda folder, data: exchanged(data)),
    "external": Kind("m.data", mutate.of_bytes, (("inspect", "e.onnx"), ("compress", "e.onnx", *KEPT_WEIGHTS))),
    "words": Kind(
        "words",
        mutate.of_words,
        tuple(
            (*command, option, WORD)
            for command, options in {
                ("inspect", "open.onnx"): ("--shape", "--output"),
                COMPILE: ("--shape", "--output", "--method", "--target", "--board", "--memory", "--task"),
                ("compress", "good.onnx", *KEPT_WEIGHTS): ("--method", "--target-size", "--target-sparsity"),
                ("run", "art", "--data", "d.npz", "--quiet"): ("--engine", "--port"),
                ("rom", "art", "--out", "rom"): ("--format",),
            }.items()
            for option in options
        ),
    ),
    "marker": Kind(
        "art/boards/ulx3s-85f/bitstream.json", mutate.of_json, (("flash", "art", "--board", "ulx3s-85f", "--dry-run"),)
    ),
}


class Bench:
    """Good files of every kind in a folder, and commands run on one that is changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.chdir(folder)
        warnings.simplefilter("ignore")
        self.seeds = _seeds(folder)

    def case(self, kind: str, seed: int, index: int) -> tuple[bytes, tuple[str, ...]]:
        """Return the changed file and the command of a case."""
        rng = np.random.default_rng([seed, index, sorted(KINDS).index(kind)])
        one = KINDS[kind]
        data = one.mutate(rng, mutate.pick(rng, self.seeds[kind]))
        cheap = rng.random() < 0.8
        commands = one.commands or ((),)
        return data, commands[0] if cheap else mutate.pick(rng, commands)

    def run(self, kind: str, seed: int, index: int) -> tuple[str, str]:
        """Return how a case ended, "ok", "refused", "traceback" or "memory", and what was said."""
        data, command = self.case(kind, seed, index)
        path = self.folder / KINDS[kind].file
        kept = path.read_bytes() if path.is_file() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        try:
            return self._ended(KINDS[kind], data, command)
        finally:
            if kept is not None:
                path.write_bytes(kept)
            for name in ("made", "rom"):
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def _ended(self, kind: Kind, data: bytes, command: tuple[str, ...]) -> tuple[str, str]:
        from typer.testing import CliRunner

        from emcc.base.errors import EmccError
        from emcc.cli import app

        if kind.direct is not None:
            try:
                kind.direct(self.folder, data)
            except EmccError as error:
                return "refused", str(error)
            except MemoryError as error:
                return "memory", repr(error)
            except Exception as error:
                return "traceback", _last(error)
            return "ok", ""
        said = data.decode(errors="surrogateescape").replace("\0", "") if WORD in command else ""
        done = CliRunner().invoke(app, [said if part == WORD else part for part in command])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return ("memory" if isinstance(done.exception, MemoryError) else "traceback"), _last(done.exception)
        if MEMORY_WORDS in done.output:
            return "memory", done.output
        clean = done.exit_code in (0, 1) or any(word in done.output for word in REFUSALS)
        if not clean or any(ord(char) < 32 and char not in "\n\r\t" for char in done.output):
            return "traceback", f"exit code {done.exit_code}, said {done.output!r}"
        return ("refused" if done.exit_code == 2 else "ok"), done.output


def _last(error: BaseException) -> str:
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return f"{type(error).__name__}: {str(error)[:200]} at {' '.join(frames[-4:])}"


def _seeds(folder: Path) -> dict[str, list[bytes]]:
    """Make good files; return the contents that each kind is changed from."""
    import onnx
    from models import mlp
    from quantised_files import network
    from sequence_models import classifier, encoder
    from several import two
    from small_convs import small_conv

    from emcc.driver.compile import compile_model
    from emcc.driver.compress import compress_model
    from emcc.driver.emit import BOOT, emit
    from emcc.driver.recipe import default_text
    from emcc.driver.request import CompileOptions, CompressOptions
    from emcc.eie.store import load_program
    from emcc.resources import folder as resource

    models = [
        mlp((6, 9, 4)),
        mlp((6, 9, 4), tail="Softmax"),
        mlp((6, 5, 4), "LeakyRelu"),
        small_conv(),
        small_conv(hosted=True),
        network(np.random.default_rng(1), "int8", True, "uint8")[0],
        classifier("LSTM"),
        encoder(),
        two(clipped=True),
    ]
    Path("good.onnx").write_bytes(models[0].SerializeToString())
    compile_model(CompileOptions(Path("good.onnx"), keep_weights=True, pes=2)).write(Path("art"))
    wide = CompileOptions(Path("good.onnx"), keep_weights=True, pes=2, target="c,hls", weights="external")
    compile_model(wide).write(Path("c"))
    compress_model(CompressOptions(Path("good.onnx"), keep_weights=True)).write(Path("small"))
    stored = CompressOptions(Path("good.onnx"), keep_weights=True, method="product")
    compress_model(stored).write(Path("blocks"))
    np.savez("d.npz", x=np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32), y=np.arange(5) % 4)
    np.savez_compressed("e.npz", x=np.zeros((5, 6), np.float32), y=np.arange(5) % 4)
    program = load_program(Path("art/program.npz"))
    onnx.save(mlp((6, 9, 4)), "e.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    Path("open.onnx").write_bytes(_open(small_conv()).SerializeToString())
    boards = [path.read_bytes() for path in sorted(Path(str(resource("boards"))).glob("*.toml"))]
    marker = {"artefact": "0", "status": "done", "files": {"bitstream.bit": {"bytes": 1, "sha256": "0"}}}
    small = folder / "small/emcc.json"
    return {
        "compressed": [small.read_bytes()],
        "placed": [placed_files()],
        "external": [Path("m.data").read_bytes()],
        "words": list(WORDS),
        "onnx": [model.SerializeToString() for model in models],
        "manifest": [Path("art/emcc.json").read_bytes(), Path("c/emcc.json").read_bytes()],
        "program": [Path("art/program.npz").read_bytes()],
        "emc": [Path(folder, "model.emc").read_bytes() for folder in ("small", "blocks")],
        "recipe": [default_text().encode()],
        "board": boards,
        "data": [Path("d.npz").read_bytes(), Path("e.npz").read_bytes()],
        "frames": [_conversation(folder)],
        "flash": [emit(program, weights="boot").files[BOOT]],
        "marker": [json.dumps(marker).encode()],
    }


def _of_program(rng: Rng, data: bytes) -> bytes:
    """Return a program file whose header or one of whose arrays is changed."""
    from emcc.files.arrays import read_npz, write_npz

    if rng.random() < 0.1:
        return mutate.of_npz(rng, data)
    arrays: dict[str, Any] = dict(read_npz(data))
    if rng.random() < 0.6:
        header = json.loads(arrays["header"].tobytes())
        for _ in range(int(rng.integers(1, 3))):
            header = mutate.of_value(rng, header)
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        return write_npz(arrays)
    name = mutate.pick(rng, sorted(arrays))
    array = arrays[name].copy()
    match int(rng.integers(4)):
        case 0 if array.size and array.dtype.kind in "iu":
            array.reshape(-1)[int(rng.integers(array.size))] ^= array.dtype.type(1 << int(rng.integers(7)))
        case 1:
            array = array[: len(array) // 2] if array.ndim else array
        case 2:
            array = array.reshape(-1)
        case _:
            array = array.astype(mutate.pick(rng, (np.int8, np.uint8, np.int64, np.float64, np.uint16)))
    return write_npz({**arrays, name: array})


class _Line:
    """A line to a board whose answers are a file."""

    name = "a file"

    def __init__(self, data: bytes) -> None:
        self.rest = data
        self.empty = 0

    def send(self, data: bytes) -> None:
        """Take no notice."""

    def receive(self) -> bytes:
        """Return the next bytes of the file, then nothing."""
        part, self.rest = self.rest[:32], self.rest[32:]
        return part

    def close(self) -> None:
        """Nothing is open."""


def _talk(folder: Path, data: bytes) -> object:
    from emcc.runtime import Board

    with Board(folder / "art", _Line(data)) as board:  # type: ignore[arg-type]
        return board.predict(np.zeros((1, 6), np.float32))


class _Heard:
    """A line to the model of a board; `said` is all that came of it."""

    name = "a model"

    def __init__(self, device: Any) -> None:
        self.device, self.said, self.out = device, bytearray(), b""

    def send(self, data: bytes) -> None:
        """Send to the board."""
        self.out += self.device.feed(data)

    def receive(self) -> bytes:
        """Return what it answers."""
        part, self.out = self.out, b""
        self.said += part
        return part

    def close(self) -> None:
        """Nothing is open."""


def _conversation(folder: Path) -> bytes:
    """Return what a board says in an inference whose answers are zeros."""
    from emcc.link.device import Device
    from emcc.link.stream import Stream
    from emcc.runtime import Board
    from emcc.runtime.board.design import open_design

    design = open_design(folder / "art")
    (into, _), (out, _) = design.rows
    turns = (into.positions * into.slots, -out.positions * out.slots)
    memory = bytes.fromhex((folder / "art/rom/link.hex").read_text().replace("\n", ""))
    line = _Heard(Device(Stream(turns, lambda taken: [0] * -turns[1]), 2, 25_000_000, memory))
    with Board(design, line) as board:
        board.predict(np.zeros((1, 6), np.float32))
    return bytes(line.said)


def _boot(data: bytes) -> object:
    from emcc.backends.rom import flash

    return flash.read(data)


def _open(model: Any) -> Any:
    """A model whose file leaves the sizes of its input open."""
    for axis in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        axis.dim_param = "s"
    return model


PLACED = {"rom/a.hex": Shape(8, 16), "rom/b.hex": Shape(3, 40)}
"""Memories of a design that was placed."""


def placed_files() -> bytes:
    """Return what is kept of a placed design, as JSON: "memories", and files in hex."""
    order = FORMATS["ice40"].order().size
    layouts, memories, blocks = {}, {}, []
    for number, (name, shape) in enumerate(PLACED.items()):
        source = np.full((1, order), -1, np.int32)
        source[0, : shape.words * shape.width] = np.arange(shape.words * shape.width)
        layouts[shape] = Layout(source)
        memories[name] = Memory(shape, ((f"6 {number}",),))
        blocks.append(f".ram_data 6 {number}\n" + f"{number:064x}\n" * 16)
    made = Placed("ice40", ".comment x\n.device 5k\n" + "\n".join(blocks), memories, layouts)
    files = {name: content.hex() for name, content in made.files().items()}
    return json.dumps({"memories": made.to_json(), **files}).encode()


def exchanged(data: bytes) -> object:
    """Exchange the memories of a placed design."""
    from emcc.boards.update import restored_files

    kept = json.loads(data)
    files = {name: bytes.fromhex(text) for name, text in kept.items() if name != "memories"}
    images = {name: image_of(np.ones((shape.words, shape.width), np.uint8)) for name, shape in PLACED.items()}
    placed = restored_files(Path("art"), "ice40", kept["memories"], images, files, "again")
    text = placed.filled(images)
    return placed.images(text), placed.rest(text)
