"""How many PEs fit a board: the search, and `emcc compile --board` from the command line to the manifest."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run
from models import mlp, save
from qgraphs import quantised

import emcc
from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.design import board_of
from emcc.driver.sizing import (
    PROBE,
    SIZES,
    Tried,
    around,
    at_least,
    fitted,
    guess,
    largest,
    narrower,
    needs_of,
    with_runs,
)
from emcc.eie.blockram import FAMILIES
from emcc.eie.cells.model import BOOT, cells
from emcc.eie.groups.choice import Choice
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph
from emcc.ir.program import GROUPS, MAX_PES, Program
from emcc.resources import folder

RECIPE = "[lower]\ngroups = 2\nqueue_depth = 16\n"


def test_sizes_divide_into_groups() -> None:
    assert (SIZES[0], SIZES[-1]) == (1, MAX_PES)
    assert PROBE in SIZES
    for size in SIZES:
        assert size < 8 or sum(size % groups == 0 for groups in GROUPS) >= 2


def test_the_largest_is_found_from_any_guess() -> None:
    for right in range(-1, len(SIZES)):
        for start in range(len(SIZES)):
            asked: list[int] = []

            def fits(size: int, asked: list[int] = asked, right: int = right) -> bool:
                asked.append(size)
                return SIZES.index(size) <= right

            assert largest(SIZES, start, fits) == (SIZES[right] if right >= 0 else None)
            assert len(set(asked)) == len(asked) <= 10
            assert abs(start - right) > 1 or len(asked) <= 4


def test_round_sizes_are_tried_around_the_largest_that_fits() -> None:
    assert around(80, SIZES) == [48, 64, 96, 128, 192, 256]
    assert around(0, SIZES[:6]) == [1, 2, 3, 4, 6]


def test_fewer_pes_are_taken_where_they_are_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    cycles = {28: 5.0, 16: 4.0}
    first = probe()
    taken = {
        pes: replace(first, choice=Choice(replace(first.choice.program, pes=pes)), cycles=cycles.get(pes, 9.0))
        for pes in SIZES
    }
    monkeypatch.setattr("emcc.driver.sizing.lowered", lambda graph, options, *rest: taken[options.pes].choice)
    monkeypatch.setattr("emcc.driver.sizing.counted", lambda program, x: taken[program.pes].cycles)
    monkeypatch.setattr("emcc.driver.sizing.needs_of", lambda program, board, updatable, streamed: first.needs)
    monkeypatch.setattr("emcc.driver.sizing.check_memory", lambda program, options: None)
    graph, x = quantised([300, 120, 60, 9], seed=1), np.zeros((1, 300))
    sized = fitted(graph, LowerOptions(), None, x, catalogue.board("ulx3s-12f"), given=False)
    assert [one.pes for one in sized.tried] == [4, 16, 24, 28]
    assert sized.taken.pes == 16


def test_what_takes_hours_to_place_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, x, board = quantised([300, 120, 60, 9], seed=1), np.zeros((1, 300)), catalogue.board("ulx3s-12f")
    plain = fitted(graph, LowerOptions(), None, x, board, given=False)
    most = plain.taken.needs.cells.lut - 1
    monkeypatch.setattr("emcc.boards.needs.PLACED", most)
    chosen = fitted(graph, LowerOptions(), None, x, board, given=False)
    assert chosen.taken.fits
    assert chosen.taken.needs.cells.lut <= most
    assert plain.taken.pes in [one.pes for one in chosen.tried if one.fits and not one.suits]
    kept = fitted(graph, LowerOptions(pes=plain.taken.pes), None, x, board, given=True)
    assert kept.taken.pes == plain.taken.pes
    monkeypatch.setattr("emcc.boards.needs.PLACED", 1)
    assert fitted(graph, LowerOptions(), None, x, board, given=False).taken.fits  # better than nothing
    xilinx = fitted(graph, LowerOptions(pes=4), None, x, catalogue.board("arty-a7-35t"), given=True)
    assert xilinx.taken.suits


def probe(**limits: int) -> Tried:
    """A design of four PEs with 80 kbit of weights, on a board with other limits."""
    board = catalogue.board("ulx3s-12f")
    board = board.model_copy(update={"limits": board.limits.model_copy(update=limits)})
    program = lower(quantised([300, 120, 60, 9], seed=1), LowerOptions(pes=4))
    return Tried(Choice(program), needs_of(program, board), 1.0)


def dense() -> Graph:
    """A perceptron of which four weights in five are left: two bits a run, and one needs 4 % more entries."""
    return quantised([300, 120, 60, 9], seed=1, code_w=8, density=0.8)


def runs(program: Program) -> set[int]:
    """Bits of the runs of a program's entries."""
    return {one.run_w for one in program.slices}


def test_runs_are_narrower_where_block_rams_decide() -> None:
    graph, x, options = dense(), np.zeros((1, 300)), LowerOptions(pes=6, groups=1, queue_depth=16)
    plenty = catalogue.board("ulx3s-12f")
    wide, narrow = (lower(graph, replace(options, run_bits=run_bits)) for run_bits in (0, 1))
    assert (runs(wide), runs(narrow)) == ({2}, {1})
    assert narrower(needs_of(wide, plenty)) == [1]
    assert narrower(needs_of(narrow, plenty)) == []
    roomy = fitted(graph, options, None, x, plenty, given=True).taken
    assert (roomy.run_bits, roomy.needs.lut_words, runs(roomy.choice.program)) == (0, 16, {2})
    words = FAMILIES["ecp5"].lut_words[-1]
    least = [cells(needs_of(one, plenty).context, "ecp5", words).bram for one in (narrow, wide)]
    assert least[0] < least[1]
    scarce = few_blocks(least[0])
    small = fitted(graph, options, None, x, scarce, given=True).taken
    assert (small.run_bits, small.fits, runs(small.choice.program)) == (1, True, {1})
    for asked, blocks in ((2, least[0]), (0, least[0] - 1)):
        with pytest.raises(EmccError, match="block RAMs: "):
            fitted(graph, replace(options, run_bits=asked), None, x, few_blocks(blocks), given=True)


def test_narrow_runs_are_for_memory_alone() -> None:
    first, tried = probe(), []

    def attempt(groups: int, cycles: float) -> Callable[[int], Tried]:
        def once(run_bits: int) -> Tried:
            tried.append(run_bits)
            program = replace(first.choice.program, groups=groups)
            return replace(first, choice=Choice(program, ((1, 5.0), (2, 7.0))), cycles=cycles - run_bits)

        return once

    assert narrower(first.needs) == [1]
    assert with_runs(attempt(1, 5.0), 0).cycles == 5.0
    assert tried == [0]  # it fits, and has the fastest number of groups
    assert with_runs(attempt(2, 7.0), 0).cycles == 6.0
    assert tried == [0, 0, 1]
    assert with_runs(attempt(2, 7.0), 3).cycles == 4.0
    assert tried == [0, 0, 1, 3]  # as it was asked for


def few_blocks(count: int) -> Board:
    """The ULX3S 12F with so many block RAMs."""
    board = catalogue.board("ulx3s-12f")
    return board.model_copy(update={"limits": board.limits.model_copy(update={"bram": count})})


def test_what_cannot_fit_is_not_lowered() -> None:
    first = probe()
    assert at_least(first, 4) < at_least(first, 8) < 1 < at_least(first, 32)
    # Its weights alone are more than two block RAMs, whatever the number of PEs.
    assert all(at_least(probe(bram=2), size) > 1 for size in SIZES)
    assert at_least(probe(dsp=3), 4) > 1 > at_least(probe(dsp=3), 2)
    # Deep memories of LUTs, which fewer block RAMs ask of four PEs, are shallow ones of more: no bound.
    scarce = probe(bram=cells(first.needs.context, "ecp5", 128).bram)
    assert scarce.needs.lut_words == 128
    assert scarce.needs.pe_luts == first.needs.pe_luts


def test_the_guess_is_in_proportion() -> None:
    few, many = (guess(probe(lut=lut), SIZES) for lut in (5_000, 20_000))
    assert SIZES[few] < SIZES[many] < 64
    assert guess(probe(lut=10), SIZES) == 0


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A perceptron and a recipe beside it."""
    place = tmp_path_factory.mktemp("sizing")
    (place / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return save(mlp((20, 30, 3), seed=1), place / "model.onnx")


@pytest.fixture(scope="module")
def compiled(model: Path) -> tuple[Path, str]:
    """It, compiled for a board: the folder, and the summary."""
    out = model.parent / "net"
    words = ("compile", str(model), "--board", "ulx3s-12f", "--recipe", str(model.parent / "recipe.toml"))
    return out, run(*words, "--out", str(out))


def own(place: Path, change: Callable[[str], str]) -> str:
    """A board's file: the ULX3S 12F, changed."""
    text = (folder("boards") / "ulx3s-12f.toml").read_text("utf-8")
    (place / "mine.toml").write_text(change(text), encoding="utf-8")
    return str(place / "mine.toml")


def manifest_of(place: Path) -> dict[str, Any]:
    """emcc.json."""
    return dict(json.loads((place / "emcc.json").read_text("utf-8")))


def test_pes_are_chosen_to_fit(compiled: tuple[Path, str]) -> None:
    manifest = manifest_of(compiled[0])
    board, tried = manifest["board"], manifest["board"]["tried"]
    assert (board["name"], board["own"], board["chosen"], board["model"]) == ("ulx3s-12f", False, True, "fitted")
    fitting = [row for row in tried if row["fits"]]
    assert len(fitting) >= 2
    best = min(fitting, key=lambda row: (round(row["cycles"]), row["pes"]))
    assert manifest["design"]["pes"] == best["pes"] == manifest["options"]["passes"]["lower"]["pes"]
    assert board["cells"] == {kind: best[kind] for kind in ("lut", "ff", "bram", "dsp")}
    assert (board["lut_words"], best["lut_words"], best["run_bits"]) == (16, 16, 0)
    # There is no larger one that is faster: the next one does not fit, or more PEs do not help.
    most = max(fitting, key=lambda row: row["pes"])
    over = [size for size in SIZES if size > most["pes"]]
    assert any(row["pes"] == over[0] for row in tried) or over[0] > board["there"]["dsp"]


def test_times_are_at_the_boards_clock(compiled: tuple[Path, str]) -> None:
    manifest = manifest_of(compiled[0])
    total = manifest["totals"]
    assert manifest["board"]["clock_hz"] == total["clock_hz"] == catalogue.board("ulx3s-12f").clock.core_hz
    cycles = total["cycles"]["mean"] + total["transfer_cycles"]
    assert manifest["board"]["seconds"] == pytest.approx(cycles / total["clock_hz"], rel=1e-5)


def test_the_summary_and_the_report_say_so(compiled: tuple[Path, str]) -> None:
    out, said = compiled[0], " ".join(compiled[1].split())
    design, cells = manifest_of(out)["design"], manifest_of(out)["board"]["cells"]
    page = (out / "report.html").read_text("utf-8")
    for text in (said, page):
        assert f"board: Radiona ULX3S 12F (LFE5U-12F-6BG381C): {design['pes']} PEs (chosen to fit) in 2" in text
        assert f"about {cells['lut']:,} of 24,288 LUTs" in text
        assert f"{cells['bram']} of 56 block RAMs" in text
        assert "50 MHz, the board" in text
        assert "PEs tried: 4 in 2" in text


def test_the_bitstream_is_of_that_board(compiled: tuple[Path, str], model: Path, tmp_path: Path) -> None:
    assert board_of(compiled[0]) == "ulx3s-12f"
    run("compile", str(model), "-q", "--out", str(tmp_path / "plain"))
    assert "was compiled for no board" in run("bitstream", str(tmp_path / "plain"), code=2)
    mine = own(tmp_path, lambda text: text)
    emcc.compile(model, board=mine, pes=2, recipe={"lower": {"groups": 1}}).write(tmp_path / "own")
    assert "own" not in manifest_of(tmp_path / "plain")
    with pytest.raises(EmccError, match=r"for the board of a file, mine\.toml\n.*--board"):
        board_of(tmp_path / "own")


def test_what_is_made_of_luts_is_recorded(tmp_path: Path) -> None:
    model = save(mlp((80, 60, 9), seed=2), tmp_path / "model.onnx")
    recipe = {"lower": {"groups": 1, "queue_depth": 16}}
    plain = emcc.compile(model, board="ulx3s-12f", pes=3, recipe=recipe)
    scarce = plain.manifest["board"]["cells"]["bram"] - 1
    mine = own(tmp_path, lambda text: text.replace("bram  = 56", f"bram  = {scarce}"))
    made = emcc.compile(model, board=mine, pes=3, recipe=recipe)
    boards = [one.manifest["board"] for one in (plain, made)]
    assert [one["lut_words"] for one in boards] == [16, 32]
    assert boards[1]["cells"]["bram"] <= scarce < boards[0]["cells"]["bram"]
    taken = [sum(row["block_rams"]["ecp5"] for row in one.manifest["memory"]) + 1 for one in (plain, made)]
    assert taken == [one["cells"]["bram"] for one in boards]
    # What is made is the same: the board's project sets the parameter.
    assert made.manifest["design"]["digest"] == plain.manifest["design"]["digest"]


def test_room_for_an_update_is_taken_into_account(model: Path) -> None:
    """Halves of a layer, which the weights choose, are left out."""
    recipe = {"lower": {"groups": 1, "queue_depth": 16, "halves": False}}
    plain = emcc.compile(model, board="ulx3s-12f", pes=3, recipe=recipe)
    apart = emcc.compile(model, board="ulx3s-12f", pes=3, recipe=recipe, updatable=True)
    boards = [one.manifest["board"] for one in (plain, apart)]
    assert [one["updatable"] for one in boards] == [False, True]
    assert apart.manifest["design"]["digest"] == plain.manifest["design"]["digest"]
    assert boards[1]["cells"]["bram"] > boards[0]["cells"]["bram"]
    asked = {"lower": {**recipe["lower"], "halves": True}}
    halved, fixed = (
        emcc.compile(model, board="ulx3s-12f", pes=3, recipe=asked, updatable=one) for one in (False, True)
    )
    assert fixed.manifest["design"]["digest"] == plain.manifest["design"]["digest"]
    assert halved.manifest["design"]["digest"] != plain.manifest["design"]["digest"]


def test_what_fits_may_not_when_it_is_to_be_updated() -> None:
    graph, options, x = dense(), LowerOptions(pes=4, groups=1, queue_depth=16), np.zeros((1, 300))
    program, plenty = lower(graph, options), few_blocks(900)
    least = [cells(needs_of(program, plenty, apart).context, "ecp5", 128).bram for apart in (False, True)]
    assert least[0] < least[1]
    scarce, fixed = few_blocks(least[0]), replace(options, run_bits=max(one.run_w for one in program.slices))
    assert fitted(graph, fixed, None, x, scarce, given=True).taken.needs.cells.bram == least[0]
    with pytest.raises(EmccError, match=rf"block RAMs: {least[1]} needed, {least[0]} there"):
        fitted(graph, fixed, None, x, scarce, given=True, updatable=True)


def test_what_cannot_be_updated_is_an_error(model: Path, tmp_path: Path) -> None:
    words = ("compile", str(model), "--updatable", "--out", str(tmp_path / "o"))
    assert "--updatable is of a board's bitstream" in run(*words, code=2)
    assert "cannot be exchanged alone" in run(*words, "--board", "tang-nano-9k", code=2)
    assert not (tmp_path / "o").exists()


def test_given_pes_are_kept_and_checked(model: Path, tmp_path: Path) -> None:
    artefact = emcc.compile(model, board="ulx3s-12f", pes=3)
    board = artefact.manifest["board"]
    assert artefact.manifest["design"]["pes"] == 3
    assert (board["chosen"], [row["pes"] for row in board["tried"]]) == (False, [3])
    said = run("compile", str(model), "--board", "ulx3s-12f", "--pes", "64", "--out", str(tmp_path / "o"), code=2)
    assert "emcc: error: a design of 64 PEs" in said
    assert "does not fit Radiona ULX3S 12F (LFE5U-12F-6BG381C)\n  LUTs: about " in said
    assert "  multipliers: 64 needed, 28 there\n" in said
    assert "a board that is large enough: " in said
    assert not (tmp_path / "o").exists()


def test_what_fits_with_no_number_of_pes_is_an_error(model: Path, tmp_path: Path) -> None:
    mine = own(tmp_path, lambda text: text.replace("24_288", "1_500"))
    recipe = str(model.parent / "recipe.toml")
    said = run("compile", str(model), "--board", mine, "--recipe", recipe, "--out", str(tmp_path / "o"), code=2)
    assert "emcc: error: a design of " in said
    assert "needed, 1,500 there, of which 1,275 may be used\n" in said
    assert not (tmp_path / "o").exists()


def test_weights_that_come_as_a_stream_are_counted(model: Path) -> None:
    given = {"model": model, "board": "ulx3s-12f", "pes": 2}
    still, streamed = (emcc.compile(**given, recipe={"emit": {"weights": how}}) for how in ("rom", "boot"))
    rom, boot = (one.manifest["board"] for one in (still, streamed))
    assert "spram" not in rom
    assert boot["cells"]["bram"] >= rom["cells"]["bram"] + BOOT["bram"]
    assert boot["cells"]["ff"] >= rom["cells"]["ff"]
    with pytest.raises(EmccError, match=r"come as a stream are not of the bitstream.*\n.*weights = \"boot\""):
        emcc.compile(model, board="ulx3s-12f", updatable=True, recipe={"emit": {"weights": "boot"}})
