"""What is said of a board: shares of what there is, bounds as bounds, energy with its source, what was tried."""

from typing import Any

import pytest

from emcc.report.onboard import board_lines, energy_line, joules

CELLS = {"lut": 9000, "ff": 7000, "bram": 20, "dsp": 16}
THERE = {"lut": 24_000, "ff": 24_000, "bram": 56, "dsp": 28}


def manifest(**changes: Any) -> dict[str, Any]:
    """As much of a manifest as is read."""
    row = {"pes": 16, "groups": 2, "cycles": 500.4, **CELLS, "fits": True}
    board = {
        **{"title": "A board", "part": "A-PART", "clock_hz": 50_000_000, "chosen": True, "model": "fitted"},
        **{"cells": CELLS, "there": THERE, "seconds": 1e-5, "energy": None},
        **{"tried": [row, {**row, "pes": 20, "lut": 30_000, "fits": False}]},
    }
    return {"design": {"pes": 16, "groups": 2}, "board": {**board, **changes}}


def test_without_a_board_nothing_is_said() -> None:
    assert board_lines({"design": {"pes": 8, "groups": 1}}) == []


def test_what_is_said() -> None:
    lines = board_lines(manifest())
    assert lines[0] == "board: A board (A-PART): 16 PEs (chosen to fit) in 2 column groups"
    assert lines[1].startswith(
        "taken of it: about 9,000 of 24,000 LUTs (38 %), about 7,000 of 24,000 flip-flops (29 %), 20 of 56 block RAMs "
        "(36 %), 16 of 28 multipliers (57 %) [estimate: "
    )
    assert lines[2].startswith("time there: 10 us an inference at 50 MHz, the board's clock; ")
    assert lines[3] == (
        "PEs tried: 16 in 2: 9,000 LUTs, 20 block RAMs, 16 multipliers, 500 cycles, fits; "
        "20 in 2: 30,000 LUTs, 20 block RAMs, 16 multipliers, 500 cycles, does not fit"
    )


def test_what_was_chosen_of_memories_is_said() -> None:
    row = manifest()["board"]["tried"][0]
    rows = [{**row, "run_bits": bits, "lut_words": 32} for bits in (0, 1, 2)]
    lines = board_lines(manifest(lut_words=32, tried=rows))
    assert "16 of 28 multipliers (57 %), with accumulators and activations of up to 32 words in LUTs [est" in lines[1]
    assert [one.rpartition("500 cycles")[2] for one in lines[3].split("; ")] == [
        *(", fits", " with runs of 1 bit, fits", " with runs of 2 bits, fits"),
    ]
    assert "in LUTs" not in board_lines(manifest(lut_words=None))[1]


def test_given_pes_and_bounds_are_called_so() -> None:
    given = manifest(chosen=False, model="bound", tried=manifest()["board"]["tried"][:1])
    lines = board_lines(given)
    assert "16 PEs (as given) in 2" in lines[0]
    assert "ECP5's, an upper bound" in lines[1]
    assert len(lines) == 3


def test_energy_is_an_estimate_with_its_source() -> None:
    energy = {"joules": 2.5e-6, "switching": True, "source": "a sheet"}
    assert board_lines(manifest(energy=energy))[3] == "energy there: about 2.5 uJ an inference [estimate: a sheet]"
    assert energy_line({**energy, "switching": False}).startswith("at least 2.5 uJ an inference, of an idle part")
    assert "\x1b" not in energy_line({**energy, "source": "\x1b[2J"})


@pytest.mark.parametrize(("value", "text"), [(2.0, "2 J"), (0.0123, "12.3 mJ"), (1e-6, "1 uJ"), (5e-10, "0.5 nJ")])
def test_joules(value: float, text: str) -> None:
    assert joules(value) == text
