"""What is rendered of the definition: a SystemVerilog package, the link's memory."""

from emcc.link import protocol
from emcc.resources import template


def package() -> bytes:
    """Return emcc_link_pkg.sv."""
    numbers = [
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
        *((f"logic [2:0] Cmd{one.name.capitalize()}", f"3'd{one.code}") for one in protocol.COMMANDS),
        *((f"logic [1:0] Reply{one.name.capitalize()}", f"2'd{one.code & 3}") for one in protocol.REPLIES),
    ]
    text: str = template("verilog/emcc_link_pkg.sv.j2").render(numbers=numbers)
    return text.encode()


def memory(act_w: int, digest: str) -> bytes:
    """Return link.hex, a byte a line: what the board is, as $readmemh reads it.

    Args:
        act_w: bits of an activation.
        digest: of the design, in hex; see link.digest.
    """
    values = {
        "magic": protocol.MAGIC,
        "version": bytes([protocol.VERSION]),
        "bytes": bytes([act_w // 8]),
        "features": bytes(1),
        "payload": bytes([protocol.PAYLOAD]),
        "digest": bytes.fromhex(digest)[: protocol.DIGEST_BYTES],
        "reserved": bytes(8),
    }
    content = b"".join(values[field.name] for field in protocol.INFO)
    assert len(content) == protocol.MEMORY - protocol.INFO_AT
    return "".join(f"{byte:02x}\n" for byte in content).encode()
