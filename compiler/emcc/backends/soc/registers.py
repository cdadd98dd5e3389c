"""The registers of the AXI top's control port: one table, of which package, C header and documentation are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ID = 0x656D6363
"""ASCII "emcc"."""

VERSION = (1, 0)
"""Of this table: (major, minor). A program that knows a major number may use any minor one from its own on."""

DIGEST_WORDS = 4
WIDTH = 32
READ_ONLY, READ_WRITE, CLEARED = "ro", "rw", "w1c"


@dataclass(frozen=True)
class Bits:
    """A field of a register: `width` bits from `at` on."""

    name: str
    at: int
    width: int
    doc: str


@dataclass(frozen=True)
class Register:
    """A register of 32 bits.

    Attributes:
        name: as in C, in capitals. address: in bytes.
        access: read only; read and write; or read, and write ones to clear bits.
        doc: a sentence. fields: where it has such; none is all of it.
        constant: whether it is known when the design is emitted, see `Values`.
    """

    name: str
    address: int
    access: str
    doc: str
    fields: tuple[Bits, ...] = ()
    constant: bool = False


IRQ = (
    Bits("DONE", 0, 1, "an inference is done: the last beat of its answer was taken"),
    Bits("TORN", 1, 1, "a beat came in with a part of an activation's bytes in TKEEP; that activation was dropped"),
)

REGISTERS = (
    Register("ID", 0x000, READ_ONLY, 'ASCII "emcc", the e in the highest byte', constant=True),
    Register(
        "VERSION",
        0x004,
        READ_ONLY,
        "of this table",
        (Bits("MINOR", 0, 16, "more registers or fields"), Bits("MAJOR", 16, 16, "other meanings")),
        constant=True,
    ),
    Register(
        "SHAPE",
        0x008,
        READ_ONLY,
        "of the streams",
        (
            Bits("ACT_BITS", 0, 8, "of an activation"),
            Bits("STREAM_BITS", 8, 16, "of TDATA"),
        ),
    ),
    Register("IN_SIZE", 0x00C, READ_ONLY, "activations that an inference takes, all in all", constant=True),
    Register("OUT_SIZE", 0x010, READ_ONLY, "activations that an inference gives, all in all", constant=True),
    *(
        Register(
            f"DIGEST_{i}",
            0x020 + 4 * i,
            READ_ONLY,
            f"bytes {4 * i} to {4 * i + 3} of the SHA-256 of program.npz, the first one highest",
            constant=True,
        )
        for i in range(DIGEST_WORDS)
    ),
    Register(
        "CONTROL",
        0x040,
        READ_WRITE,
        "START and RESET read as 0",
        (
            Bits("AUTO", 0, 1, "inferences begin by themselves, as activations come"),
            Bits("START", 1, 1, "1 lets one inference begin; during one, one more"),
            Bits("RESET", 2, 1, "1 resets all but AUTO and IRQ_ENABLE; a START with it is lost"),
        ),
    ),
    Register(
        "STATUS",
        0x044,
        READ_ONLY,
        "now",
        (
            Bits("BUSY", 0, 1, "an inference has taken its first activation, and the last beat of its answer is due"),
            Bits("ARMED", 1, 1, "a START is waiting for its first activation"),
            Bits("WAITS", 2, 1, "the array waits for an activation"),
            Bits("OFFERS", 3, 1, "a beat out waits to be taken"),
        ),
    ),
    Register("IRQ_ENABLE", 0x048, READ_WRITE, "which bits of IRQ_STATUS raise the interrupt", IRQ),
    Register("IRQ_STATUS", 0x04C, CLEARED, "what has happened", IRQ),
    Register("CYCLES", 0x050, READ_ONLY, "in which the array ran for the last inference, as `emcc simulate` counts"),
    Register("TOTAL", 0x054, READ_ONLY, "cycles of it from the first activation in to the last one out, both counted"),
    Register("COUNT", 0x058, READ_ONLY, "inferences done since reset; stays at 2^32 - 1, as the two before do"),
)

Values = Mapping[str, int]
"""What the constant registers hold."""


def values(in_size: int, out_size: int, digest: bytes) -> Values:
    """Return what the constant registers hold; `digest` is a SHA-256."""
    words = {f"DIGEST_{i}": int.from_bytes(digest[4 * i : 4 * i + 4], "big") for i in range(DIGEST_WORDS)}
    return {"ID": ID, "VERSION": VERSION[0] << 16 | VERSION[1], "IN_SIZE": in_size, "OUT_SIZE": out_size, **words}


def camel(name: str) -> str:
    """Return a register's or field's name as SystemVerilog has it: IRQ_ENABLE is IrqEnable."""
    return "".join(part.capitalize() for part in name.split("_"))


def table(registers: Sequence[Register] = REGISTERS) -> list[str]:
    """Return the documentation's table in Markdown, a line each."""
    lines = ["| address | register | | says |", "| --- | --- | --- | --- |"]
    for register in registers:
        lines.append(f"| 0x{register.address:03x} | `{register.name}` | {register.access} | {register.doc} |")
        lines += [f"| | `{bits.name}` | {_place(bits)} | {bits.doc} |" for bits in register.fields]
    return lines


def _place(bits: Bits) -> str:
    return f"bit {bits.at}" if bits.width == 1 else f"bits {bits.at + bits.width - 1} to {bits.at}"
