"""What is rendered of the definition: a SystemVerilog package, a C header, the link's memory."""

from emcc.link import protocol
from emcc.resources import template


def package(boot: bool = False) -> bytes:
    """Return emcc_link_pkg.sv; with `boot` of a design that takes its weights over the link."""
    numbers = [
        ("bit HasBoot", f"1'b{int(boot)}"),
        ("logic [7:0] Version", f"8'd{protocol.VERSION}"),
        ("logic [7:0] FlagByte", f"8'h{protocol.FLAG:02x}"),
        ("logic [7:0] EscapeByte", f"8'h{protocol.ESCAPE:02x}"),
        ("logic [7:0] EscapeFlip", f"8'h{protocol.FLIP:02x}"),
        ("logic [31:0] CrcPoly", f"32'h{protocol.CRC_POLY:08x}"),
        ("logic [31:0] CrcResidue", f"32'h{protocol.CRC_RESIDUE:08x}"),
        ("int CrcBytes", str(protocol.CRC_BYTES)),
        ("int Head", str(protocol.HEAD)),
        ("int ReplyHead", str(sum(field.size for field in protocol.REPLY_HEAD))),
        ("int MemBytes", str(protocol.MEMORY)),
        ("int ResultAt", str(protocol.RESULT_AT)),
        ("int InfoAt", str(protocol.INFO_AT)),
        ("int WeightsAt", str(protocol.INFO_AT + info_at("digest") + protocol.IDENTITY)),
        ("int ImageAt", str(protocol.IMAGE_AT)),
        ("int WeightsBytes", str(protocol.IDENTITY)),
        *((f"logic [2:0] Cmd{one.name.capitalize()}", f"3'd{one.code}") for one in protocol.COMMANDS),
        *((f"logic [1:0] Reply{one.name.capitalize()}", f"2'd{one.code & 3}") for one in protocol.REPLIES),
    ]
    text: str = template("verilog/emcc_link_pkg.sv.j2").render(numbers=numbers)
    return text.encode()


def header() -> bytes:
    """Return emcc_link.h."""
    numbers = [
        ("VERSION", protocol.VERSION, "of the protocol"),
        ("FLAG", f"0x{protocol.FLAG:02x}", "begins and ends a frame"),
        ("ESCAPE", f"0x{protocol.ESCAPE:02x}", "stands before a byte that is turned over"),
        ("FLIP", f"0x{protocol.FLIP:02x}", "the bit that is"),
        ("CRC_POLY", f"0x{protocol.CRC_POLY:08x}u", "the lowest bit first"),
        ("CRC_BYTES", protocol.CRC_BYTES, "the lowest first"),
        ("HEAD", protocol.HEAD, "bytes of a command: command, number"),
        ("REPLY_HEAD", sum(field.size for field in protocol.REPLY_HEAD), "bytes of a reply before its payload"),
        ("PAYLOAD", protocol.PAYLOAD, "most bytes of a payload"),
        ("WINDOW", protocol.WINDOW, "most frames under way"),
        ("INFO_BYTES", sum(field.size for field in protocol.INFO), "of an info's payload"),
        ("INFO_DIGEST", info_at("digest"), "where the digest is in it"),
        ("DIGEST_BYTES", protocol.DIGEST_BYTES, "of the digest"),
        ("IDENTITY", protocol.IDENTITY, "of them say what structure it is, where it takes weights"),
        ("PAUSE", protocol.PAUSE, "flags behind a load"),
        *((f"CMD_{one.name.upper()}", one.code, one.says) for one in protocol.COMMANDS),
        *((f"REPLY_{one.name.upper()}", f"0x{one.code:02x}", one.says) for one in protocol.REPLIES),
        *((f"FLAG_{one.name.upper()}", 1 << bit, one.says) for bit, one in enumerate(protocol.FLAGS)),
    ]
    text: str = template("host/emcc_link.h.j2").render(numbers=numbers)
    return text.encode()


def info_at(name: str) -> int:
    """Return where a field begins in what a board says it is."""
    names = [field.name for field in protocol.INFO]
    return sum(field.size for field in protocol.INFO[: names.index(name)])


def memory(act_w: int, digest: str, structure: str = "") -> bytes:
    """Return link.hex, a byte a line: what the board is, as $readmemh reads it.

    Args:
        act_w: bits of an activation.
        digest: of the design, in hex; see link.digest.
        structure: in hex, of a design that takes its weights over the link: it stands in the digest's place.
    """
    known = bytes.fromhex(structure or digest)[: protocol.DIGEST_BYTES]
    values = {
        "magic": protocol.MAGIC,
        "version": bytes([protocol.VERSION]),
        "bytes": bytes([act_w // 8]),
        "features": bytes([protocol.TAKES_WEIGHTS if structure else 0]),
        "payload": bytes([protocol.PAYLOAD]),
        "digest": known.ljust(protocol.DIGEST_BYTES, b"\0"),
        "reserved": bytes(8),
    }
    content = b"".join(values[field.name] for field in protocol.INFO)
    assert len(content) == protocol.MEMORY - protocol.INFO_AT
    return "".join(f"{byte:02x}\n" for byte in content).encode()


def documented() -> dict[str, list[str]]:
    """Return the tables of docs/board-link.md by name, a line each."""
    commands = [
        f"| `{one.name}` | {one.code} | {one.payload or 'none'} | {one.reply} | {one.says} |"
        for one in protocol.COMMANDS
    ]
    replies = [
        f"| `{one.name}` | 0x{one.code:02x} | {one.payload or 'none'} | {one.says} |" for one in protocol.REPLIES
    ]
    return {
        "commands": ["| command | code | payload | reply | the board |", "| --- | --- | --- | --- | --- |", *commands],
        "replies": ["| reply | code | payload | says |", "| --- | --- | --- | --- |", *replies],
        "head": _fields("bytes", [(field.name, str(field.size), field.says) for field in protocol.REPLY_HEAD]),
        "flags": _fields("bit", [(field.name, str(bit), field.says) for bit, field in enumerate(protocol.FLAGS)]),
        "info": _fields("bytes", [(field.name, str(field.size), field.says) for field in protocol.INFO]),
    }


def _fields(title: str, rows: list[tuple[str, str, str]]) -> list[str]:
    lines = [f"| `{name}` | {number} | {says} |" for name, number, says in rows]
    return [f"| field | {title} | says |", "| --- | --- | --- |", *lines]
