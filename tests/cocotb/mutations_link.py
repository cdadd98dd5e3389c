"""Faults seeded into emcc_link: a text that stands there once, and what takes its place."""

FAULTS = {
    "a frame is taken twice": ("assign is_next  = seq_q == 8'(last_q + 1'b1);", "assign is_next  = 1'b1;"),
    "the CRC is not looked at": (" && crc_q == emcc_link_pkg::CrcResidue;", ";"),
    "a repeated question takes new results": ("kept_q && is_last) kind_q", "1'b0) kind_q"),
}
