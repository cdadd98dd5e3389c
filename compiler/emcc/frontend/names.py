"""Names that a model may not have: those that would need escaping wherever they are written.

Everything that emcc writes escapes names all the same; this is so that no name has to be trusted to be escaped by
whatever reads the artefact next. Names that exporters make ("/fc/Gemm_output_0", "dense/kernel:0") are all legal. A
double quote is what one gets where a dictionary is an output's name: it is written as "_". Any other fault, and a quote
with what ends a statement or calls a system task behind it, is refused.
"""

from collections.abc import Mapping
from pathlib import Path

import onnx

from emcc.base.errors import EmccError
from emcc.frontend.refusal import quoted

QUOTE = '"'
REFUSED = "<`\\"
STATEMENT = frozenset(";$")
SHOWN = 8
LONGEST = 1024


def rename(graph: onnx.GraphProto) -> Mapping[str, str]:
    """Give names with quotes others, in the graph as it stands; return those, by what they were.

    Graphs within nodes keep theirs, and so does all of a graph that has such: names mean what stands around them there.
    """
    names = _names(graph)
    faults = [name for name in names if QUOTE in name and not _fault(name)]
    attributes = [attribute for node in graph.node for attribute in node.attribute]
    if not faults or any(attribute.HasField("g") or attribute.graphs for attribute in attributes):
        return {}
    taken, renamed = set(names), dict[str, str]()
    for name in faults:
        renamed[name] = _free(name.replace(QUOTE, "_"), taken)
        taken.add(renamed[name])
    graph.name = renamed.get(graph.name, graph.name)
    for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.name = renamed.get(node.name, node.name)
        for items in (node.input, node.output):
            items[:] = [renamed.get(name, name) for name in items]
    return renamed


def _free(name: str, taken: set[str]) -> str:
    """Return the name, with a number behind it where it is taken."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def names_problem(graph: onnx.GraphProto, path: Path) -> EmccError | None:
    """Return the error for the names of a model that are refused, or None."""
    faults = {name: why for name in _names(graph) if (why := _fault(name) or _quote(name))}
    if not faults:
        return None
    details = [f"{quoted(name)} {why}" for name, why in list(faults.items())[:SHOWN]]
    details += [f"and {len(faults) - SHOWN} more"] * (len(faults) > SHOWN)
    return EmccError(
        f"{len(faults)} name{'s' if len(faults) > 1 else ''} that cannot be written into Verilog, HTML or a path: "
        + "; ".join(details),
        file=path,
        hint="rename the nodes and tensors",
    )


def _names(graph: onnx.GraphProto) -> list[str]:
    names = [graph.name]
    names += [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    for node in graph.node:
        names += [node.name, *node.input, *node.output]
    return list(dict.fromkeys(names))


def _quote(name: str) -> str:
    return f"has {QUOTE} in it" if QUOTE in name else ""


def _fault(name: str) -> str:
    """Return the fault of a name that no other name mends, or ""."""
    if STATEMENT & set(name) and (fault := _quote(name)):
        return fault
    for char in name:
        if char in REFUSED:
            return f"has {char} in it"
        if not char.isprintable():
            return "has a control character in it"
    if ".." in name.split("/"):
        return "climbs out of a folder"
    return "is too long" if len(name) > LONGEST else ""
