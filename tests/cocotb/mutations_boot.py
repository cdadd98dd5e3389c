"""Faults in the decoder of boot images; see mutations_groups.Fault."""

from mutations_groups import Fault

BOOT = (
    Fault("a stream takes a byte too late", "emcc_huffman", "held1_q < 4'd7", "held1_q < 4'd6", r"words: RTL|refused"),
    Fault("a codeword that does not exist is one", "emcc_huffman", "entry3_q[2:0] == '0", "1'b0", r"is accepted|words: RTL",
          before="assign bad      = valid3_q && "),
    Fault("rows out of order", "emcc_huffman", "(at_q[6:0] & mask) != '0", "1'b0", r"is accepted", before="'0 && "),
    Fault("a symbol comes twice", "emcc_huffman", "valid3_q && move", "valid3_q", r"words: RTL", before="assign valid_o  = "),
    Fault("two streams", "emcc_huffman", "bits2_q", "full", r"words: RTL|refused", before="bits3_q <= "),
    Fault("a symbol in two cycles", "emcc_boot", "code_ready", "code_ready && count_q[0] == crc_q[0]", r"a digit a cycle",
          before="(state_q == Rows && row_ready) || "),
    Fault("no CRC", "emcc_boot", "crc_q == Residue", "1'b1", r"is accepted"),
    Fault("no length", "emcc_boot", "index_q[2:0] < 3'(Length)", "1'b0", r"is accepted"),
    Fault("any structure", "emcc_boot", "byte_q != wanted", "1'b0", r"is accepted|no error", before="compared && "),
    Fault("errors do not stay", "emcc_boot", "code_error || wrong_q", "wrong_q", r"is accepted|a word after|taken", before="if ("),
    Fault("a start is not counted on", "emcc_boot", "start_q + StartW'(word_q[CountW-1:0])", "start_q", r"words: RTL"),
    Fault("a digit is lost", "emcc_boot", "digit_q - 1'b1", "digit_q - 4'd2", r"words: RTL|refused", before="digit_top : "),
    Fault("done with the last word but one", "emcc_boot", "pause_q == 2'd3", "pause_q == 2'd0", r"words: RTL|refused|after"),
)
