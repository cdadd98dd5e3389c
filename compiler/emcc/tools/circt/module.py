"""A model's top function in C as a module in MLIR: one function over the memories x and y."""

from collections.abc import Mapping
from dataclasses import dataclass

from emcc.tools.circt.blocks import Blocks
from emcc.tools.circt.declared import Declared, number
from emcc.tools.circt.source import parsed
from emcc.tools.circt.statements import Statements
from emcc.tools.circt.unread import unread
from emcc.tools.circt.values import Array, Kind

TOP = "emcc_hls"
TABLE_PORTS = '{argNames = ["at", "go"], resNames = ["value", "done"]}'


@dataclass(frozen=True)
class Module:
    """A function as CIRCT takes it.

    Attributes:
        text: in func, cf, arith and memref; `@TOP` is the function, tables are functions that are not there.
        x, y: what goes in and what comes out. tables: the numbers of those functions.
        loops: blocks that are jumped back to.
    """

    text: str
    x: Array
    y: Array
    tables: tuple[Array, ...]
    loops: int


def module(files: Mapping[str, bytes], name: str, function: str) -> Module:
    """Read a top function of two arrays, x and y, in one of some files.

    Raises:
        EmccError: it has a construct that is not carried; no C compiler or pycparser.
    """
    declared = Declared(parsed(files, name))
    top, blocks = declared.functions[function], Blocks()
    ports = [_port(declared, parameter) for parameter in top.decl.type.args.params]
    if [port.name for port in ports] != ["x", "y"]:
        raise unread("a top function of other arguments than x and y: a model with parts that the host computes")
    Statements(declared, blocks).ran(top.body, {port.name: port for port in ports})
    tables = tuple(blocks.tables[name] for name in sorted(blocks.tables))
    inner = [blocks.memories[name] for name in sorted(blocks.memories) if name not in ("x", "y")]
    lines = [
        "module {",
        *(f"func.func private @{t.name}(i32) -> {t.kind} attributes {TABLE_PORTS}" for t in tables),
        f"func.func @{TOP}({', '.join(f'%{port.name}: {_type(port)}' for port in ports)})",
        '  attributes {argNames = ["x", "y", "go"], resNames = ["done"]} {',
        *(f"  %{memory.name} = memref.alloc() : {_type(memory)}" for memory in inner),
        *blocks.lines,
        "  return",
        "}",
        "}",
    ]
    return Module("\n".join(lines) + "\n", *ports, tables, sum("cf.cond_br" in line for line in blocks.lines))


def _port(declared: Declared, parameter: object) -> Array:
    kind: Kind | None = declared.kind(parameter.type.type)  # type: ignore[attr-defined]
    if kind is None:
        return Array("", Kind(1, False), 0)
    return Array(parameter.name, kind, number(parameter.type.dim))  # type: ignore[attr-defined]


def _type(array: Array) -> str:
    return f"memref<{max(2, array.size)}x{array.kind}>"
