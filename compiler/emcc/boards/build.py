"""From an artefact to the file that a board loads: Yosys, nextpnr, the packer, and what they left."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from emcc.base.errors import EmccError
from emcc.boards import catalogue, fit
from emcc.boards.chain import BITSTREAMS, ROUTED, chain
from emcc.boards.design import read_design
from emcc.boards.marker import MARKER
from emcc.boards.memories.blocks import FORMATS
from emcc.boards.memories.images import exchanged, hex_of, shape_of, stand_ins
from emcc.boards.memories.layout import IN_BLOCKS, layouts
from emcc.boards.memories.packed import check_family, pack_images
from emcc.boards.memories.placed import Placed, learned
from emcc.boards.options import BuildOptions
from emcc.boards.outcome import Outcome
from emcc.boards.project import FOLDER, NETLIST, TOP_FILE, Project, project
from emcc.boards.streamed import on_board
from emcc.boards.top import TOP
from emcc.boards.tried import Tried
from emcc.files.artefact import check_folder
from emcc.tools import nextpnr, packer, yosys
from emcc.tools.absorb import absorb_file
from emcc.tools.process import ToolError, parallel

Report = Callable[[str], object]
LOG = "yosys.log"
_STREAMED = "leave out --updatable; `emcc run` sends the board new weights"
PROCESSOR_FILE = "emcc_ps.v"
_PROCESSOR = "(* blackbox *) module emcc_ps (output pl_clk0); endmodule\n"


def build(folder: Path, options: BuildOptions, report: Report) -> Outcome:
    """Make the bitstream of an artefact on a board, in `folder`/boards/BOARD, with the tools' logs beside it.

    `report` gets a line a stage. Where a tool fails, or the clock is too slow, the folder has logs and no bitstream.
    For a Xilinx part there is a project for Vivado, and an estimate.

    Raises:
        EmccError: the board, the artefact or an option is wrong; a tool is missing or fails; the design is too large
            for the part, or too slow; or the disk refuses.
    """
    board, design = catalogue.board(options.board), read_design(folder)
    label = catalogue.label(options.board)
    place = folder / FOLDER / label
    made = project(board, design, label, options.hz, options.updatable)
    check_folder(place, MARKER, names=(*made.files, BITSTREAMS[board.part.family]))
    if options.updatable:
        check_family(board)
        if design.streamed:
            raise EmccError("its weights come as a stream: nothing is to update", file=folder, hint=_STREAMED)
    _check_tools(made)
    fit.check_before(board, on_board(board, design.program, options.updatable, design.streamed))
    outcome = Outcome(options, made, design)
    files = {**design.files, **made.files}
    if options.updatable:
        files |= hex_of(stand_ins(exchanged(design)))
    with working() as work:
        for name, content in files.items():
            (work / name).parent.mkdir(exist_ok=True)
            (work / name).write_bytes(content)
        try:
            (_estimate if board.xilinx else _make)(outcome, work, report)
        except ToolError as error:
            outcome.error = error
        if (work / LOG).is_file():
            outcome.logs[LOG] = (work / LOG).read_text("utf-8", "replace")
    outcome.write(place)
    outcome.check(place)
    return outcome


@contextmanager
def working() -> Iterator[Path]:
    """Give a temporary folder. What the system refuses in it is an EmccError."""
    try:
        with tempfile.TemporaryDirectory(prefix="emcc-bitstream-") as name:
            yield Path(name)
    except OSError as error:
        reason, hint = error.strerror or str(error), "set TMPDIR to a folder with room"
        raise EmccError(f"cannot work there: {reason}", file=tempfile.gettempdir(), hint=hint) from error


def _check_tools(made: Project) -> None:
    yosys.check_installed()
    if not made.board.xilinx:
        tools = chain(made.board)
        nextpnr.check(tools.part)
        packer.check(tools.packer)


def _make(outcome: Outcome, work: Path, report: Report) -> None:
    """Run the tools in `work`, and put what they leave into `outcome`."""
    made, design, options = outcome.project, outcome.design, outcome.options
    tools, family = chain(made.board), made.board.part.family
    report(f"yosys: {len(design.names) + 1} sources, {tools.synth}")
    names = [*design.names, TOP_FILE]
    settings = "; ".join([made.settings, f"hierarchy -top {TOP}", IN_BLOCKS]) if options.updatable else made.settings
    outcome.cells = yosys.synthesise(
        names, TOP, tools.synth, cwd=work, netlist=NETLIST, settings=settings, pads=tools.pads, log=LOG
    )
    outcome.refusal = fit.after(made.board, outcome.cells)
    if outcome.refusal:
        return
    if family == "ecp5":
        report(f"registers: {absorb_file(work / NETLIST)} moved into block RAMs and multipliers")
    outcome.tried = parallel(
        lambda seed: _route(made, work, seed, report), range(options.seed, options.seed + options.seeds)
    )
    if not outcome.best or not outcome.in_time:
        return
    place = work / outcome.best.folder
    if options.updatable:
        outcome.placed = _learned(outcome, place, report)
        made_of = pack_images(outcome.placed, made.board, exchanged(design), place, report)
        outcome.logs["pack.log"], outcome.bitstream, outcome.rest = made_of.log, made_of.bitstream, made_of.rest
        return
    bitstream = BITSTREAMS[family]
    outcome.logs["pack.log"] = packer.pack(tools.packer, tools.pack, ROUTED[family], bitstream, cwd=place).output
    outcome.bitstream = (place / bitstream).read_bytes()
    report(f"{tools.packer}: {bitstream}, {len(outcome.bitstream):,} bytes")


def _learned(outcome: Outcome, place: Path, report: Report) -> Placed:
    """Find the memories of a design that was placed with stand-ins, by asking Yosys where it puts their bits."""
    family, design = outcome.project.board.part.family, outcome.design
    images = stand_ins(exchanged(design))
    shapes = sorted({shape_of(name, image) for name, image in images.items()})
    made = layouts(shapes, FORMATS[family], chain(outcome.project.board).synth, design.files)
    placed = learned(family, (place / ROUTED[family]).read_text("utf-8"), images, dict(zip(shapes, made, strict=True)))
    report(f"memories: {len(images)} in {sum(layout.source.shape[0] for layout in made)} kinds of block RAM")
    return placed


def _route(made: Project, work: Path, seed: int, report: Report) -> Tried:
    """Place and route one seed, in a folder of its own."""
    tools, place = chain(made.board), work / f"seed{seed}"
    place.mkdir()
    for name in (NETLIST, *(name for name in made.files if name.startswith("pins."))):
        shutil.copyfile(work / name, place / name)
    freq = made.hz / 1e6
    try:
        routed = nextpnr.place_and_route(
            NETLIST, tools.part, cwd=place, seed=seed, freq=freq, arguments=tools.arguments
        )
    except ToolError as error:
        report(f"nextpnr, seed {seed}: failed")
        return Tried(seed, None, error)
    report(f"nextpnr, seed {seed}: {routed.slowest:.2f} MHz, {freq:g} wanted")
    return Tried(seed, routed, None)


def _estimate(outcome: Outcome, work: Path, report: Report) -> None:
    """Synthesise for a Xilinx part with Yosys: an estimate of what Vivado, which is not run, will make."""
    made, command = outcome.project, f"synth_xilinx -family {outcome.project.board.part.family}"
    (work / PROCESSOR_FILE).write_text(_PROCESSOR, encoding="utf-8")
    report(f"yosys: {len(outcome.design.names) + 1} sources, {command}: an estimate; Vivado is not run")
    names = [PROCESSOR_FILE, *outcome.design.names, TOP_FILE]
    outcome.cells = yosys.synthesise(names, TOP, command, cwd=work, netlist=NETLIST, log=LOG)
    report(f"project: {made.board.title}, build.tcl for Vivado")
