"""The header of a graph."""

from emcc import ops
from emcc.container.arrays import DTYPES
from emcc.container.header.values import LETTERS, MOST_DIMENSIONS, Constant, Header
from emcc.ir.affine import sound
from emcc.ir.codebook import CODE_WIDTHS, IDENTITY_WIDTHS
from emcc.ir.graph import Array, Graph


def header_of(graph: Graph) -> Header:
    """The header of a graph. ValueError if it is none."""
    used = [name for node in graph.nodes for name in node.inputs if name in graph.constants]
    names = list(dict.fromkeys([*used, *sorted(graph.constants)]))
    books, constants = _codebooks(graph, names), []
    for name in names:
        dtype, shape = str(graph.constants[name].dtype), graph.constants[name].shape
        if dtype not in DTYPES:
            raise ValueError(f"constant {name!r} is {dtype}")
        code_w, book = books.get(name, (0, -1))
        constants.append(Constant(name, dtype, shape, code_w, book, _blocks(graph, name)))
    made = [*graph.inputs, *(name for node in graph.nodes for name in node.outputs)]
    tensors = {name: graph.tensors[name] for name in dict.fromkeys([*made, *sorted(graph.tensors)])}
    if not {name for node in graph.nodes for name in node.inputs} | {*graph.outputs} <= {*tensors, *names, ""}:
        raise ValueError("a node or an output refers to what is not there")
    if set(tensors) & set(names) or "" in {*tensors, *names} or not {*graph.codebooks, *graph.blocks} <= set(names):
        raise ValueError("a name is empty, or a tensor's and a constant's, or a codebook is no constant's")
    if not all(name in tensors and sound(affine, tensors[name].features) for name, affine in graph.affines.items()):
        raise ValueError("an affine is no tensor's, or of another size")
    if any(tensor.dtype not in DTYPES for tensor in tensors.values()):
        raise ValueError("a tensor is of no known dtype")
    shapes = [*(constant.shape for constant in constants), *(tensor.shape for tensor in tensors.values())]
    if any(len(shape) > MOST_DIMENSIONS for shape in shapes):
        raise ValueError(f"a shape has more than {MOST_DIMENSIONS} dimensions")
    if sum(map(len, names)) > LETTERS:
        raise ValueError(f"the names of constants have more than {LETTERS} letters")
    affines = {name: (each.scale.size, each.offset.size, each.norm) for name, each in graph.affines.items()}
    ends = (graph.inputs, graph.outputs, tensors, tuple(constants), graph.nodes, graph.host)
    return Header(graph.name, *ends, {name: affines[name] for name in tensors if name in affines})


def _codebooks(graph: Graph, names: list[str]) -> dict[str, tuple[int, int]]:
    """(code width, the constant that is the codebook or -1) of every constant that is coded.

    Those are weights with a codebook of the graph, and codes: the inputs that an operator's entry calls "k".
    """
    books = {name: (book.code_w, -1) for name, book in graph.codebooks.items()}
    books |= {name: (blocks.code_w, -1) for name, blocks in graph.blocks.items()}
    for name in books:
        if graph.constants[name].dtype != "float32" or graph.constants[name].ndim < 2:
            raise ValueError(f"the weights {name!r} are {graph.constants[name].dtype}")
    uses: dict[str, set[tuple[int, str]]] = {}
    for node in graph.nodes:
        letters = ops.get(node.op).inputs if ops.traits(node.op) else ""
        for i, name in enumerate(node.inputs):
            is_codes = letters[i : i + 1] == "k" and name in graph.constants
            book = (*node.inputs, "")[i + 1]
            uses.setdefault(name, set()).add((node.attrs.get("code_w", 0), book) if is_codes else (0, ""))
    for name, ways in uses.items():
        ((code_w, book),) = ways if len(ways) == 1 else ((0, ""),)
        if code_w in CODE_WIDTHS and _fits(graph.constants[name], graph.constants.get(book), code_w):
            books[name] = code_w, names.index(book)
        elif code_w in IDENTITY_WIDTHS and not book and _is_weights(graph.constants[name], code_w):
            books[name] = code_w, names.index(name)
    return books


def _blocks(graph: Graph, name: str) -> tuple[int, ...]:
    """The weights of a block, sub-vectors of a codebook and codebooks; () of what has none."""
    if name not in graph.blocks:
        return ()
    books, entries, block = graph.blocks[name].values.shape
    return block, entries, books


def _is_weights(codes: Array, code_w: int) -> bool:
    """Whether codes without a codebook can be coded."""
    return codes.dtype == f"int{code_w}" and codes.ndim >= 2 and bool(codes.size)


def _fits(codes: Array, book: Array | None, code_w: int) -> bool:
    """Whether codes can be coded with a codebook."""
    if book is None or codes.dtype != "uint8" or codes.ndim < 2 or not codes.size:
        return False
    return book.dtype == "int64" and book.ndim == 1 and int(codes.max()) < min(book.size, 1 << code_w)
