"""From MLIR to SystemVerilog, as a program of its own: where a pass of the wheel fails it may take its process with it.

flow.py FROM TO [BUFFERS]: the file FROM, tables as {name: [numbers]} in FROM.json, the file TO; "cycles" or "all".
It imports nothing of emcc.
"""

import json
import re
import sys
from pathlib import Path

import circt
from circt.ir import Context, Location, Module, StringAttr
from circt.passmanager import PassManager

WAKE = (
    ("", "lower-handshake-to-dc"),
    ("func.func @f() { return }", "func.func(convert-affine-to-loopschedule)"),
)
"""The parser knows func only after the first of these passes has run, and arith, cf and memref after the second."""

BUFFERED = "handshake.func(handshake-materialize-forks-sinks,handshake-insert-buffers{{strategy={}}})"
TO_HANDSHAKE = ("lower-cf-to-handshake", "handshake-lower-extmem-to-hw", "canonicalize")
TO_HARDWARE = (
    *(BUFFERED, "lower-handshake-to-hw"),
    *("canonicalize", "hw.module(lower-seq-hlmem)", "lower-esi-types", "lower-esi-ports", "lower-esi-to-hw"),
)
TO_VERILOG = ("canonicalize", "cse", "lower-seq-to-sv", "canonicalize", "hw.module(prettify-verilog)")
TABLE = """hw.module @{name}({ports}) {{
  %all = hw.aggregate_constant [{numbers}] : !hw.array<{size}x{kind}>
  %place = comb.extract %at from 0 : (i32) -> i{bits}
  %read = hw.array_get %all[%place] : !hw.array<{size}x{kind}>, i{bits}
  %asked = comb.and %at_valid, %go_valid : i1
  %taken = comb.and %asked, %value_ready : i1
  %nothing = hw.constant 0 : i0
  hw.output %taken, %taken, %read, %asked, %nothing, %taken : i1, i1, {kind}, i1, i0, i1
}}"""
"""A table: handshake has no constant memories, so it is a function that is not there until it is this."""


def run(module: Module, *passes: str) -> Module:
    """Run passes, in order, on a module."""
    PassManager.parse(f"builtin.module({','.join(passes)})").run(module.operation)
    return module


def held(text: str) -> str:
    """Put a register behind each read of a memory that is written too.

    Such a memory answers as long as it is asked, with what is there then. Without a register a write by a choice that
    the answer made changes the answer, and by it the choice, before all that wait for the choice have taken it.
    """
    memories = re.findall(r"%(\w+):\d+ = memory\[ld = (\d+), st = [1-9]\d*\].* -> \((.*)\)", text)
    for name, reads, types in memories:
        for place, kind in zip(range(int(reads)), types.split(", "), strict=False):
            was, now = f"%{name}#{place}", f"%held_{name}_{place}"
            line = f"{now} = buffer [1] seq {was} : {kind}\n    "
            text = re.sub(rf"(%\w+, %\w+ = load \[%[\w#]+\] ){was}(?=,)", rf"{line}\g<1>{now}", text)
    return text


def filled(text: str, tables: dict[str, list[int]]) -> str:
    """Put tables in the place of the functions that are not there."""

    def table(found: re.Match[str]) -> str:
        numbers, kind = tables[found["name"]], re.search(r"out value : (i\d+)", found["ports"])
        assert kind is not None
        numbers += [0] * (2 - len(numbers))
        return TABLE.format(
            **found.groupdict(),
            kind=kind[1],
            size=len(numbers),
            bits=(len(numbers) - 1).bit_length(),
            numbers=", ".join(f"{number} : {kind[1]}" for number in reversed(numbers)),
        )

    return re.sub(r"hw\.module\.extern @(?P<name>\w+)\((?P<ports>.*)\)", table, text)


def main(source: str, target: str, buffers: str = "cycles") -> None:
    """Do it."""
    with Context() as context, Location.unknown():
        circt.register_dialects(context)
        for text, name in WAKE:
            run(Module.parse(text), name)
        module = run(Module.parse(Path(source).read_text("utf-8")), *TO_HANDSHAKE)
        module = run(Module.parse(held(str(module))), *(name.format(buffers) for name in TO_HARDWARE))
        tables = json.loads(Path(f"{source}.json").read_text("utf-8"))
        module = run(Module.parse(filled(str(module), tables)), *TO_VERILOG)
        module.operation.attributes["circt.loweringOptions"] = StringAttr.get("locationInfoStyle=none")
        with Path(target).open("w", encoding="utf-8") as file:
            circt.export_verilog(module, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
