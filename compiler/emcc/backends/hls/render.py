"""Program -> the files of c/ and hls/: one kernel library, one model's tables and calls, a test with vectors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emcc.backends.hls.calls import SUMMING, Call
from emcc.backends.hls.context import Context
from emcc.backends.hls.fields import PORT, STEP, Row, typed
from emcc.backends.hls.layout import AFTER, BEFORE
from emcc.backends.hls.names import comment, identifier
from emcc.backends.hls.numbers import Table, held, numbers, tables, types
from emcc.backends.hls.segments import Segment, elements, size_of
from emcc.ir.affine import plain as is_plain
from emcc.ir.graph import Array
from emcc.ir.program import Port, Program
from emcc.resources import folder, template

LIBRARY = ("emcc_kernels.h", "emcc_pragmas.h")
COLUMNS = 16
"""Numbers on a line."""


@dataclass(frozen=True)
class Drawn:
    """A segment as templates have it: elements in and out, what x and y are declared with, lines, what is said."""

    into: int
    out: int
    x_size: int
    y_size: int
    lines: list[str]
    says: list[str]
    call: Callable[[str], str]


class Model:
    """A Program's C, under a name, or what is left of it; `external`: weights are an argument, and a file beside it."""

    def __init__(self, program: Program, name: str, external: bool = False) -> None:
        self.context, self.name = Context(program, external), identifier(name)
        self.title = f"The model {self.name}"

    @property
    def program(self) -> Program:
        """The Program."""
        return self.context.program

    def common(self) -> dict[str, bytes]:
        """Return the library, the model's header, its numbers, and its file."""
        name, facts = self.name, self._facts(top=False)
        structs = {"step": (STEP, [call.row for call in self.context.calls]), "port": (PORT, self.context.ports)}
        config = _rendered(
            "config.h",
            numbers=numbers(self.context),
            types=facts["types"],
            structs={struct: typed(fields, rows) for struct, (fields, rows) in structs.items()},
        )
        body = _rendered(
            "model.c",
            **facts,
            tables=[_drawn(table) for table in tables(self.context)],
            held=held(self.context),
            rows={struct: [_row(fields, row) for row in rows] for struct, (fields, rows) in structs.items()},
        )
        sizes = {"acc_rows": numbers(self.context)["ROWS"], "mem": self.context.layout.depth}
        sizes |= {"act_w": self.program.act_w, "acc_w": self.program.acc_w, "window": self.context.window}
        return {
            **{file: (folder("hls") / file).read_bytes() for file in LIBRARY},
            f"emcc_{name}_config.h": config,
            f"emcc_{name}.h": _rendered("model.h", **facts, **sizes),
            f"emcc_{name}.c": body,
            **self._weights(facts),
        }

    def _weights(self, facts: Mapping[str, Any]) -> dict[str, bytes]:
        """Return the file of external weights, and what reads it."""
        external, name = self.context.external, self.name
        if external is None:
            return {}
        return {f"emcc_{name}_weights.bin": external.file, f"emcc_{name}_read.h": _rendered("read.h", **facts)}

    def library(self, vectors: Sequence[tuple[Array, Array]]) -> dict[str, bytes]:
        """Return the files of c/. `vectors`: a segment each, integers [n, elements] in and out."""
        name, facts = self.name, self._facts(top=False)
        files = {**self.common(), f"emcc_{name}_vectors.h": self._vectors(facts, vectors)}
        floats = self._floats(facts)
        files["test.c"] = _rendered("test.c", **facts, **self._around(top=False))
        sources = ["test.c", f"emcc_{name}.c", *(file for file in floats if file.endswith(".c"))]
        return {
            **files,
            **floats,
            "Makefile": self._makefile("An inference library in C99", "test", sources, files, floats),
        }

    def synthesised(self, vectors: Sequence[tuple[Array, Array]]) -> dict[str, bytes]:
        """Return the files of hls/; arguments as for `library`."""
        name, facts = self.name, self._facts(top=True)
        files = {**self.common(), **self.top(), f"emcc_{name}_vectors.h": self._vectors(facts, vectors)}
        files[f"emcc_{name}_tb.c"] = _rendered("test.c", **facts, **self._around(top=True))
        files["run_hls.tcl"] = _rendered("run_hls.tcl", **facts)
        sources = [f"emcc_{name}_tb.c", f"emcc_{name}_top.c"]
        says = "The test bench in C; run_hls.tcl is what Vitis HLS runs"
        files["Makefile"] = self._makefile(says, "tb", sources, files, {f"emcc_{name}.c": b""})
        return files

    def top(self) -> dict[str, bytes]:
        """Return the top function that hardware is made of."""
        facts = self._facts(top=True)
        return {f"emcc_{self.name}_top.{kind}": _rendered(f"top.{kind}", **facts) for kind in ("c", "h")}

    def engine(self, top: bool) -> bytes:
        """Return the program that runs inferences from standard input to standard output."""
        arguments = 3 if self.context.external is None else 4
        return _rendered("engine.c", **self._facts(top), **self._around(top), arguments=arguments)

    def _around(self, top: bool) -> dict[str, Any]:
        """Return what a file with main includes and declares."""
        name, words = self.name, self._words
        includes = [f"emcc_{name}_top.h" if top else f"emcc_{name}.h", *([f"emcc_{name}_read.h"] if words else [])]
        declared = [] if top else [f"static emcc_{name}_scratch scratch;"]
        declared += [f"static uint32_t outside[{words}];"] if words else []
        return {"includes": includes, "declared": "\n".join(declared)}

    @property
    def _words(self) -> int:
        """How many words of weights come from outside."""
        return len(self.context.external.words) if self.context.external else 0

    def _facts(self, top: bool) -> dict[str, Any]:
        """Return what most templates need; `top`: calls are of the top function of hls/."""
        drawn = self._segments(top)
        into, out = (max(getattr(one, side) for one in drawn) for side in ("into", "out"))
        act = types(self.context)["act"]
        chosen = "int32_t segment, " if len(drawn) > 1 else ""
        outside = f"const uint32_t outside[{self._words}]" if self.context.external else ""
        return {
            **{"name": self.name, "title": self.title, "types": types(self.context), "segments": drawn},
            **{"words": self._words, "outside": outside and f"{outside}, "},
            **{"into": into, "out": out, "integers": sum(one.out for one in drawn)},
            "signature": f"void emcc_{self.name}_top({chosen}const {act} x[{into}], {act} y[{out}]"
            f"{outside and f', {outside}'})",
        }

    def _segments(self, top: bool) -> list[Drawn]:
        parts, ports = self.context.segments, iter(range(len(self.context.ports)))
        sizes = [(elements(part.into), elements(part.out)) for part in parts]
        wide = top and len(parts) > 1
        most = max(into for into, _ in sizes), max(out for _, out in sizes)
        drawn = []
        for number, (part, (into, out)) in enumerate(zip(parts, sizes, strict=True)):
            x_size, y_size = most if wide else (into, out)
            lines = list(self._lines(number, part, ports))
            call = self._call(number, top, len(parts) > 1)
            drawn.append(Drawn(into, out, x_size, y_size, lines, self._says(number, part), call))
        return drawn

    def _call(self, number: int, top: bool, several: bool) -> Callable[[str], str]:
        name, outside = self.name, ", outside" if self.context.external else ""
        if not top:
            return lambda x: f"emcc_{name}_segment_{number}({x}, y{number}{outside}, &scratch);"
        return lambda x: f"emcc_{name}_top({f'{number}, ' if several else ''}{x}, y{number}{outside});"

    def _lines(self, number: int, part: Segment, ports: Iterator[int]) -> Iterator[str]:
        """Yield the statements of a segment."""
        context, moves = self.context, []
        for _ in part.into:
            moves.append(f"emcc_put(scratch->mem, x, emcc_ports[{next(ports)}]);")
        yield from self._clears(number, BEFORE)
        yield from moves
        for index in part.steps:
            yield from self._clears(number, index)
            said = comment(context.program.steps[index].name)
            for place, call in enumerate(context.calls):
                if call.step == index:
                    yield from _called(place, call, said)
        yield from self._clears(number, AFTER)
        for _ in part.out:
            yield f"emcc_get(scratch->mem, y, emcc_ports[{next(ports)}]);"

    def _clears(self, number: int, step: int) -> Iterator[str]:
        layout = self.context.layout
        for root in layout.cleared.get((number, step), []):
            yield f"emcc_clear(scratch->mem, {layout.base[root]}, {layout.slots(root)});"

    def _says(self, number: int, part: Segment) -> list[str]:
        """Return the comment above a segment's function: what x and y are, and what the host does then."""
        before = self.program.parts[number - 1] if number else None
        lines = [] if before is None else [f"After the host's {comment(before.op)}, {comment(before.name)}."]
        lines += [f"x{_place(row)}: {self._port(port)}" for row, port in _placed(part.into)]
        lines += [f"y{_place(row)}: {self._port(port)}" for row, port in _placed(part.out)]
        return lines

    def _port(self, port: Port) -> str:
        shape = " x ".join(str(size) for size in port.shape) or "1"
        frac = self.program.buffers[port.buffer].fmt.frac_bits
        scaled = "" if is_plain(port.affine) else ", on a scale of its own (emcc.json)"
        return f"{comment(port.name)}, {shape}, an integer q stands for q * 2^{-frac}{scaled}"

    def _vectors(self, facts: Mapping[str, Any], vectors: Sequence[tuple[Array, Array]]) -> bytes:
        arrays = []
        for number, (segment, pair) in enumerate(zip(facts["segments"], vectors, strict=True)):
            for side, size, values in zip(("in", "out"), (segment.x_size, segment.y_size), pair, strict=True):
                rows = [_lines([str(int(value)) for value in row], COLUMNS) for row in values]
                arrays.append({"name": f"emcc_{side}_{number}", "size": size, "rows": rows})
        count = len(vectors[0][0])
        return _rendered("vectors.h", title=self.title, count=count, type=facts["types"]["act"], arrays=arrays)

    def _floats(self, facts: Mapping[str, Any]) -> dict[str, bytes]:
        """Return the helpers for floats; none where an input is divided by a norm of its sample."""
        program = self.program
        if any(port.affine.norm for port in program.inputs):
            return {}
        ends = [
            _end(program, port, f"emcc_{side}_{number}", first, side == "in")
            for side, ports in (("in", program.inputs), ("out", program.outputs))
            for number, (first, port) in enumerate(_placed(ports))
        ]
        half = 1 << (program.act_w - 1)
        tail = (
            "; what its file does after that (" + ", ".join(comment(op) for op, _ in program.host) + ") is the caller's"
        )
        sizes = {"into": elements(program.inputs), "out": elements(program.outputs)}
        more = {**facts, **sizes, "ends": ends, "low": -half, "high": half - 1, "tail": tail if program.host else ""}
        return {f"emcc_{self.name}_float.{kind}": _rendered(f"float.{kind}", **more) for kind in ("c", "h")}

    def _makefile(
        self, says: str, target: str, sources: list[str], files: Mapping[str, bytes], more: Mapping[str, bytes]
    ) -> bytes:
        headers = sorted({name for name in (*files, *more) if name.endswith((".h", ".c"))} - set(sources))
        return _rendered("Makefile", says=says, program=f"{self.name}_{target}", sources=sources, headers=headers)


def _called(place: int, call: Call, said: str) -> Iterator[str]:
    """Yield the statements of a call."""
    for fetch in call.fetches:
        yield f"emcc_fetch_{fetch.array}(outside, {fetch.first}, {fetch.words});"
    given = (["acc"] if call.kernel in SUMMING else []) + (["window"] if call.kernel == "dense" else [])
    more = "".join(f", scratch->{name}" for name in given)
    yield f"emcc_{call.kernel}(scratch->mem{more}, emcc_steps[{place}]); /* {said} */"


def _end(program: Program, port: Port, label: str, first: int, is_input: bool) -> dict[str, Any]:
    """Return an input or output as the helpers for floats have it."""
    scale, offset = ([float(value).hex() for value in side] for side in (port.affine.scale, port.affine.offset))
    return {
        **{"label": label, "first": first, "input": is_input, "size": size_of(port), "scale": scale, "offset": offset},
        **{"scale_lines": _lines(scale, 4), "offset_lines": _lines(offset, 4)},
        **{"scale_at": "i" if len(scale) > 1 else "0", "offset_at": "i" if len(offset) > 1 else "0"},
        "frac": program.buffers[port.buffer].fmt.frac_bits,
    }


def _placed(ports: Sequence[Port]) -> list[tuple[int, Port]]:
    """Return each port with the place of its first element."""
    placed, first = [], 0
    for port in ports:
        placed.append((first, port))
        first += size_of(port)
    return placed


def _place(first: int) -> str:
    return f", from {first} on" if first else ""


def _drawn(table: Table) -> dict[str, Any]:
    """Return an array as the template has it: C has none of no elements."""
    words = [_literal(value) for value in table.values] or ["0"]
    return {"name": table.name, "type": table.type, "size": len(words), "lines": _lines(words, COLUMNS)}


def _literal(value: int) -> str:
    """Return a number as C has it: of more than 31 bits it says so."""
    return str(value) if abs(value) < 1 << 31 else f"INT64_C({value})"


def _row(fields: Mapping[str, str], row: Row) -> str:
    return ", ".join(str(row[name]) for name in fields)


def _lines(words: Sequence[str], count: int) -> list[str]:
    return [", ".join(words[at : at + count]) for at in range(0, len(words), count)]


def _rendered(file: str, /, **facts: Any) -> bytes:
    text: str = template(f"hls/{file}.j2").render(**facts)
    return text.encode()
