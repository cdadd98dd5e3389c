"""Rows of benchmarks/cnn.py as markdown, and what is wrong with them."""

from collections.abc import Iterator, Mapping
from typing import Any

from emcc.base.text import printable

GOALS = {"squeezenet": 6_000_000, "ic": 230_000, "kws": 60_000, "vww": 130_000, "ad": 6_500}
"""Cycles that a network may take, MLPerf Tiny's at 8 bits."""
SAME = 0.999
"""Cosine similarity with float logits that SqueezeNet must keep at 16 bits."""

HEAD = (
    "network",
    "bits",
    "PEs",
    "groups",
    "weights kept",
    "cycles",
    "predicted",
    "ideal",
    "utilisation",
    "dense",
    "wrong integers",
    "answers",
)
LAYER_HEAD = ("layer", "what", "cycles", "ideal", "utilisation", "why")


def show(rows: Mapping[str, Any]) -> str:
    """Return the table of networks, and one of layers for each: of 8 bits, where there are both."""
    parts = [_table(HEAD, [_network(name, row) for name, row in rows.items() if "cycles" in row])]
    parts += [f"{name} at {row['bits']} bits by the reference: {_answers(row)}" for name, row in _judged(rows)]
    for name, row in rows.items():
        if "layers" in row and not name.endswith("/16"):
            parts.append(
                f"{name}, {row['bits']} bits:\n\n" + _table(LAYER_HEAD, [_layer(one) for one in row["layers"]])
            )
    return "\n\n".join(parts)


def _judged(rows: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, row in rows.items():
        for own in (row, row.get("at_8_bits", {})):
            if "bits" in own and "cycles" not in own:
                yield name, own


def _table(head: tuple[str, ...], rows: list[list[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _network(name: str, row: Mapping[str, Any]) -> list[str]:
    share = f"{row['kept'] / row['weights']:.1%}"
    cells = [name, str(row["bits"]), str(row["pes"]), str(row["groups"]), share]
    cells += [f"{row[key]:,}" for key in ("cycles", "predicted", "ideal")]
    return [*cells, f"{row['ideal'] / row['cycles']:.3f}", f"{row['dense']:,}", str(row["mismatches"]), _answers(row)]


def _answers(row: Mapping[str, Any]) -> str:
    if "reconstruction" in row:
        return f"error {row['reconstruction']:.2f}, the file's {row['reconstruction_of_file']:.2f}"
    text = f"{row['top1_same']} of {row['of']} as in floats, similarity at least {row['cosine_min']:.4f}"
    return f"{row['right']} of {row['of']} right, the file {row['right_of_file']}" if "right" in row else text


def _layer(row: Mapping[str, Any]) -> list[str]:
    name = printable(row["name"]).split(";")[0].replace("|", "/")[-40:]
    cells = [name, row["kind"], f"{row['cycles']:,}", f"{row['ideal']:,}", f"{row['utilisation']:.2f}"]
    return [*cells, row.get("reason", "")]


def faults(rows: Mapping[str, Any]) -> list[str]:
    """Return what must not be, a line each."""
    return [f"{name}: {fault}" for name, row in rows.items() for fault in _faults(name, row)]


def _faults(name: str, row: Mapping[str, Any]) -> Iterator[str]:
    goal = GOALS.get(name.split("/")[0])
    if "cycles" in row:
        if row["mismatches"] or row["cycle_mismatches"]:
            yield f"{row['mismatches']} wrong integers, {row['cycle_mismatches']} wrong cycle counts"
        if goal and not name.endswith("/16") and row["cycles"] > goal:
            yield f"{row['cycles']:,} cycles, more than {goal:,}"
    if name == "squeezenet" and "of" in row and (row["top1_same"] < row["of"] or row["cosine_min"] < SAME):
        yield f"not the file's answers: {_answers(row)}"
    if "right" in row and row["right"] < row["right_of_file"] - 0.005 * row["of"]:
        yield f"{row['right']} right, the file {row['right_of_file']}, of {row['of']}"
    if "reconstruction" in row and row["reconstruction"] > 1.03 * row["reconstruction_of_file"]:
        yield f"rebuilds with {_answers(row)}"
    if any(not vector["same"] for vector in row.get("vectors", ())):
        yield "a test vector's class is another"
