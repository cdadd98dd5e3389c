"""Faults in the decoder of boot images, by the kind of streams that finds them; see mutations_groups.Fault."""

from collections.abc import Mapping

from mutations_groups import Fault

FILLS = (
    Fault(
        "a stream takes a byte too late",
        "emcc_huffman",
        "held0 < 4'd7",
        "held0 < 4'd6",
        r"words: RTL|with few bits|not known",
    ),
    Fault(
        "a symbol comes twice",
        "emcc_huffman",
        "valid3_q && move",
        "valid3_q",
        r"words: RTL|not there",
        before="valid_o  = ",
    ),
    Fault("two streams", "emcc_huffman", "bits2_q", "full", r"words: RTL|beyond those", before="bits3_q <= "),
    Fault(
        "a byte of a header in two cycles",
        "emcc_boot",
        "parsing",
        "parsing && !seen_q",
        r"a digit a cycle",
        before="taken = full_q && (",
    ),
    Fault(
        "a start is not counted on",
        "emcc_boot",
        "start_q + StartBits'(word_q[CountBits-1:0])",
        "start_q",
        r"words: RTL",
    ),
    Fault(
        "a digit is lost", "emcc_boot", "digit_q - 1'b1", "digit_q - 4'd2", r"words: RTL|refused", before="digit_top : "
    ),
    Fault("the next memory comes early", "emcc_boot", "pause_q == 2'd3", "1'b1", r"words: RTL|not there"),
)

DAMAGE = (
    Fault("no CRC", "emcc_boot", "crc_q == Residue", "1'b1", r"is accepted"),
    Fault("any structure", "emcc_boot", "differs_q != '0", "1'b0", r"words of a wrong head", before="compare_q && "),
    Fault(
        "errors do not stay",
        "emcc_boot",
        "Failed",
        "Header",
        r"words of a wrong head",
        before="wrong_q) state_q <= ",
    ),
)

CODES = (
    Fault(
        "a codeword that does not exist is one",
        "emcc_huffman",
        "entry3_q[2:0] == '0",
        "1'b0",
        r"is accepted|is taken",
        before="bad      = valid3_q && ",
    ),
    Fault("rows out of order", "emcc_huffman", "(at_q[6:0] & mask) != '0", "1'b0", r"is accepted", before="'0 && "),
    Fault("a row of any length", "emcc_huffman", "row_i[3]", "1'b0", r"is accepted", before="misplaced || "),
    Fault("a codeword's error is none", "emcc_boot", "code_error", "1'b0", r"is accepted|is taken", before="if ("),
)

BOOT: Mapping[str, tuple[Fault, ...]] = {"whole": FILLS, "damaged": DAMAGE, "wrong": CODES}
