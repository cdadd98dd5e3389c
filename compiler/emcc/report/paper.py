"""The tables of Deep Compression (Han et al., ICLR 2016, tables 2 to 4) for one's own model, out of a manifest."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from emcc.base.text import printable
from emcc.report.lines import bits_line, kilo, lost_line, percent, than, worth
from emcc.report.summary import console, print_tried, shown, table_of

TITLES = {"huffman": "Huffman", "range": "range coder"}


def print_compressed(manifest: Mapping[str, Any], folder: str, out: Console | None = None) -> None:
    """Print the table and its notes on stdout, or where `out` writes."""
    out = out or console()
    search = manifest.get("search")
    lost = lost_line(manifest)
    if lost:
        out.print(shown(lost, style="bold red"))
    out.print(shown(f"{folder}: {printable(manifest['model']['file'])}, compressed"))
    out.print(paper_table(manifest))
    lines = [parts(manifest), *before_lines(manifest)]
    if not search and "finetune" not in manifest.get("options", {}).get("passes", {}):
        exact = sum(row["inertia"] == 0 for row in manifest["layers"])
        lines.append(
            f"weights kept: the zero pattern stays; exactly as they were in {exact} of {len(manifest['layers'])} layers"
        )
    elif search:
        lines += _searched(manifest, search)
    else:
        lines.append("by the recipe's fixed schedule: no goal was held")
    lines += bits_line(manifest)
    if "quality" in manifest:
        lines += worth(manifest["quality"], manifest)
    for line in lines:
        out.print(shown(line))
    print_tried(manifest, out)
    for warning in manifest.get("warnings", ()):
        out.print(shown(f"warning: {warning}", style="yellow"))


def _searched(manifest: Mapping[str, Any], search: Mapping[str, Any]) -> list[str]:
    """Return sentences on what the search measured."""
    judging = manifest.get("validation") or manifest["data"]
    what = "nothing more" if "teacher" in manifest else "nothing"
    trained = f"{what} was trained: zero pattern and weights stay, but for their codebooks"
    if "score" in search:
        trained = f"trained on the other {search['trained_on']:,} samples; weights ranked by {search['score']}"
    return [
        f"{search['measure']} on {search['held_out']:,} samples of {printable(judging['file'])}: "
        f"{search['quality_before']:.2f} % before, {search['quality']:.2f} % after, in 19 cases of 20 at most "
        f"{max(search['lost_at_most'], 0):.2f} points lost; agreement with the original {search['agreement']:.2f} %",
        trained,
    ]


def before_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Return sentences on what was done before weights went: what a student learned, where activations are signs."""
    said = [taught_line(manifest)] if "teacher" in manifest else []
    signs = manifest.get("signs")
    if signs is not None:
        names = ", ".join(printable(name, 40) for name in signs["layers"])
        said.append(f"signs behind {names}: {signs['activations']:,} activations a sample, of 1 bit each")
    return said


def taught_line(manifest: Mapping[str, Any]) -> str:
    """Say what the student of a teacher learned, and how much larger the teacher is than the file."""
    teacher = manifest["teacher"]
    said = teacher["student"]
    names = f", {printable(said['features'][0], 40)} first" if "features" in said else ""
    return (
        f"student of {printable(teacher['file'])} ({teacher['parameters']:,} parameters, "
        f"{than(smaller_than_teacher(manifest), 'larger than', 'smaller than')} model.emc){names}: {said['measure']} "
        f"{said['before']:.2f} % before it learned, {said['quality']:.2f} % after, its teacher's "
        f"{said['teacher']:.2f} %"
    )


def smaller_than_teacher(manifest: Mapping[str, Any]) -> float:
    """Return how many times the teacher's float32 parameters are as large as model.emc."""
    return float(4 * manifest["teacher"]["parameters"] / manifest["totals"]["bytes"])


def print_paper(manifest: Mapping[str, Any]) -> None:
    """Print the table alone, for a model that was compiled."""
    out = console()
    out.print(shown("weights, coded, as in the tables of Deep Compression (Han et al. 2016):"))
    out.print(paper_table(manifest["compression"]))
    out.print(shown(parts(manifest["compression"])))


def parts(table: Mapping[str, Any]) -> str:
    """Return a sentence on the parts of model.emc, in bytes."""
    rows, total = table["layers"], table["totals"]
    books, biases = (sum(row[key] for row in rows) for key in ("codebook_bytes", "bias_bytes"))
    made = f"{total['made_bytes']:,} matrices of what is no layer, " if total.get("made_bytes") else ""
    return (
        f"model.emc: {total['bytes']:,} bytes, of them {books:,} codebooks, {biases:,} biases, {made}"
        f"{total['header_bytes']:,} header and checksums; {than(total['compression'], 'smaller', 'larger')} than "
        f"{total['dense_bytes']:,} bytes of float32 weights and biases"
    )


def paper_table(table: Mapping[str, Any]) -> Table:
    """Return a row a layer, as in the paper; coded bits are of a kept weight.

    Under each coder: what codes and positions take, and how much more that is than the entropy of the coder's model.
    """
    rows, total = table["layers"], table["totals"]
    columns = [
        ("layer", [printable(row["name"], 40) for row in rows], "total"),
        ("weights", [kilo_count(row["weights"]) for row in rows], kilo_count(total["weights"])),
        ("kept", [percent(row["density"]) for row in rows], percent(total["kept"] / max(1, total["weights"]))),
        ("entries", [str(row["entries"]) for row in rows], ""),
        ("code\nbits", [str(row["code_bits"]) for row in rows], ""),
        ("coded", [f"{row['code_bits_coded']:.2f}" for row in rows], ""),
        ("run\nbits", [str(row["run_bits"] or "") for row in rows], ""),
        ("coded", [f"{row['run_bits_coded']:.2f}" for row in rows], ""),
        ("size", [kilo(row["bytes"]) for row in rows], kilo(total["bytes"])),
        (
            "of\nfloat32",
            [percent(row["bytes"] / (4 * (row["weights"] + row["biases"]))) for row in rows],
            percent(total["bytes"] / total["dense_bytes"]) if total["dense_bytes"] else "",
        ),
    ]
    for coder, title in TITLES.items():
        costs = [part["coders"].get(coder) for part in (total, *rows)]
        if None not in costs:
            columns.append((f"{title}\nover entropy", [over(cost) for cost in costs[1:]], over(costs[0])))
    return table_of(columns, {"overflow": "fold"}, {"justify": "right", "no_wrap": True}, padding=(0, 1, 0, 0))


CODERS = {
    "huffman": "Huffman",
    "shannon-fano": "Shannon-Fano",
    "ans": "ANS",
    "zlib": "zlib",
    "zstd": "zstd",
    "range": "range coder",
}


def print_coders(compared: Mapping[str, Any], out: Console | None = None) -> None:
    """Print what each coder takes for the same symbols, of `measure.coders`, and what is not tried on large models."""
    out, totals = out or console(), compared["totals"]
    rows = compared["layers"]
    columns = [("layer", [printable(row["name"], 40) for row in rows], "total")]
    columns.append(("symbols", [f"{row['symbols']:,}" for row in rows], f"{sum(row['symbols'] for row in rows):,}"))
    for name, title in CODERS.items():
        if name in totals:
            least = totals["huffman"]
            columns.append((title, [f"{row['bytes'][name]:,}" for row in rows], f"{totals[name]:,}"))
            columns[-1] = (f"{title}\n{percent(totals[name] / max(least, 1) - 1, '+.1%')}", *columns[-1][1:])
    out.print(shown("codes and zero runs by other coders, in bytes, beside Huffman's codes:"))
    out.print(table_of(columns, {"overflow": "fold"}, {"justify": "right", "no_wrap": True}, padding=(0, 1, 0, 0)))
    if compared["limit"]:
        out.print(shown(f"zlib, zstd and the range coder are tried on at most {compared['limit']:,} weights"))


def over(cost: Mapping[str, float]) -> str:
    """Return bytes, and how many more in percent than the entropy of the model: 1.2 kB +0.8 %."""
    if not cost["entropy_bytes"]:
        return kilo(cost["bytes"])
    return f"{kilo(cost['bytes'])} {percent(cost['bytes'] / cost['entropy_bytes'] - 1, '+.1%')}"


def kilo_count(count: int) -> str:
    """Return 1.2K for 1234, as in the paper."""
    if count < 1000:
        return str(count)
    return f"{count / 1000:.1f}K" if count < 1_000_000 else f"{count / 1_000_000:.1f}M"
