"""Graph <-> the bytes of a model.emc. docs/format.md is the specification."""

from emcc.base.errors import EmccError
from emcc.container import chain, shared
from emcc.container.bits import FormatError
from emcc.container.budget import Budget
from emcc.container.file import frame, reading, unframe
from emcc.container.general import General
from emcc.container.matrices import CODINGS
from emcc.container.skeleton import Skeleton
from emcc.ir.graph import Graph


def encode(graph: Graph, *, coding: str = "auto") -> bytes:
    """The file.

    Args:
        graph: as the quantise pass leaves it, or any whose weights have codebooks, as the share pass leaves it;
            anything else is a ValueError.
        coding: "huffman", with which hardware can read all sections; "range", usually smaller and ten times slower;
            "auto", the smaller of both, layer by layer, and "huffman" for large layers (`matrices.AUTO_LIMIT`).
    """
    if coding not in CODINGS:
        raise ValueError(f"no coding {coding!r}")
    head: Skeleton | General
    if all(node.op == "QLinear" for node in graph.nodes):
        head, sections = chain.write(graph, coding)
    elif graph.codebooks:
        head, sections = shared.write(graph, coding)
    else:
        raise ValueError("the graph is neither quantised nor has it codebooks")
    data = frame(head, sections)
    try:
        claim(head, Budget(len(data)))
    except FormatError as error:
        raise EmccError(f"the model is too empty to be stored: {error}") from error
    return data


def decode(data: bytes, *, file: object | None = None) -> Graph:
    """The graph, exactly as it was encoded. EmccError, naming the section, where the bytes are not such a file."""
    head, sections = unframe(data, file)
    with reading("header", file):
        claim(head, Budget(len(data)))
    if isinstance(head, General):
        return shared.read(head, sections, file)
    return chain.read(head, sections, file)


def claim(head: Skeleton | General, budget: Budget) -> None:
    """Take what reading will allocate."""
    if isinstance(head, General):
        shared.claim(head, budget)
    else:
        chain.claim(head, budget)
