"""The definition of the link. emcc_link_pkg.sv, emcc_link.h and docs/board-link.md are made of what stands here."""

from dataclasses import dataclass

VERSION = 1
FLAG, ESCAPE, FLIP = 0x7E, 0x7D, 0x20
"""A frame stands between two flags; a flag or an escape in it is an escape and the byte with one bit turned over."""

CRC_POLY, CRC_RESIDUE, CRC_BYTES = 0xEDB88320, 0xDEBB20E3, 4
"""CRC-32 of zip and Ethernet, the lowest bit first; what its register holds behind a frame that is whole."""

HEAD = 2
"""Bytes of a command before its payload: command, number."""

PAYLOAD = 220
"""Most bytes of a payload, both ways; the link's memory has room for a few more."""

WINDOW = 64
"""Most frames under way. Numbers are 8 bits: two frames that a board can mistake are 256 apart."""

MEMORY, RESULT_AT, INFO_AT = 512, 256, 480
"""Bytes of the link's memory; where results and what the board is stand in it."""


@dataclass(frozen=True)
class Command:
    """What the host sends.

    Attributes:
        name, code: code has 3 bits.
        payload: what stands behind command and number. reply: what comes back.
        says: what the board does.
    """

    name: str
    code: int
    payload: str
    reply: str
    says: str


@dataclass(frozen=True)
class Reply:
    """What the board sends. `code` has the high bit, so that an echo is none; `payload` is behind the head."""

    name: str
    code: int
    payload: str
    says: str


@dataclass(frozen=True)
class Field:
    """Some bytes, or one bit of a byte; numbers of several bytes have the lowest first."""

    name: str
    size: int
    says: str


COMMANDS = (
    Command("poll", 0, "", "state", "answers, and does nothing else; any number"),
    Command("info", 1, "", "info", "says what it is; any number"),
    Command("reset", 2, "", "info", "resets the accelerator and forgets all; the frame's number becomes the last one"),
    Command("write", 3, "activations", "none", "gives them to the accelerator, if the number is the next one and it "
            "waits for input; else the frame is as if it had not come"),
    Command("read", 4, "bytes wanted, 1 to 220", "data or state", "gives so many bytes of results, if the number is "
            "the next one and results wait; the same again, if it is the last one and was a read; else the state"),
    Command("load", 5, "of a boot image", "none", "fills the memories of weights, if the number is the next one and an "
            "image is wanted; else the frame is as if it had not come"),
    Command("clear", 6, "", "info", "as reset, and forgets the weights too, if it takes any"),
)  # fmt: skip

REPLIES = (
    Reply("state", 0x80, "", "the board's state"),
    Reply("info", 0x81, "what the board is", "`value` is its clock in Hz"),
    Reply("data", 0x82, "results", "of the read whose number is `last`"),
)

REPLY_HEAD = (
    Field("reply", 1, "which one"),
    Field("last", 1, "the number of the last write or read that was taken, or of the reset"),
    Field("flags", 1, "see below"),
    Field("version", 1, f"of the protocol: {VERSION}"),
    Field("value", 4, "cycles in which the array ran since power came, modulo 2**32; of an info the clock in Hz"),
)

FLAGS = (
    Field("open", 1, "there was a reset command since power came; without it nothing is taken"),
    Field("wants", 1, "the accelerator waits for activations"),
    Field("has", 1, "results wait"),
    Field("runs", 1, "the array runs"),
    Field("late", 1, "a frame ended while the one before still went to the accelerator: only a reset helps"),
    Field("empty", 1, "there are no weights: a boot image is wanted, or was refused"),
    Field("refused", 1, "a boot image was damaged, or is for another structure: only a clear helps"),
)
"""From the lowest bit on."""

INFO = (
    Field("magic", 4, '"emcc"'),
    Field("version", 1, f"of the protocol: {VERSION}"),
    Field("bytes", 1, "an activation, 1 or 2"),
    Field("features", 1, "1: it takes weights (`load`); else 0"),
    Field("payload", 1, f"the most bytes of a frame's payload: {PAYLOAD}"),
    Field(
        "digest",
        16,
        "of the design: the first half of the SHA-256 that emcc.json has. Of one that takes "
        "weights: structure and weights, 8 bytes each, as the last image began (boot.md)",
    ),
    Field("reserved", 8, "0"),
)
MAGIC = b"emcc"
TAKES_WEIGHTS = 1
"""Of the features."""

IMAGE_AT, IDENTITY = 18, 8
"""Where a boot image says what its weights are; bytes of that, and of the structure: see backends.rom.flash."""

PAUSE = 128
"""Flags behind a load: on the fastest line (40 cycles a byte) its bytes are decoded meanwhile, 4,000 cycles at most."""

DIGEST_BYTES = next(field.size for field in INFO if field.name == "digest")


def command(name: str) -> int:
    """Return a command's code."""
    return next(one.code for one in COMMANDS if one.name == name)


def reply(name: str) -> int:
    """Return a reply's code."""
    return next(one.code for one in REPLIES if one.name == name)
