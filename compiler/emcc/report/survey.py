"""What `emcc inspect MODEL` prints: for each node whether it is supported, why not, and what to change."""

from dataclasses import asdict
from typing import Any

from rich import box
from rich.table import Table

from emcc.base.text import printable
from emcc.frontend.report import Survey
from emcc.report.summary import console, shown

RENAMED = 8
"""Names that are shown of those that are written otherwise."""


def print_survey(survey: Survey) -> None:
    """Print the model's facts, a row a node, and the verdict on stdout."""
    out = console()
    facts = survey.facts
    producer = f", by {printable(facts.producer)}" if facts.producer else ""
    parameters = f"{facts.parameters:,} parameters, {facts.size:,} bytes"
    name = printable(facts.name) or "unnamed"
    out.print(shown(f"{name}: opset {facts.opset}, {facts.nodes} nodes, {parameters}{producer}"))
    for kind, values in (("input", facts.inputs), ("output", facts.outputs)):
        for name, dtype, axes in values:
            shape = ", ".join(printable(str(axis)) for axis in axes)
            out.print(shown(f"{kind} {printable(name)}: {printable(dtype)} [{shape}]"))
    if facts.taken:
        out.print(shown(f"taken as the output: {printable(facts.taken)}"))
    for name, new in list(facts.renamed.items())[:RENAMED]:
        out.print(shown(f"called {new!r} here: {printable(name)}"))
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("node", "operator", "supported", "why", "what to change"):
        table.add_column(title)
    for row in survey:
        answer, style = ("yes", "") if row.supported else ("NO", "red")
        cells = (row.name, row.op, answer, row.reason, row.hint)
        table.add_row(*(shown(printable(cell, 500)) for cell in cells), style=style)
    out.print(table)
    for problem in facts.problems:
        out.print(shown(f"problem: {problem}"))
    refused = sum(not row.supported for row in survey)
    if survey.supported:
        out.print(shown("supported: `emcc compile` takes this model"))
    elif refused:
        out.print(shown(f"NOT supported: {refused} of {len(survey)} nodes"))
    else:
        out.print(shown("NOT supported"))


def as_values(survey: Survey) -> dict[str, Any]:
    """Return the survey as JSON values."""
    return {
        "supported": survey.supported,
        "model": asdict(survey.facts),
        "nodes": [asdict(row) for row in survey],
    }
