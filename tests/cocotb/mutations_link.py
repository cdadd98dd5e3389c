"""Faults seeded into emcc_link: a text that stands there once, and what takes its place."""

FAULTS = {
    "a frame is taken twice": ("assign is_next  = seq_q == 8'(last_q + 1'b1);", "assign is_next  = 1'b1;"),
    "the CRC is not looked at": (" && crc_q == emcc_link_pkg::CrcResidue;", ";"),
    "a reset forgets the weights": ("boot_rst_q <= cmd_q == emcc_link_pkg::CmdClear;", "boot_rst_q <= 1'b1;"),
    "an image is taken twice": ("&& taken && !boot_done_i && !boot_error_i;", "&& taken;"),
    "what the weights are is not kept": ("if (name_we) begin", "if (1'b0) begin"),
    "a byte is taken before its register has it": ("have_q <= reading && read_q;", "have_q <= reading;"),
    "a repeated question takes new results": ("kept_q && is_last) kind_q", "1'b0) kind_q"),
}

WITH_WEIGHTS = ("a reset forgets the weights", "an image is taken twice", "what the weights are is not kept")
"""Of a link that takes weights."""
