"""Program -> the files of host/: a client in C, and what it has to know of the model."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emcc.eie.groups.plan import RECEIVE, SEND, HostRow
from emcc.eie.groups.schedule import plan
from emcc.ir.graph import Array
from emcc.ir.program import HOLE, Port, Program
from emcc.link import protocol
from emcc.link.render import header
from emcc.resources import template

STATIC = ("emcc_board.h", "emcc_board.c", "main.c")
NUMBERS, FLOATS = 16, 4
"""On a line."""


@dataclass(frozen=True)
class _Tensor:
    """An input or an output, as C writes it."""

    index: int
    order: list[str]
    scale: list[str]
    offset: list[str]
    positions: int
    slots: int
    elements: int
    frac: int
    scale_step: int
    offset_step: int


def render_client(program: Program, digest: str, loads: bool = False) -> Mapping[str, bytes]:
    """Return file names ("host/...") and contents.

    Args:
        digest: of the design, in hex, as its board has it. loads: the board takes weights.
    """
    half = bytes.fromhex(digest)[: protocol.DIGEST_BYTES]
    model: str = template("host/emcc_model.h.j2").render(
        digest=", ".join(f"0x{byte:02x}" for byte in half),
        tensors=list(_tensors(program)),
        act_bytes=program.act_w // 8,
        inputs=len(program.inputs),
        outputs=len(program.outputs),
        loads=int(loads),
        alone=int(not program.parts and not any(port.affine.norm for port in program.inputs)),
    )
    files = {f"host/{name}": template(f"host/{name}.j2").render().encode() for name in STATIC}
    return {**files, "host/emcc_link.h": header(), "host/emcc_model.h": model.encode()}


def _tensors(program: Program) -> Iterator[_Tensor]:
    rows = [row for row in plan(program).host if row.op in (RECEIVE, SEND)]
    ends = [*zip(rows, program.inputs, strict=False)]
    ends += zip(rows[len(rows) - len(program.outputs) :], program.outputs, strict=True)
    for index, (row, port) in enumerate(ends):
        yield _tensor(program, index, row, port)


def _tensor(program: Program, index: int, row: HostRow, port: Port) -> _Tensor:
    order = np.full((row.positions, row.slots), HOLE)
    order[:, : port.order.shape[1]] = port.order
    scale, offset = port.affine.scale, port.affine.offset
    return _Tensor(
        index,
        _lines([str(int(element)) if element != HOLE else "-1" for element in order.ravel()], NUMBERS),
        _lines(_hex(scale), FLOATS),
        _lines(_hex(offset), FLOATS),
        row.positions,
        row.slots,
        int(np.prod(port.shape, dtype=np.int64)),
        program.buffers[port.buffer].fmt.frac_bits,
        int(scale.size > 1),
        int(offset.size > 1),
    )


def _hex(values: Array) -> list[str]:
    """Return doubles as C99 writes them exactly."""
    return [float(value).hex() for value in values]


def _lines(words: Sequence[str], count: int) -> list[str]:
    return [", ".join(words[at : at + count]) for at in range(0, len(words), count)]
