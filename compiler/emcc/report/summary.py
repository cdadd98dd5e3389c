"""The summary that ends a compile, and `emcc inspect DIR`: tables out of a manifest."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emcc.base.text import printable
from emcc.report.lines import headline, kilo, loss_line, notes, percent, seconds
from emcc.report.memories import memory_rows
from emcc.report.onboard import board_lines
from emcc.report.tried import tried

Column = tuple[str, list[str], str]
"""Title, a cell a row, footer."""


def console() -> Console:
    """Return the console for tables; wide enough for them when the output is not a terminal."""
    plain = Console(highlight=False)
    return plain if plain.is_terminal else Console(highlight=False, width=120)


def shown(text: str, **style: Any) -> Text:
    """Return text, trusted or not, as a terminal may show it."""
    return Text(printable(text, None), **style)


def print_summary(manifest: Mapping[str, Any], folder: str, out: Console | None = None) -> None:
    """Print the layer table and the totals on stdout, or where `out` writes; cycle counts are labelled as estimates."""
    out = out or console()
    lost = loss_line(manifest)
    if lost:
        over = manifest["loss"]["lost"] > manifest["loss"]["allowed"]
        out.print(shown(lost, style="bold red" if over else "yellow"))
    out.print(shown(f"{folder}: {headline(manifest)}"))
    out.print(layer_table(manifest))
    out.print(step_table(manifest))
    out.print(memory_table(manifest))
    for line in (*board_lines(manifest), *notes(manifest, alone=True)):
        out.print(shown(line))
    print_tried(manifest, out)
    for warning in manifest["warnings"]:
        out.print(shown(f"warning: {warning}", style="yellow"))


def print_tried(manifest: Mapping[str, Any], out: Console) -> None:
    """Print a row a combination of methods that was tried, where there was a choice."""
    table = tried(manifest)
    if table:
        columns = zip(table["head"], zip(*table["rows"], strict=True), table["foot"], strict=True)
        out.print(table_of([(h, list(c), f) for h, c, f in columns], {"overflow": "fold"}, {"overflow": "fold"}))


def layer_table(manifest: Mapping[str, Any]) -> Table:
    """Return a row a layer and one in total: size and time, dense and compressed."""
    rows, total = manifest["layers"], manifest["totals"]
    mean = total["cycles"]["mean"]
    columns = [
        ("layer", [printable(row["name"], 40) for row in rows], "total"),
        ("rows x\ncolumns", [f"{row['rows']} x {row['columns']}" for row in rows], ""),
        ("kept", [percent(row["density"]) for row in rows], percent(total["density"])),
        ("code+run\nbits", [f"{row['code_w']}+{row['run_w']}" for row in rows], ""),
        ("padding\nzeros", [str(row["padding_zeros"]) for row in rows], str(total["padding_zeros"])),
        ("dense\nbytes", [kilo(row["dense_bytes"]) for row in rows], kilo(total["dense_bytes"])),
        ("emcc\nbytes", [kilo(row["bytes"]) for row in rows], kilo(total["bytes"])),
        ("dense\ncycles", [f"{row['dense_cycles']:,}" for row in rows], f"{total['dense_cycles']:,}"),
        ("cycles\n(estimate)", [f"{row['cycles']:,.0f}" for row in rows], f"{mean:,.0f}"),
        ("time\n(estimate)", [seconds(row["cycles"] / total["clock_hz"]) for row in rows], seconds(total["seconds"])),
    ]
    return table_of(columns, {"min_width": 6}, {"justify": "right", "min_width": 6})


def step_table(manifest: Mapping[str, Any]) -> Table:
    """Return a row a step of the array and one in total: what it is, its cycles, how much of the PEs it uses."""
    rows, total = manifest["steps"], manifest["totals"]
    mean = total["cycles"]["mean"]
    columns = [
        ("step", [printable(row["name"], 40) for row in rows], "total"),
        ("kind", [printable(row["kind"], 20) for row in rows], ""),
        ("positions", [f"{row['positions']:,}" for row in rows], ""),
        ("MACs\n(dense)", [f"{row['macs']:,}" for row in rows], f"{sum(row['macs'] for row in rows):,}"),
        (
            "useful\n(estimate)",
            [f"{row['products']:,.0f}" for row in rows],
            f"{sum(row['products'] for row in rows):,.0f}",
        ),
        ("cycles\n(estimate)", [f"{row['cycles']:,.0f}" for row in rows], f"{mean:,.0f}"),
        ("share of\ncycles", [percent(row["cycles"] / max(mean, 1), ".1%") for row in rows], ""),
        ("use of\nthe PEs", [percent(row["utilisation"], ".1%") for row in rows], percent(total["utilisation"], ".1%")),
    ]
    return table_of(columns, {"min_width": 6}, {"justify": "right", "min_width": 6})


def memory_table(manifest: Mapping[str, Any]) -> Table:
    """Return a row a memory and one in total: copies, bits, and block RAMs by family."""
    head, rows, total = memory_rows(manifest)
    cells = [[printable(cell, 40) for cell in column] for column in zip(*rows, strict=True)]
    columns = list(zip(head, cells, total, strict=True))
    return table_of(columns, {"min_width": 6}, {"justify": "right", "min_width": 6})


def table_of(columns: Sequence[Column], first: Mapping[str, Any], others: Mapping[str, Any], **style: Any) -> Table:
    """Return a table of columns; `first` and `others` are what rich's add_column takes, `style` what its Table does."""
    table = Table(box=box.SIMPLE_HEAD, show_footer=True, **style)
    for index, (title, _, footer) in enumerate(columns):
        table.add_column(title, footer=shown(footer), **(others if index else first))
    for cells in zip(*(column[1] for column in columns), strict=True):
        table.add_row(*(shown(cell) for cell in cells))
    return table
