"""Which operators of an imported graph the array has no hardware for yet."""

from collections.abc import Iterable
from pathlib import Path

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.ir.graph import Graph
from emcc.ops import Trait

LATER: tuple[Trait, ...] = ("convolution", "pooling", "padding")
JOIN = "joining branches"
PORTS = "several inputs or outputs"
BETWEEN = "work of the host between steps"
ALONE = "a function of its own, after no layer"
SCALES = "a multiplier a row"
CODELESS = "weights without a codebook"
LACKING = ("convolution", "pooling", "padding", JOIN, PORTS, BETWEEN, ALONE, SCALES, CODELESS)
"""All that the array lacks: what nodes of a model (`missing`) and steps of a Program (eie.hardware) are refused for."""

WIDE = CODELESS not in LACKING
"""Whether `emcc compile --keep-weights` may give a layer of more than 256 distinct weights codes of 16 bits."""


def missing(op: str, computed: int, after: Iterable[str] = ()) -> str:
    """What a node that reads so many computed tensors needs and the array has not, or "".

    `after`: the operators that make what it reads; the host runs what is left to it at the end alone.
    """
    traits = ops.traits(op)
    hosted = any("host" in ops.traits(maker) and "grid" not in ops.traits(maker) for maker in after)
    if "hosted" in traits or (hosted and not traits & {"host", "no-op"}):
        return BETWEEN
    return next((trait for trait in LATER if trait in traits), JOIN if computed > 1 else "")


def hint(wanted: Iterable[str]) -> str:
    """What to do about it."""
    needed = set(wanted)
    lacking = [part for part in LACKING if part in needed]
    text = " and ".join([", ".join(lacking[:-1]), lacking[-1]] if len(lacking) > 1 else lacking)
    verb = "runs" if len(lacking) == 1 else "run"
    return f"{text} {verb} on the array in a later version; `emcc compress` works on this model now"


def require_hardware(graph: Graph, file: Path) -> None:
    """EmccError that lists every node of a graph, as loaded, that --target eie cannot compile yet."""
    if len(graph.inputs) > 1 or len(graph.outputs) > 1:
        raise EmccError(
            f"--target eie has no hardware yet for {len(graph.inputs)} inputs and {len(graph.outputs)} outputs",
            file=file,
            hint=f"name one output to take: --output {printable(graph.outputs[0])}; {hint([PORTS])}",
        )
    refused, makers = [], {node.outputs[0]: node.op for node in graph.nodes}
    for node in graph.nodes:
        computed = [name for name in node.inputs if name in graph.tensors]
        wanted = missing(node.op, len(computed), [makers.get(name, "") for name in computed])
        if wanted:
            refused.append((node, wanted))
    if not refused:
        return
    some = f"{len(refused)} of its {len(graph.nodes)} nodes" if len(graph.nodes) > 1 else "its node"
    raise EmccError(
        f"--target eie has no hardware yet for {some}",
        file=file,
        details=[f"{printable(node.name)!r} ({node.op}): {wanted}" for node, wanted in refused],
        hint=hint(wanted for _, wanted in refused),
    )
