"""Names that a model may not have: those that would need escaping wherever they are written.

Everything that emcc writes escapes names all the same; this is so that no name has to be trusted to be escaped by
whatever reads the artefact next. Names that exporters make ("/fc/Gemm_output_0", "dense/kernel:0") are all legal.
"""

from pathlib import Path

import onnx

from emcc.base.errors import EmccError
from emcc.frontend.refusal import quoted

REFUSED = '"<`\\'
SHOWN = 8
LONGEST = 1024


def names_problem(graph: onnx.GraphProto, path: Path) -> EmccError | None:
    """Return the error for the names of a model that are refused, or None."""
    faults = {name: why for name in _names(graph) if (why := _fault(name))}
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


def _fault(name: str) -> str:
    """Return the fault of a name, or ""."""
    for char in name:
        if char in REFUSED:
            return f"has {char} in it"
        if not char.isprintable():
            return "has a control character in it"
    if ".." in name.split("/"):
        return "climbs out of a folder"
    return "is too long" if len(name) > LONGEST else ""
