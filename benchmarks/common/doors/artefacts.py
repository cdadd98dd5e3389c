"""Folders that somebody else made: manifests, programs, RTL, C, bitstreams and the files beside them."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.doors.row import Row

from models import mlp, save  # type: ignore[import-not-found]  # isort: skip

Build = Callable[[Path], object]
LOOK = ("inspect", "a")
RUN = ("run", "a", "--data", "d.npz", "--quiet")
SIMULATE = ("simulate", "a", "--data", "d.npz")
FLASH = ("flash", "a", "--board", "icebreaker", "--dry-run")
UPDATE = ("bitstream", "a", "--board", "icebreaker", "--update")
COMPARE = ("compare", "a", "--model", "m.onnx", "--data", "d.npz", "--quiet")
MISSING: Any = object()


@cache
def _made(*options: str) -> tempfile.TemporaryDirectory[str]:
    """What emcc makes of a small model, once: m.onnx, d.npz, a."""
    from typer.testing import CliRunner

    from emcc.cli import app

    place = tempfile.TemporaryDirectory(prefix="emcc-doors-")
    folder = Path(place.name)
    path = str(save(mlp((6, 9, 4), tail="Softmax"), folder / "m.onnx"))
    (folder / "boot.toml").write_text('[emit]\nweights = "boot"\n')
    np.savez(folder / "d.npz", x=np.zeros((3, 6), np.float32), y=np.arange(3))
    words = [str(folder / word) if word.endswith(".toml") else word for word in options]
    done = CliRunner().invoke(
        app, [words[0], path, "--keep-weights", "--quiet", "--out", str(folder / "a"), *words[1:]]
    )
    assert done.exit_code == 0, done.output
    return place


def of(change: Callable[[Path], object], *options: str) -> Build:
    """A copy of that, changed in "a"."""

    def build(folder: Path) -> None:
        shutil.copytree(_made(*(options or ("compile", "--pes", "2"))).name, folder, dirs_exist_ok=True)
        change(folder / "a")

    return build


def text(content: bytes | str, name: str = "emcc.json") -> Callable[[Path], object]:
    """A file with that content."""
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data)


def edited(*path: str | int, value: Any = MISSING, name: str = "emcc.json") -> Callable[[Path], object]:
    """A place of a JSON file with another value, or without one."""

    def change(folder: Path) -> None:
        facts = json.loads((folder / name).read_bytes())
        at = facts
        for key in path[:-1]:
            at = at[key]
        if value is MISSING:
            del at[path[-1]]
        else:
            at[path[-1]] = value
        (folder / name).write_text(json.dumps(facts))

    return change


def right(name: str, content: bytes) -> Callable[[Path], object]:
    """A file with that content, and a hash that holds."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)
        edited("files", name, value={"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})(folder)

    return change


def instead(name: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    """Something else in a file's place."""

    def change(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return change


def program(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], object]:
    """program.npz with another header, and a hash that holds."""
    from emcc.files.arrays import read_npz, write_npz

    def write(folder: Path) -> None:
        arrays: dict[str, Any] = dict(read_npz((folder / "program.npz").read_bytes()))
        header = json.loads(arrays["header"].tobytes())
        change(header)
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        right("program.npz", write_npz(arrays))(folder)

    return write


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], object]:
    """A change of one place of the header."""

    def change(header: dict[str, Any]) -> None:
        at: Any = header
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value

    return change


def marker(value: Any) -> Callable[[Path], object]:
    """A bitstream's folder with that bitstream.json; "digest" becomes that of the artefact."""

    def change(folder: Path) -> None:
        place = folder / "boards" / "icebreaker"
        place.mkdir(parents=True)
        digest = hashlib.sha256((folder / "emcc.json").read_bytes()).hexdigest()
        said = value if isinstance(value, bytes) else json.dumps(value).replace("digest", digest).encode()
        (place / "bitstream.json").write_bytes(said)

    return change


def evil(folder: Path) -> None:
    """RTL that runs a program where it is simulated, and a hash that holds."""
    top = (folder / "rtl/emcc_top.sv").read_bytes()
    right("rtl/emcc_top.sv", top.replace(b"endmodule", b'initial $c("system(\\"touch owned\\");");\nendmodule'))(folder)


JUNK = {
    "format 2": text('{"format": 2}'),
    "200,000 brackets": text("[" * 200_000),
    "200,000 tables": text('{"a":' * 200_000),
    "NaN": edited("design", "pes", value=float("nan")),
    "1e999": text('{"format": 1e999}'),
    "5,000 digits": text('{"format": ' + "9" * 5000 + "}"),
    "a list": text("[]"),
    "nothing": text(""),
    "not UTF-8": text(b'{"a": "\xff"}'),
    "64 MB of lists": lambda folder: text(b"[" + b"[]," * (20 << 20) + b"[]]")(folder),
    "no files": edited("files"),
    "files a list": edited("files", value=[]),
    "a file outside": edited("files", "../../etc/passwd", value={"bytes": 1, "sha256": "0"}),
    "a file in /dev": edited("files", "/dev/zero", value={"bytes": 1, "sha256": "0"}),
    "no layers": edited("layers"),
    "layers text": edited("layers", value="x"),
    "a layer without a name": edited("layers", 0, "name"),
    "cycles of text": edited("totals", "cycles", value="x"),
    "pes 0": edited("design", "pes", value=0),
    "pes -1": edited("design", "pes", value=-1),
    "pes true": edited("design", "pes", value=True),
    "no synthetic": edited("quality", "synthetic"),
    "a table's error of text": edited("layers", 0, "table_error", value="x"),
    "clock 0": edited("totals", "clock_hz", value=0),
    "seconds infinite": edited("totals", "seconds", value=float("inf")),
}
FILES = {
    "a pipe": os.mkfifo,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link outside": lambda path: path.symlink_to("../../m.onnx"),
    "a folder": Path.mkdir,
    "a link to itself": lambda path: path.symlink_to(path.name),
}
STEP = ("steps", 0)
HEADERS = {
    "shift 10^6": put(*STEP, "shift", value=10**6),
    "shift -1": put(*STEP, "shift", value=-1),
    "queue 10^30": put("queue_depth", value=10**30),
    "queue 1": put("queue_depth", value=1),
    "act_w 12": put("act_w", value=12),
    "pes 10^9": put("pes", value=10**9),
    "groups 0": put("groups", value=0),
    "an unknown function": put(*STEP, "function", value="system"),
    "an unknown kind": put(*STEP, "kind", value="x"),
    "a target beyond": put(*STEP, "target", value=10**6),
    "no steps": put("steps", value=[]),
    "steps text": put("steps", value="x"),
    "no version": put("version", value=None),
    "an unknown host operator": put("host", value={"nodes": [["Exec", ["a"], ["b"], {}]]}),
}

ROWS = (
    *(Row(f"emcc.json: {name}", of(change), LOOK, "emcc: error") for name, change in JUNK.items()),
    *(Row(f"emcc.json: {name}", of(instead("emcc.json", make)), LOOK, "emcc: error") for name, make in FILES.items()),
    *(
        Row(f"program.npz: {name}", of(instead("program.npz", make)), RUN, "emcc: error")
        for name, make in FILES.items()
    ),
    *(Row(f"model.emc: {name}", of(instead("model.emc", make)), LOOK, code=0) for name, make in FILES.items()),
    Row("emcc.json: controls", of(edited("model", "name", value="a\x1b[31m\u202eb")), LOOK, code=0),
    Row("emcc.json: brackets, run", of(JUNK["200,000 brackets"]), RUN, "emcc: error"),
    Row("emcc.json: brackets, rom", of(JUNK["200,000 brackets"]), ("rom", "a", "--format", "hex"), "emcc: error"),
    Row("emcc.json: brackets, flash", of(JUNK["200,000 brackets"]), FLASH, "emcc: error"),
    Row(
        "emcc.json: another's act_w", of(edited("design", "act_w", value=8)), SIMULATE, code=0, seconds=60, cheap=False
    ),
    *(Row(f"program: {name}", of(program(change)), RUN, "emcc: error") for name, change in HEADERS.items()),
    Row("rtl/: damaged", of(text("garbage", "rtl/emcc_top.sv")), SIMULATE, "rtl/emcc_top.sv"),
    Row("rtl/: $c, with a hash that holds", of(evil), SIMULATE, "is not what this emcc makes"),
    Row("rtl/: $c, run", of(evil), (*RUN, "--engine", "rtl"), "is not what this emcc makes"),
    Row("rtl/: $c, board", of(evil), ("board", "a", "--virtual"), "emcc: error"),
    Row("rtl/: a listing that climbs", of(right("rtl/files.f", b"../../m.onnx\n")), SIMULATE, "rtl/files.f"),
    Row("rom/: damaged", of(text("zz\n", "rom/codebook.hex")), SIMULATE, "rom/codebook.hex"),
    Row("rom/: no digits, for a bitstream", of(right("rom/codebook.hex", b"zz\n")), UPDATE, "emcc: error"),
    Row(
        "c/: another program",
        of(
            lambda a: right(next(p.relative_to(a).as_posix() for p in sorted(a.glob("c/emcc_*.c"))), b"int x;")(a),
            "compile",
            "--target",
            "c,hls",
        ),
        (*RUN, "--engine", "c"),
        "is not what emcc makes",
        cheap=False,
    ),
    Row(
        "hls/: another name in emcc.json",
        of(edited("c", "name", value='x"; }'), "compile", "--target", "c,hls"),
        (*RUN, "--engine", "hls"),
        "emcc: error",
        cheap=False,
    ),
    Row(
        "external weights: cut",
        of(
            lambda a: right(next(p.relative_to(a).as_posix() for p in sorted(a.glob("hls/*.bin"))), b"x")(a),
            "compile",
            "--target",
            "hls",
            "--weights",
            "external",
        ),
        (*RUN, "--engine", "hls"),
        "is not what emcc makes",
        cheap=False,
    ),
    Row(
        "boot.bin: cut",
        of(lambda a: right("rom/boot.bin", b"EMCB")(a), "compile", "--recipe", "boot.toml"),
        SIMULATE,
        code=1,
        seconds=60,
        cheap=False,
    ),
    Row(
        "boot_structure: of another",
        of(edited("design", "boot_structure", value="00"), "compile", "--recipe", "boot.toml"),
        ("rom", "a", "--format", "flash"),
        "emcc: error",
        cheap=False,
    ),
    Row("bitstream.json: brackets", of(marker(b"[" * 200_000)), FLASH, "cannot be read"),
    Row("bitstream.json: a list", of(marker([])), FLASH, "cannot be read"),
    Row(
        "bitstream.json: files a list",
        of(marker({"artefact": "digest", "status": "done", "files": []})),
        FLASH,
        "changed since",
    ),
    Row(
        "bitstream.json: placed",
        of(marker({"artefact": "digest", "status": "done", "files": {}, "placed": {}})),
        UPDATE,
        "emcc: error",
    ),
    Row(
        "bitstream.json: climbing",
        of(
            marker(
                {"artefact": "digest", "status": "done", "files": {"../../../m.onnx": {"sha256": "0"}}, "placed": {}}
            )
        ),
        UPDATE,
        "emcc: error",
    ),
    Row(
        "bitstream.json: /dev/zero",
        of(
            lambda a: (
                (a / "boards/icebreaker").mkdir(parents=True),
                (a / "boards/icebreaker/bitstream.json").symlink_to("/dev/zero"),
            )
        ),
        FLASH,
        "emcc: error",
    ),
    Row("a port that is a file", of(lambda a: None), (*RUN, "--port", "d.npz"), "emcc: error"),
    Row("a port that is /dev/null", of(lambda a: None), (*RUN, "--port", "/dev/null"), "emcc: error"),
    Row(
        "compressed: model.emc cut",
        of(lambda a: (a / "model.emc").write_bytes((a / "model.emc").read_bytes()[:-9]), "compress"),
        RUN,
        "emcc: error",
    ),
    Row("compressed: model.emc a pipe", of(instead("model.emc", os.mkfifo), "compress"), RUN, "emcc: error"),
    Row("compressed: simulate", of(lambda a: None, "compress"), SIMULATE, "emcc: error"),
    Row(
        "compressed: bitstream",
        of(lambda a: None, "compress"),
        ("bitstream", "a", "--board", "icebreaker"),
        "emcc: error",
    ),
    Row(
        "compressed: no model.emc, compare",
        of(lambda a: (a / "model.emc").unlink(), "compress"),
        COMPARE,
        "emcc: error",
    ),
    Row("compare: taken text", of(edited("model", "shape", value="x")), COMPARE, code=0, cheap=False),
    Row(
        "compare: shape of lists",
        of(edited("model", "shape", value={"x": [[], {}]})),
        COMPARE,
        "emcc: error",
        cheap=False,
    ),
)
