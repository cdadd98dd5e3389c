"""What `emcc run` prints."""

from rich import box
from rich.table import Table

from emcc.report.lines import worth_rows
from emcc.report.saturation import saturation_rows, warn_of_saturation
from emcc.report.summary import console, shown
from emcc.runtime.result import Answers


def print_answers(answers: Answers, engine: str, file: str) -> None:
    """Print a table on stdout, and the warning below it if there is one; `file` is where the answers are."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    rows = [("samples", f"{answers.samples:,}"), ("engine", engine)]
    rows += worth_rows(answers.worth)
    if answers.saturation is None:
        rows.append(("saturation", "none: this model computes in floats"))
    else:
        rows += saturation_rows(answers.saturation)
    for name, value in rows:
        table.add_row(name, shown(value, justify="right"))
    out.print(table)
    warn_of_saturation(out, answers.saturation)
    shapes = ", ".join(f"{key} {list(value.shape)} {value.dtype}" for key, value in answers.final.items())
    out.print(shown(f"{file}: {shapes}"))
