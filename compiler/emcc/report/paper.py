"""The tables of Deep Compression (Han et al., ICLR 2016, tables 2 to 4) for one's own model, out of a manifest."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from emcc.errors import printable
from emcc.report.lines import kilo, percent
from emcc.report.summary import console


def print_compressed(manifest: Mapping[str, Any], folder: str) -> None:
    """The table and what is to be said about it, on stdout."""
    out = console()
    total, search = manifest["totals"], manifest.get("search")
    out.print(Text(f"{folder}: {printable(manifest['model']['file'])}, compressed"))
    out.print(paper_table(manifest))
    lines = [
        f"size: {total['bytes']:,} bytes (model.emc; {total['header_bytes']:,} of them header and checksums) against "
        f"{total['dense_bytes']:,} bytes of float32 weights and biases: {total['compression']:.1f}x smaller",
    ]
    if not search:
        exact = sum(row["inertia"] == 0 for row in manifest["layers"])
        lines.append(
            f"weights kept: the zero pattern stays; exactly as they were in {exact} of {len(manifest['layers'])} layers"
        )
    else:
        lines += _searched(manifest, search)
    for line in lines:
        out.print(Text(line))


def _searched(manifest: Mapping[str, Any], search: Mapping[str, Any]) -> list[str]:
    """What the search measured."""
    return [
        f"{search['measure']} on {search['held_out']:,} held-out samples of {printable(manifest['data']['file'])}: "
        f"{search['quality_before']:.2f} % before, {search['quality']:.2f} % after; "
        f"same as the original on {search['agreement']:.2f} %",
        f"trained on the other {search['trained_on']:,} samples; weights ranked by {search['score']}",
    ]


def paper_table(manifest: Mapping[str, Any]) -> Table:
    """A row a layer, as in the paper; coded bits are of a kept weight."""
    rows, total = manifest["layers"], manifest["totals"]
    table = Table(box=box.SIMPLE_HEAD, show_footer=True)
    columns = [
        ("layer", [printable(row["name"], 40) for row in rows], "total"),
        ("weights", [kilo_count(row["weights"]) for row in rows], kilo_count(total["weights"])),
        ("weights\nkept", [percent(row["density"]) for row in rows], percent(total["kept"] / total["weights"])),
        ("entries", [str(row["entries"]) for row in rows], ""),
        ("code\nbits", [str(row["code_bits"]) for row in rows], ""),
        ("coded", [f"{row['code_bits_coded']:.2f}" for row in rows], ""),
        ("run\nbits", [str(row["run_bits"]) for row in rows], ""),
        ("coded", [f"{row['run_bits_coded']:.2f}" for row in rows], ""),
        ("bias\nbytes", [str(row["bias_bytes"]) for row in rows], str(sum(row["bias_bytes"] for row in rows))),
        ("size", [kilo(row["bytes"]) for row in rows], kilo(total["bytes"])),
        (
            "of\nfloat32",
            [percent(row["bytes"] / (4 * (row["weights"] + row["biases"]))) for row in rows],
            percent(total["bytes"] / total["dense_bytes"]),
        ),
    ]
    for index, (title, _, footer) in enumerate(columns):
        table.add_column(title, footer=Text(footer), justify="left" if index == 0 else "right")
    for cells in zip(*(column[1] for column in columns), strict=True):
        table.add_row(*(Text(cell) for cell in cells))
    return table


def kilo_count(count: int) -> str:
    """1234 -> 1.2K, as in the paper."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}K" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"
