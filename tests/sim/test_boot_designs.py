"""A convolutional network whose weights come as a boot stream: the reference's integers, or no run at all."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import printed
from models import save
from small_convs import images, small_conv

from emcc.backends.rom import flash, parse
from emcc.backends.verilog.library import library
from emcc.driver.compile import compile_model
from emcc.driver.emit import BOOT
from emcc.driver.request import CompileOptions
from emcc.runtime.simulate import simulate
from emcc.tools.nextpnr import FAMILIES
from emcc.tools.yosys import synthesise

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boot")
    (folder / "r.toml").write_text('[lower]\ngroups = 2\n[emit]\nweights = "boot"\n')
    path = save(small_conv(seed=3, side=6), folder / "m.onnx")
    compile_model(CompileOptions(path, recipe=folder / "r.toml", keep_weights=True, pes=4)).write(folder / "out")
    np.savez(folder / "d.npz", x=images(12, side=6))
    return folder


def test_a_booted_design_gives_the_references_integers(artefact: Path) -> None:
    result = simulate(artefact / "out", artefact / "d.npz")
    assert result.ok, result.complaint
    assert result.cycle_mismatches == 0


@pytest.mark.parametrize("place", [7, 300, -2])
def test_a_flipped_bit_is_no_run(artefact: Path, place: int) -> None:
    path = artefact / "out" / BOOT
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[place] ^= 4
    path.write_bytes(damaged)
    try:
        result = simulate(artefact / "out", artefact / "d.npz", count=1, trust_rtl=True)
    finally:
        path.write_bytes(whole)
    assert not result.ok
    assert "the design refuses rom/boot.bin" in result.complaint


def test_memories_of_one_port_are_filled_and_read(artefact: Path, tmp_path: Path) -> None:
    """As on iCE40 UP, where a board's project sets the parameter; here it is written into RTL that is trusted."""
    folder = tmp_path / "out"
    shutil.copytree(artefact / "out", folder)
    top = folder / "rtl" / "emcc_top.sv"
    plain = top.read_text()
    top.write_text(plain.replace("parameter int SpramBits   = 0", "parameter int SpramBits   = 1"))
    assert top.read_text() != plain
    result = simulate(folder, artefact / "d.npz", trust_rtl=True)
    assert result.ok, result.complaint
    assert result.cycle_mismatches == 0


def test_a_large_memory_of_weights_is_spram(tmp_path: Path) -> None:
    """On iCE40 UP, where `Spram` is set: 12,004 words of 12 bits are one of its four, and no block RAM."""
    for name, data in library(("emcc_ram", "emcc_boot_ram")).items():
        (tmp_path / name.removeprefix("rtl/")).write_bytes(data)
    wide = "chparam -set Width 12 -set Depth 12004 -set AddrBits 14 -set Spram 1 emcc_boot_ram"
    files, command = ["emcc_ram.sv", "emcc_boot_ram.sv"], FAMILIES["ice40"].synth
    cells = synthesise(files, "emcc_boot_ram", command, cwd=tmp_path, settings=wide)
    assert (cells["SB_SPRAM256KA"], cells.get("SB_RAM40_4K", 0)) == (1, 0)


def test_the_image_has_what_the_roms_have(artefact: Path, tmp_path: Path) -> None:
    """`emcc rom` gives the same image that the design is booted from, and the same words as in any other format."""
    folder = str(artefact / "out")
    printed("rom", folder, "--format", "flash", "--out", str(tmp_path / "image.bin"))
    printed("rom", folder, "--format", "hex", "--out", str(tmp_path / "hex"))
    data = (tmp_path / "image.bin").read_bytes()
    assert data == (artefact / "out" / BOOT).read_bytes()
    memories = flash.read(data).memories
    names = sorted(path.stem for path in (tmp_path / "hex").glob("*.hex") if path.stem[:2] in ("pe", "la"))
    names = [name for kind in ("ptr", "spmat", "bias", "scale") for name in names if name.endswith(kind)]
    assert len(names) == len(memories) == 10
    for name, memory in zip(names, memories, strict=True):
        assert parse((tmp_path / "hex" / f"{name}.hex").read_bytes(), "hex", memory.width) == memory, name
    assert not (artefact / "out" / "rom" / "pe000_spmat.hex").exists()
