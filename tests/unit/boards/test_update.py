"""`emcc bitstream --update`: other memories in a bitstream, as if it were placed again; and when it is refused."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import artefacts
import numpy as np
import pytest
from commands import run
from stands import Once

from emcc.boards.memories.blocks import FORMATS
from emcc.tools import packer, yosys
from emcc.tools.process import Finished

pytestmark = pytest.mark.synth
BOARD = "icebreaker"


@pytest.fixture(scope="module", autouse=True)
def _yosys_once() -> Iterator[None]:
    """What is placed again is synthesised with the same stand-ins in its memories: not a second time here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yosys, "synthesise", Once().synthesise)
        yield


@pytest.fixture(scope="module")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artefact of few cells whose bitstream can be updated."""
    folder = artefacts.compiled(tmp_path_factory.mktemp("update"))
    artefacts.remembering(folder)
    text = run("bitstream", str(folder), "--board", BOARD, "--updatable")
    assert "icepack: emcc.bin, " in text
    assert "iceunpack: " in text
    return folder


@pytest.fixture
def net(placed: Path, tmp_path: Path) -> Path:
    """A copy of the test's own."""
    return Path(shutil.copytree(placed, tmp_path / "net"))


def update(folder: Path, *more: str, code: int = 0, board: str = BOARD) -> str:
    """What `emcc bitstream --update` prints."""
    return run("bitstream", str(folder), "--board", board, "--update", *more, code=code)


def bits(folder: Path) -> bytes:
    """The bitstream."""
    return (folder / "boards" / BOARD / "emcc.bin").read_bytes()


def other(folder: Path) -> None:
    """Turn over bits of an artefact's memories: some words of weights, and the digest that the link has."""
    for name in ("rom/pe001_spmat.hex", "rom/lane000_bias.hex", "rom/codebook.hex", "rom/link.hex"):
        lines = (folder / name).read_text("utf-8").splitlines()
        lines[-1] = f"{int(lines[-1], 16) ^ 1:0{len(lines[-1])}x}"
        artefacts.change(folder, {name: "\n".join(lines) + "\n"})


def test_an_update_is_what_placing_again_gives(net: Path) -> None:
    before = bits(net)
    update(net)
    assert bits(net) == before
    other(net)
    assert "is of another artefact" in run("flash", str(net), "--board", BOARD, "--dry-run", code=2)
    text = update(net)
    assert "memories in the bitstream are those of rom/" in text
    assert "nextpnr" not in text
    assert "yosys" not in text
    changed = bits(net)
    assert changed != before
    run("flash", str(net), "--board", BOARD, "--dry-run")
    run("bitstream", str(net), "--board", BOARD, "--updatable", "-q")
    assert bits(net) == changed


def edited(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """A change of one file of the artefact."""

    def edit(folder: Path) -> None:
        artefacts.change(folder, {name: change((folder / name).read_text("utf-8"))})

    return edit


def lengthen(folder: Path) -> None:
    """A memory has a word more, and no other file says so."""
    edited("rom/pe000_spmat.hex", lambda text: text + text.splitlines()[-1] + "\n")(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited("rtl/emcc_rom.sv", lambda text: "// other\n" + text), "  rtl/emcc_rom.sv\n"),
        (edited("rom/drain.hex", lambda text: text + "// other\n"), "  rom/drain.hex\n"),
        (lengthen, "  rom/pe000_spmat.hex: "),
    ],
)
def test_another_structure(change: Callable[[Path], None], said: str, net: Path) -> None:
    change(net)
    before = bits(net)
    text = update(net, code=2)
    assert "the artefact's structure is another one: not only what is in its memories\n" in text
    assert said in text
    assert "hint: run `emcc bitstream " in text
    assert bits(net) == before


def test_another_clock_another_board_and_no_bitstream(net: Path, tmp_path: Path) -> None:
    assert "was placed for another clock than 21 MHz" in update(net, "--freq", "21", code=2)
    assert "--update places nothing" in update(net, "--seed", "2", code=2)
    assert "there is no bitstream\n  hint: run `emcc bitstream " in update(net, code=2, board="ulx3s-12f")
    from emcc.resources import folder

    text = (folder("boards") / f"{BOARD}.toml").read_text("utf-8")
    (tmp_path / f"{BOARD}.toml").write_text(text.replace('rx   = "6"', 'rx   = "4"'), encoding="utf-8")
    said = update(net, code=2, board=str(tmp_path / f"{BOARD}.toml"))
    assert "was placed for another board\n  pins.pcf\n" in said


def test_what_cannot_be_updated(net: Path) -> None:
    text = run("bitstream", str(net), "--board", "tang-nano-9k", "--updatable", code=2)
    assert "cannot be exchanged alone\n  nothing here reads a bitstream of that family back" in text
    assert "cannot be exchanged alone" in update(net, code=2, board="tang-nano-9k")
    assert not (net / "boards/tang-nano-9k").exists()


@pytest.mark.parametrize("name", ["placed/config.gz", "placed/layouts.npz", "pins.pcf"])
def test_files_that_were_changed(name: str, net: Path) -> None:
    path = net / "boards" / BOARD / name
    path.write_bytes(path.read_bytes() + b"\n")
    assert f"changed since it was made, or missing\n  {name}\n" in update(net, code=2)


def test_a_marker_that_was_edited(net: Path) -> None:
    path = net / "boards" / BOARD / "bitstream.json"
    facts = json.loads(path.read_text("utf-8"))
    for wrong in (None, [], {**facts["placed"], "memories": {"rom/link.hex": 3}}):
        path.write_text(json.dumps({**facts, "placed": wrong}))
        assert "boards/" in update(net, code=2)
    path.write_text(json.dumps({**facts, "files": {"../../emcc.json": {}}}))
    assert "changed since it was made, or missing" in update(net, code=2)


def test_a_bitstream_with_other_memories_is_told(net: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows that the comparison can fail: the packer gets one bit of one block turned over."""
    real, before = packer.pack, bits(net)

    def wrong(name: str, arguments: tuple[str, ...], routed: str, bitstream: str, *, cwd: Path) -> Finished:
        fmt, text = FORMATS["ice40"], (cwd / routed).read_text("utf-8")
        blocks = fmt.parse(text)
        key = next(key for key, block in blocks.items() if block.any())
        blocks[key][int(np.argmax(blocks[key]))] ^= 1
        (cwd / routed).write_text(fmt.replace(text, blocks), encoding="utf-8")
        return real(name, arguments, routed, bitstream, cwd=cwd)

    monkeypatch.setattr(packer, "pack", wrong)
    assert "made a bitstream with other memories: rom/" in update(net, code=2)
    assert bits(net) == before


def test_blocks_of_ecp5_come_back(tmp_path: Path) -> None:
    """Two block RAMs of noise through ecppack and ecpunpack."""
    noise = np.random.default_rng(1).integers(0, 2, (2, 2048 * 9), np.uint8)
    empty = "".join(f".bram_init {n}\n" + "000 000 000 000 000 000 000 000\n" * 256 + "\n" for n in (3, 7))
    text = FORMATS["ecp5"].replace(f".device LFE5U-12F\n\n{empty}", {"3": noise[0], "7": noise[1]})
    (tmp_path / "routed.config").write_text(text, encoding="utf-8")
    packer.pack("ecppack", ("--compress",), "routed.config", "emcc.bit", cwd=tmp_path)
    packer.unpack("ecppack", "emcc.bit", "unpacked.txt", cwd=tmp_path)
    found = FORMATS["ecp5"].parse((tmp_path / "unpacked.txt").read_text("utf-8"))
    assert np.array_equal(found["3"], noise[0])
    assert np.array_equal(found["7"], noise[1])
