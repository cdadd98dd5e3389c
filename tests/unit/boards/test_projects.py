"""A project for every board: top, constraints and script, whole, and as the tools read them."""

import re
from pathlib import Path

import pytest
from commands import printed

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.design import read_design
from emcc.boards.project import Project, project
from emcc.boards.top import TOP
from emcc.tools import yosys

NAMES = catalogue.names()
LIBRARIES = {
    **{"ecp5": ("+/ecp5/cells_bb.v",), "ice40": ("+/ice40/cells_sim.v",), "gowin": ("+/gowin/cells_sim.v",)},
    **{
        "xc7": ("+/xilinx/cells_sim.v", "+/xilinx/cells_xtra.v"),
        "xcup": ("+/xilinx/cells_sim.v", "+/xilinx/cells_xtra.v"),
    },
}


def made(name: str, artefact: Path, hz: int | None = None) -> Project:
    """The project of a board."""
    return project(catalogue.board(name), read_design(artefact), name, hz)


def ports(top: str) -> dict[str, int]:
    """The ports of a top, and their widths."""
    found = re.findall(r"^  (?:input|output) +wire +(?:\[(\d+):0\])? *(\w+),?$", top, re.M)
    return {name: int(high or 0) + 1 for high, name in found}


@pytest.mark.parametrize("name", NAMES)
def test_every_port_has_its_pin_and_no_other(name: str, artefact: Path) -> None:
    board, files = catalogue.board(name), made(name, artefact).files
    (constraints,) = (text.decode() for file, text in files.items() if file.startswith("pins."))
    form = {
        "ecp5": r'LOCATE COMP "(.+)" SITE "(.+)";',
        "ice40": r"set_io (?:-pullup yes )?(\S+) (\S+)",
        "gowin": r'IO_LOC "(.+)" (\S+);',
    }
    if board.xilinx:
        placed = {port: pin for pin, port in re.findall(r"PACKAGE_PIN (\S+) .*\[get_ports \{(.+)\}\]", constraints)}
    else:
        placed = dict(re.findall(form[board.part.family], constraints))
    wanted = {
        port if width == 1 else f"{port}[{i}]"
        for port, width in ports(files[f"{TOP}.sv"].decode()).items()
        for i in range(width)
    }
    assert set(placed) == wanted
    assert set(placed.values()) == set(board.pins.values()) - {"PS"}
    assert placed["rx_i"] == board.uart.rx
    assert placed["tx_o"] == board.uart.tx


@pytest.mark.parametrize("name", NAMES)
def test_a_project_is_the_same_every_time_and_has_no_place_in_it(name: str, artefact: Path) -> None:
    once, twice = made(name, artefact), made(name, artefact)
    assert once.files == twice.files
    for text in once.files.values():
        assert str(artefact).encode() not in text
        assert text.isascii()


@pytest.mark.parametrize("name", NAMES)
def test_a_script_has_every_source_and_the_part(name: str, artefact: Path) -> None:
    board, design = catalogue.board(name), read_design(artefact)
    files = made(name, artefact).files
    script = files["build.tcl" if board.xilinx else "build.sh"].decode()
    for source in design.names:
        assert source in script
    wanted = [f"-part {board.part.name}", "has not run it"] if board.xilinx else [board.part.device]
    for word in wanted:
        assert word in script


@pytest.mark.synth
def test_yosys_takes_every_top_with_the_cells_of_its_family(artefact: Path) -> None:
    """`hierarchy -check` knows every port and parameter of the PLLs."""
    script = []
    for name in NAMES:
        board, files = catalogue.board(name), made(name, artefact).files
        (artefact / f"{name}.sv").write_bytes(files[f"{TOP}.sv"])
        libraries = " ".join(LIBRARIES[board.part.family])
        script += ["design -reset", f"read_verilog -lib -specify {libraries}"]
        if board.clock.pin == "PS":
            (artefact / "ps.v").write_text("(* blackbox *) module emcc_ps (output pl_clk0); endmodule\n")
            script.append("read_verilog ps.v")
        script += [
            f"read_verilog -sv rtl/emcc_uart_top.sv {name}.sv",
            f"hierarchy -check -top {TOP}",
            f"proc; check -assert; select -assert-count 1 t:{board.clock.pll}",
        ]
    yosys.yosys("; ".join(script), cwd=artefact)


def test_another_clock_and_the_oscillator_itself(artefact: Path) -> None:
    faster = made("icebreaker", artefact, 24_000_000)
    assert faster.hz == 24_000_000
    assert b".ClkHz(24000000)" in faster.files[f"{TOP}.sv"]
    plain = made("icebreaker", artefact, 12_000_000)
    assert b"SB_PLL40_PAD" not in plain.files[f"{TOP}.sv"]
    assert b"assign clk    = clk_i;" in plain.files[f"{TOP}.sv"]


def test_a_part_that_nextpnr_has_not(artefact: Path) -> None:
    board = catalogue.board("ulx3s-85f")
    other = board.model_copy(update={"part": board.part.model_copy(update={"device": "99k"})})
    with pytest.raises(
        EmccError, match=r"part\.device: the tools of the family ecp5 have no '99k'\n  hint: they have 12k"
    ):
        project(other, read_design(artefact), "mine")


def test_the_table_of_boards() -> None:
    text = printed("boards")
    for name in NAMES:
        board = catalogue.board(name)
        row = next(line for line in text.splitlines() if line.split()[:1] == [name])
        assert board.part.name in row
        assert f"{board.limits.lut:,}" in row
        assert ("bitstream" if board.status == "built" else "project") in row
