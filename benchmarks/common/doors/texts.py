"""Recipes, boards and what is typed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.common.doors.row import COMPILE, COMPRESS, INSPECT, Row

from models import mlp, save  # type: ignore[import-not-found]  # isort: skip

Build = Callable[[Path], object]
RECIPE = (*COMPILE, "--recipe", "r.toml")
BOARD = (*COMPILE, "--board", "b.toml")


def with_recipe(text: str, name: str = "r.toml") -> Build:
    """A good model and a TOML file."""

    def build(folder: Path) -> None:
        save(mlp((4, 3)), folder / "m.onnx")
        (folder / name).write_text(text, errors="surrogatepass")

    return build


def good(folder: Path) -> None:
    """A good model, and data with labels."""
    save(mlp((4, 3)), folder / "m.onnx")
    rng = np.random.default_rng(0)
    np.savez(folder / "d.npz", x=rng.standard_normal((40, 4)).astype(np.float32), y=np.arange(40) % 3)


def mine(**changes: str) -> Build:
    """A board of emcc's as a file, with lines changed: KEY = VALUE becomes another."""
    from emcc.resources import folder as resource

    def build(folder: Path) -> None:
        lines = (resource("boards") / "ulx3s-85f.toml").read_text("utf-8").splitlines()
        for key, value in changes.items():
            lines = [f"{key} = {value}" if line.split(" ")[0] == key else line for line in lines]
        with_recipe("\n".join(lines), "b.toml")(folder)

    return build


TEXTS = {
    "2,000 brackets": ("a = " + "[" * 2000, "longer than|TOML"),
    "1,900 brackets": ("a = " + "[" * 1900, "not TOML"),
    "brackets on 60,000 lines": ("a = " + "[\n" * 60_000, "not TOML"),
    "2,000 tables in tables": ("a = " + "{a=" * 600, "not TOML"),
    "a number of 5,000 digits": ("[prune]\nsparsity = " + "9" * 5000, "longer than"),
    "a number of 1,900 digits": ("[prune]\nsparsity = " + "9" * 1900, "64 bits"),
    "5,000 hexadecimal digits": ("[prune]\nsparsity = 0x" + "f" * 5000, "longer than"),
    "1,900 hexadecimal digits": ("[prune]\nsparsity = 0x" + "f" * 1900, "64 bits"),
    "50,000 dotted keys": (".".join("a" * 50_000) + " = 1", "longer than"),
    "a header of 50,000 dots": ("[" + ".".join("a" * 50_000) + "]", "longer than"),
    "60 lines of 990 dots": ("".join(".".join([f"k{i}", *"a" * 990]) + " = 1\n" for i in range(60)), "r.toml|b.toml"),
    "a float of 1e999": ("[prune]\nsparsity = 1e999", "sparsity is inf"),
    "nan": ("[prune]\nsparsity = nan", "sparsity is nan"),
    "a date": ("[prune]\nsparsity = 1979-05-27", "not a number"),
    "a key of controls": ('[prune]\n"a\\u001b[31m" = 1', r"a\x1b[31m"),
    "an option's table as a list": ("[[prune]]\nsparsity = 0.5", "is a section"),
    "methods of 5,000 letters": (f'[compress]\nmethods = "{"x+" * 900}"', "r.toml|method"),
}
SAID = {
    "--shape": (
        "x:",
        "x:0x4",
        "x:" + "9" * 5000 + "x4",
        "x:-1x4",
        "x:4294967296x4",
        "a\x1b:1x4",
        "nobody:1x4",
        "x:\u0661x4",
        "x:" + "1x" * 5000 + "1",
    ),
    "--method": ("", "+", "x" * 5000, "prune+prune", "a\x1b[31m"),
    "--target": ("", "c,,hls,tpu", "../c", "a\x1b"),
    "--output": ("nothing", "a\x1b[31m", "", "x" * 70_000),
    "--board": ("nowhere", "no.toml", "../../etc/passwd", "a\x1b.toml", "x" * 300 + ".toml"),
    "--memory": ("inf", "nan", "-1KB", "1e999KB", "9" * 5000 + "KB", "\u0661KB"),
    "--target-size": ("inf", "nan", "-1", "1e999", "9" * 5000, "", "0"),
    "--task": ("", "both"),
    "--weights": ("external", "ram"),
}


def _command(option: str, text: str) -> tuple[str, ...]:
    return (
        *(COMPRESS if option == "--target-size" else COMPILE),
        *(("--data", "d.npz") if option == "--target-size" else ()),
        option,
        text,
    )


ROWS = (
    *(
        Row(f"recipe: {name}", with_recipe(text), RECIPE, said, cheap="990" not in name)
        for name, (text, said) in TEXTS.items()
    ),
    *(
        Row(f"board: {name}", with_recipe(text, "b.toml"), BOARD, "b.toml", cheap="990" not in name)
        for name, (text, _) in TEXTS.items()
    ),
    Row("board: a text in the place of a pin", mine(rx='"A1; quit"'), BOARD, "b.toml"),
    Row("board: a text with a line's end", mine(title='"a\\nb"'), BOARD, "b.toml"),
    Row("board: a loader that is an option", mine(loader='"--help me"'), BOARD, "b.toml"),
    Row("board: no clock", mine(hz="0"), BOARD, "b.toml"),
    Row("board: a clock of 2^63", mine(hz=str((1 << 63) - 1)), BOARD, "b.toml"),
    Row("board: no LUTs", mine(lut="0"), BOARD, "emcc: error"),
    *(
        Row(f"{option} {text[:20]!r}", good, _command(option, text), "emcc: error|Usage")
        for option, texts in SAID.items()
        for text in texts
    ),
    Row("inspect --shape of 5,000 digits", good, (*INSPECT, "--shape", "9" * 5000), "says no sizes"),
    Row("--out of 300 letters", good, (*COMPILE[:-1], "o" * 300), "File name too long"),
    Row("--out of 5,000 letters", good, (*COMPILE[:-1], "o" * 5000), "File name too long"),
    Row("--out with a zero", good, (*COMPILE[:-1], "o\0o"), "emcc: error|Invalid value"),
    Row(
        "--out below a ring",
        lambda folder: (good(folder), (folder / "a").symlink_to("b"), (folder / "b").symlink_to("a")),
        (*COMPILE[:-1], "a/out"),
        "emcc: error",
    ),
    Row("--dump into a file", good, (*COMPILE, "--dump", "m.onnx"), "File exists"),
    Row("--dump of 300 letters", good, (*COMPILE, "--dump", "o" * 300), "File name too long"),
    Row("--json into a folder that is not there", good, (*INSPECT, "--json", "no/x.json"), "No such file"),
    Row("--data of 300 letters", good, (*COMPILE, "--data", "o" * 300), "File name too long"),
    Row("a model of 5,000 letters", good, ("inspect", "o" * 5000), "File name too long"),
    Row("a recipe of 300 letters", good, (*COMPILE, "--recipe", "o" * 300), "File name too long"),
)
