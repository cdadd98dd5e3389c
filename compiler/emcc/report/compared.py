"""What `emcc compare` prints, and the sentences that its page has as well."""

from rich import box
from rich.table import Table

from emcc.base.text import printable
from emcc.measure.comparison import Comparison, Row
from emcc.report.lines import percent
from emcc.report.summary import console, shown

HEAD = (
    *("", "made by", "format", "max error", "RMS error", "relative", "saturates"),
    *("output error\nof it alone", "share"),
)


def print_comparison(comparison: Comparison, page: str) -> None:
    """Print a row a tensor and a layer's weights on stdout; `page` is where the plot is."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD)
    for index, title in enumerate(HEAD):
        table.add_column(title, justify="right" if index > 2 else "left")
    first = comparison.first
    for row in comparison.rows:
        table.add_row(*(shown(cell) for cell in cells(row)), style="yellow" if row is first else None)
    out.print(table)
    for line in sentences(comparison):
        out.print(shown(line))
    out.print(shown(f"plot: {page}"))


def cells(row: Row) -> list[str]:
    """Return a row of the table as text."""
    return [
        label(row),
        row.op,
        form(row),
        f"{row.error_max:.3g}",
        f"{row.error_rms:.3g}",
        percent(row.relative),
        "" if row.saturated is None else percent(row.saturated),
        percent(row.alone),
        percent(row.share, ".1%"),
    ]


def label(row: Row) -> str:
    """Name a row."""
    name = printable(row.name, 40)
    return f"weights of {name}" if row.kind == "weights" else name


def form(row: Row) -> str:
    """Write a format: q12 of 16 has 12 fraction bits of 16."""
    return f"q{row.fmt.frac_bits} of {row.fmt.width}" if row.fmt else ""


def sentences(comparison: Comparison) -> list[str]:
    """Say where float and fixed point part, what the output's error is, and what causes most of it."""
    first, output = comparison.first, comparison.output
    limit = f"{100 * comparison.threshold:g} %"
    which = f" {label(output)}, the farthest off of {len(comparison.outputs)}" if len(comparison.outputs) > 1 else ""
    lines = [
        f"first to part: {label(first)}, {percent(first.relative)} from its float value (RMS), more than {limit}"
        if first
        else f"no tensor is more than {limit} (RMS) from its float value",
        f"error of the output{which}, all together: {percent(output.relative)} of its RMS, on "
        f"{comparison.samples:,} samples",
    ]
    worst = max(comparison.rows, key=lambda row: row.share)
    if worst.share:
        lines.append(
            f"largest cause: {label(worst)}, {percent(worst.share, '.1%')} of the sum of squares of all causes alone"
        )
    return lines
