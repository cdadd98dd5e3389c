"""What `emcc run` prints."""

from rich import box
from rich.table import Table

from emcc.report.lines import worth_rows
from emcc.report.saturation import saturation_rows, warn_of_saturation
from emcc.report.summary import console, shown
from emcc.runtime.result import Answers, Timing


def print_answers(answers: Answers, engine: str, file: str) -> None:
    """Print a table on stdout, and the warning below it if there is one; `file` is where the answers are."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    rows = [("samples", f"{answers.samples:,}"), ("engine", engine)]
    rows += worth_rows(answers.worth)
    if answers.timing is not None:
        rows += _timing_rows(answers.timing)
    elif answers.saturation is None:
        rows.append(("saturation", "none: this model computes in floats"))
    else:
        rows += saturation_rows(answers.saturation)
    for name, value in rows:
        table.add_row(name, shown(value, justify="right"))
    out.print(table)
    warn_of_saturation(out, answers.saturation)
    shapes = ", ".join(f"{key} {list(value.shape)} {value.dtype}" for key, value in answers.final.items())
    out.print(shown(f"{file}: {shapes}"))


def _timing_rows(timing: Timing) -> list[tuple[str, str]]:
    """Say how long a board took, and what went wrong on its line."""
    samples, cycles = max(1, len(timing.cycles)), float(timing.cycles.mean())
    rows = [
        ("cycles an inference", f"{cycles:,.0f}"),
        (f"time at {timing.clock / 1e6:,.4g} MHz", f"{1e3 * cycles / timing.clock:,.4g} ms"),
        ("with line and host", f"{1e3 * timing.seconds / samples:,.4g} ms"),
    ]
    if timing.loaded:
        rows.append(("weights", f"{timing.loaded:,} bytes onto the board, which had none or others"))
    mended = timing.again + timing.silences + timing.damaged
    if mended:
        says = f"{timing.damaged} damaged frames, {timing.silences} silences, {timing.again} inferences begun again"
        rows.append(("the line", says))
    return rows
