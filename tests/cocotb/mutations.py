"""Faults to put into the RTL or the memories, and what the bench has to say of each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One fault.

    Attributes:
        name: what is broken.
        bench: lnzd, act_queue, pe or array; case: the network it runs (pe, array).
        file, old, new: `old` stands once in hw/rtl/<file>.sv and becomes `new`.
        says: a regular expression that the run's log must match: it went red for this reason.
    """

    name: str
    bench: str
    file: str
    old: str
    new: str
    says: str
    case: str = ""


LNZD = [
    Mutation(
        "the highest lane is skipped",
        "lnzd",
        "emcc_lnzd",
        "pend_q <= fifo_data[AddrW+ColW +: Lanes];",
        "pend_q <= fifo_data[AddrW+ColW +: Lanes] & ({Lanes{1'b1}} >> 1);",
        r"the count of lanes is wrong",
    ),
    Mutation(
        "a bubble between words",
        "lnzd",
        "emcc_lnzd",
        "(!pending_q || (emit_o && last))",
        "!pending_q",
        r"cycle \d+: pending_o: RTL 0, reference 1",
    ),
    Mutation(
        "ready_o with no room for the word on its way",
        "lnzd",
        "emcc_lnzd",
        "((1 << LogDepth) - 1);",
        "(1 << LogDepth);",
        r"ready_o: RTL 1, reference 0",
    ),
    Mutation(
        "a stall loses the lane",
        "lnzd",
        "emcc_lnzd",
        "end else if (emit_o) begin",
        "end else if (pending_q) begin",
        r"(pending_o|idle_o|lane, addr, col): RTL|the count of lanes is wrong",
    ),
]

ACT_QUEUE = [
    Mutation(
        "near_full_o a word late",
        "act_queue",
        "emcc_act_queue",
        "OnTheWay = 8",
        "OnTheWay = 7",
        r"near_full_o: RTL 0, reference 1",
    ),
    Mutation(
        "near_full_o is no register",
        "act_queue",
        "emcc_act_queue",
        "assign near_full_o = near_full_q;",
        "assign near_full_o = count >= (LogDepth+1)'(Limit);",
        r"near_full_o: RTL 1, reference 0",
    ),
    Mutation(
        "a word is overwritten when it is pushed with a pop",
        "act_queue",
        "emcc_fifo",
        "if (push_i) wptr_q <=",
        "if (push_i && !pop_i) wptr_q <=",
        r"data_o: RTL",
    ),
]

ARRAY = [
    Mutation(
        "LNZD does not stop for a full queue",
        "array",
        "emcc_ccu",
        "stall_q      <= |near_full_i;",
        "stall_q      <= 1'b0;",
        r"push when full",
        "1_layer",
    ),
    Mutation(
        "a layer ends before the last column has arrived",
        "array",
        "emcc_ccu",
        "quiet_q && idle_q;",
        "idle_q;",
        r"outputs of inference|drain of the bank in use",
        "3_pes_table",
    ),
    Mutation(
        "more output words on their way than the FIFO holds",
        "array",
        "emcc_ccu",
        "(LogOut+1)'(1 << LogOut);",
        "(LogOut+1)'((1 << LogOut) + 4);",
        r"push when full",
        "1_layer",
    ),
    Mutation(
        "the output moves on while it is stalled",
        "array",
        "emcc_array",
        "out_valid && m_axis_tready;",
        "out_valid;",
        r"a stalled output beat: RTL",
        "1_layer",
    ),
    Mutation(
        "tlast a beat late",
        "array",
        "emcc_ccu",
        "out_last_o = out_word_q == out_words_less_q;",
        "out_last_o = out_word_q == out_words_less_q + 1'b1;",
        r"no tlast with beat",
        "1_pe",
    ),
    Mutation(
        "input is accepted during an inference",
        "array",
        "emcc_ccu",
        "in_ready_o = load_q;",
        "in_ready_o = !clear_q;",
        r"input is accepted before the last output beat",
        "1_pe",
    ),
    Mutation(
        "a broadcast names the word's first column",
        "array",
        "emcc_bcast",
        "col2_q + index2_q;",
        "col2_q;",
        r"outputs of inference|accumulator overflow",
        "3_pes_table",
    ),
    Mutation(
        "right outputs, but a cycle lost now and then",
        "array",
        "emcc_ccu",
        "Prefetch ? scan_ready_i",
        "Prefetch ? scan_idle_i",
        r"layer_done_o of inference",
        "3_pes_table",
    ),
    Mutation(
        "reset forgets the accumulators",
        "array",
        "emcc_ccu",
        "pe_drain_q <= drain_go || clear_q;",
        "pe_drain_q <= drain_go;",
        r"outputs of inference|accumulator overflow",
        "1_pe",
    ),
]
