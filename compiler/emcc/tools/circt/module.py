"""A model's top function in C as a module in MLIR: one function over the memories x and y."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from emcc.tools.circt.blocks import Blocks
from emcc.tools.circt.declared import Declared, number
from emcc.tools.circt.source import parsed
from emcc.tools.circt.statements import Statements
from emcc.tools.circt.unread import kind_of_node, unread
from emcc.tools.circt.values import INT, Array

TOP = "emcc_hls"
TABLE_PORTS = '{argNames = ["at", "go"], resNames = ["value", "done"]}'


@dataclass(frozen=True)
class Module:
    """A function as CIRCT takes it.

    Attributes:
        text: in func, cf, arith and memref; `@TOP` is the function, tables are functions that are not there.
        x, y: what goes in and what comes out. tables: the numbers of those functions.
        choices: where it goes on in one of two blocks; every loop is one.
    """

    text: str
    x: Array
    y: Array
    tables: tuple[Array, ...]
    choices: int


def module(files: Mapping[str, bytes], name: str, function: str) -> Module:
    """Read a top function of two arrays, x and y, in one of some files.

    Raises:
        EmccError: it has a construct that is not carried; no C compiler or pycparser.
    """
    declared = Declared(parsed(files, name))
    top, blocks = declared.functions[function], Blocks()
    ports = [_port(declared, parameter) for parameter in top.decl.type.args.params]
    if [port.name for port in ports] != ["x", "y"]:
        raise unread("a top function of other arguments than x and y (a model with parts that the host computes)")
    Statements(declared, blocks).ran(top.body, {port.name: port for port in ports})
    x, y = ports
    several = sum(f"%{x.name}[" in line for line in blocks.lines) > 1
    kept = replace(x, name="x_kept")
    body = [*_copied(x, kept), *(line.replace("%x[", "%x_kept[") for line in blocks.lines)] if several else blocks.lines
    tables = tuple(blocks.tables[name] for name in sorted(blocks.tables))
    inner = [blocks.memories[name] for name in sorted(blocks.memories) if name not in ("x", "y")]
    inner += [kept] if several else []
    lines = [
        "module {",
        *(f"func.func private @{t.name}(i32) -> {t.kind} attributes {TABLE_PORTS}" for t in tables),
        f"func.func @{TOP}({', '.join(f'%{port.name}: {_type(port)}' for port in ports)})",
        '  attributes {argNames = ["x", "y", "go"], resNames = ["done"]} {',
        *(f"  %{memory.name} = memref.alloc() : {_type(memory)}" for memory in inner),
        *body,
        "  return",
        "}",
        "}",
    ]
    return Module("\n".join(lines) + "\n", x, y, tables, sum("cf.cond_br" in line for line in blocks.lines))


def _copied(x: Array, kept: Array) -> list[str]:
    """Return what copies x: handshake-lower-extmem-to-hw fails where a memory outside is read in two places."""
    return [
        f"  {line}"
        for line in (
            *("%x_first = arith.constant 0 : i32", "cf.br ^x_head(%x_first: i32)", "^x_head(%x_at: i32):"),
            f"%x_end = arith.constant {x.size} : i32",
            *("%x_more = arith.cmpi slt, %x_at, %x_end : i32", "cf.cond_br %x_more, ^x_body, ^x_done", "^x_body:"),
            "%x_place = arith.index_cast %x_at : i32 to index",
            f"%x_value = memref.load %x[%x_place] : {_type(x)}",
            f"memref.store %x_value, %{kept.name}[%x_place] : {_type(kept)}",
            *("%x_one = arith.constant 1 : i32", "%x_next = arith.addi %x_at, %x_one : i32"),
            *("cf.br ^x_head(%x_next: i32)", "^x_done:"),
        )
    ]


def _port(declared: Declared, parameter: Any) -> Array:
    """Return a parameter; one that is no array has no name."""
    kind = declared.kind(parameter.type.type) if kind_of_node(parameter.type) == "ArrayDecl" else None
    return Array("", INT, 0) if kind is None else Array(parameter.name, kind, number(parameter.type.dim))


def _type(array: Array) -> str:
    return f"memref<{max(2, array.size)}x{array.kind}>"
