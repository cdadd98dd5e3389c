"""What a summary and the report say of a design's board: taken of what there is, time, energy, what was tried."""

from collections.abc import Mapping
from typing import Any

from emcc.base.text import printable
from emcc.report.lines import percent, seconds

WORDS = {"lut": "LUTs", "ff": "flip-flops", "bram": "block RAMs", "dsp": "multipliers"}


MODELS = {
    "fitted": "LUTs and flip-flops by a model, LUTs 11 % too few to 9 % too many where checked; with the serial port",
    "scaled": "LUTs and flip-flops by ECP5's model in proportion, checked on few designs; with the serial port",
    "bound": "LUTs and flip-flops are ECP5's, an upper bound; Vivado was not asked",
}
"""What is said of an estimate."""


def board_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Return the sentences; none where no board was named."""
    board = manifest.get("board")
    if not board:
        return []
    design, taken = manifest["design"], ", ".join(_share(board, kind) for kind in WORDS)
    pes = f"{design['pes']} PE{'s' * (design['pes'] > 1)}"
    groups = f"{design['groups']} column group{'s' * (design['groups'] > 1)}"
    why = "chosen to fit" if board["chosen"] else "as given"
    lines = [
        f"board: {printable(board['title'])} ({printable(board['part'])}): {pes} ({why}) in {groups}",
        f"taken of it: {taken}{_words(board)}{_apart(board)} [estimate: {MODELS.get(board['model'], 'a model')}]",
        f"time there: {seconds(board['seconds'])} an inference at {board['clock_hz'] / 1e6:g} MHz, the board's clock; "
        "what it reaches, placing says (`emcc bitstream`)",
    ]
    if board["energy"]:
        lines.append(f"energy there: {energy_line(board['energy'])}")
    if len(board["tried"]) > 1:
        lines.append(f"PEs tried: {'; '.join(_tried(row) for row in board['tried'])}")
    return lines


def _words(board: Mapping[str, Any]) -> str:
    """Say which memories are made of LUTs, and which of RAMs that a bitstream cannot fill."""
    words = board.get("lut_words")
    made = f", with accumulators and activations of up to {words:,} words in LUTs" if words else ""
    rams = board.get("spram", 0)
    return made + (f", weights in {rams} single-port RAM{'s' * (rams > 1)}" if rams else "")


def _apart(board: Mapping[str, Any]) -> str:
    """Say where block RAMs are for updates."""
    return ", block RAMs for `emcc bitstream --updatable`" if board.get("updatable") else ""


def _share(board: Mapping[str, Any], kind: str) -> str:
    count, most = board["cells"][kind], board["there"][kind]
    about = "about " if kind in ("lut", "ff") else ""
    return f"{about}{count:,} of {most:,} {WORDS[kind]} ({percent(count / max(most, 1), '.0%')})"


def energy_line(energy: Mapping[str, Any]) -> str:
    """Say what an inference takes, and that it is an estimate, from which source."""
    value, source = joules(energy["joules"]), printable(energy["source"])
    if energy["switching"]:
        return f"about {value} an inference [estimate: {source}]"
    return f"at least {value} an inference, of an idle part for that time [estimate: {source}]"


def joules(value: float) -> str:
    """Write an energy with a unit."""
    for factor, unit in ((1.0, "J"), (1e3, "mJ"), (1e6, "uJ")):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} nJ"


def _tried(row: Mapping[str, Any]) -> str:
    fits = ("fits" + ", and takes nextpnr long" * row.get("large", False)) if row["fits"] else "does not fit"
    return (
        f"{row['pes']} in {row['groups']}: {row['lut']:,} LUTs, {row['bram']:,} block RAMs, "
        f"{row['dsp']:,} multipliers, {row['cycles']:,.0f} cycles{_runs(row)}, {fits}"
    )


def _runs(row: Mapping[str, Any]) -> str:
    """Say how wide runs are, where that was chosen."""
    bits = row.get("run_bits")
    return f" with runs of {bits} bit{'s' * (bits > 1)}" if bits else ""
