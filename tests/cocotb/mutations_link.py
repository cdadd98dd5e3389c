"""Faults in emcc_link; see mutations_groups.Fault."""

from mutations_groups import Fault

CLEAR = "cmd_q == emcc_link_pkg::CmdClear"
RED = r"RTL .*, reference|%Error|timeout|hardly"

LINK = (
    Fault("a frame is taken twice", "emcc_link", "seq_q == 8'(last_q + 1'b1)", "1'b1", RED, before="is_next  = "),
    Fault("the CRC is not looked at", "emcc_link", "crc_q == emcc_link_pkg::CrcResidue", "1'b1", RED, before=" && "),
    Fault(
        "a byte is taken before its register has it",
        "emcc_link",
        "reading && read_q",
        "reading",
        RED,
        before="have_q <= ",
    ),
    Fault("a repeated question takes new results", "emcc_link", "kept_q && is_last", "1'b0", RED),
)

WITH_WEIGHTS = (
    Fault("a reset forgets the weights", "emcc_link", CLEAR, "1'b1", RED, "boot_rst_q <= "),
    Fault("an image is taken twice", "emcc_link", "!boot_done_i && !boot_error_i", "1'b1", RED, before="taken && "),
    Fault("what the weights are is not kept", "emcc_link", "name_we", "1'b0", RED, before="if ("),
)
"""Of a link that takes weights."""
