"""Faults in the modules of the array of column groups; see mutations_groups.Fault."""

from collections.abc import Mapping

from mutations_groups import Fault
from mutations_slice import SLICE, SUM

SLOT = "LanesW'((g - i + Lanes * Groups) % Groups * Lanes + i)"
"""Where in its word a lane is."""

WALK = (
    Fault(
        "no word waits for its source",
        "emcc_walk",
        "sel2_q ? d_dep_b : d_dep_a",
        "1'b0",
        r"(take_o|done_o|valid_o|addr_o): RTL",
    ),
    Fault(
        "the word that was just written waits",
        "emcc_walk",
        "addr3_q > next_seen_addr_i",
        "addr3_q >= next_seen_addr_i",
        r"(take_o|done_o|valid_o|addr_o): RTL",
    ),
    Fault(
        "the word that comes behind the one just written waits",
        "emcc_walk",
        "addr2_q > next_seen_addr_i",
        "1'b1",
        r"(take_o|done_o|valid_o|addr_o): RTL",
    ),
    Fault(
        "the host reads where the walk would", "emcc_walk", "read_i ? read_addr_i : addr2_q", "addr2_q", r"addr_o: RTL"
    ),
    Fault(
        "an address goes on while its word waits",
        "emcc_walk",
        "en",
        "1'b1",
        r"a word is read elsewhere",
        before="(* keep *) always_ff @(posedge clk_i) if (",
    ),
    Fault("the map lacks its last row", "emcc_walk", "y2_q < d_map_h", "y2_q < d_map_h - 1'b1", r"valid_o|a word"),
    Fault("a bank is taken that is not free", "emcc_walk", "!free_i[tag3_q]", "1'b0", r"take_o: RTL 1, reference 0"),
    Fault(
        "positions of a tile share their rows",
        "emcc_walk",
        "tile_end ? '0 : base_q + RowW'(d_rows)",
        "RowW'(0)",
        r"row_o: RTL",
        before="base_q     <= ",
    ),
    Fault("the other source is read", "emcc_walk", "(tap1_sel ? b1_q : a1_q)", "a1_q", r"addr_o: RTL"),
    Fault("a pass goes on where it stops", "emcc_walk", "d_stop ? Idle : Next", "Next", r"idle_o: RTL 0, reference 1"),
)

SCAN = (
    Fault(
        "several lanes at once",
        "emcc_scan",
        "pend_q & (~pend_q + 1'b1)",
        "pend_q",
        r"an emission of several lanes",
        before="pend_q : ",
    ),
    Fault(
        "no room a word late",
        "emcc_scan",
        "(LogWords+1)'(Limit)",
        "(LogWords+1)'(Limit+1)",
        r"'full_o': 0.*'full_o': 1",
    ),
    Fault(
        "data on their way take no room",
        "emcc_scan",
        "held + (LogWords+1)'(pushed_q)",
        "held",
        r"'full_o': 0.*'full_o': 1|push when full",
    ),
    Fault("a bubble between words", "emcc_scan", "(!busy_q || finish)", "!busy_q", r"'emit_o': 0.*'emit_o': 1"),
    Fault(
        "a tile is left a cycle early",
        "emcc_scan",
        "{left1_q[LeftDelay-1], left0_q[LeftDelay-1]}",
        "{left1_q[LeftDelay-2], left0_q[LeftDelay-2]}",
        r"'left_o': [12].*'left_o': 0",
    ),
    Fault(
        "lanes beyond the last word count",
        "emcc_scan",
        "last_word_i && !lanes_i[i]",
        "1'b0",
        r"outputs: RTL",
    ),
    Fault(
        "data are shown a cycle late", "emcc_scan", "finish2_q", "finish3_q", r"'value_o'|'data_o'", before=".read_i ("
    ),
    Fault(
        "the last word's count for the first",
        "emcc_scan",
        "head_old ? {old_one, old_left} : {new_one, new_left}",
        "{new_one, new_left}",
        r"count of lanes",
    ),
    Fault("a count waits that was used", "emcc_scan", "(head_old || !load)", "1'b1", r"count of lanes|push when full"),
    Fault("a lane early is the last", "emcc_scan", "left_q == LeftW'(2)", "left_q == LeftW'(3)", r"a lane is the last"),
    Fault("a word's column is its first", "emcc_scan", "info2_q + index2_q", "info2_q", r"'col_o'"),
)

ROWS = (
    Fault(
        "a row of a tile that a PE holds",
        "emcc_rows",
        "!holds_i[tag_q]",
        "1'b1",
        r"that a PE holds|outputs",
        before="left_i[tag_q] && ",
    ),
    Fault(
        "a row of a tile that is not left",
        "emcc_rows",
        "left_i[tag_q]",
        "1'b1",
        r"that is not left|outputs",
        before="Wait: if (",
    ),
    Fault("a bias comes early", "emcc_rows", "bias_way_q[Levels]", "bias_q", r"bias_addr_o", before="bias_addr_q  <= "),
    Fault("one bank is cleared", "emcc_rows", "clear_end && tag_q", "clear_end", r"'ready_o': 1.*'ready_o': 0"),
    Fault(
        "a word has the whole position",
        "emcc_rows",
        "turn_q == GroupW'(Groups - 1)",
        "1'b0",
        r"word_end_o",
        before="last_row_q || ",
    ),
    Fault(
        "a position ends a row late",
        "emcc_rows",
        "k_q == before_row_q",
        "k_q == RowsW'(d_rows)",
        r"a position ends where it does not",
    ),
    Fault(
        "a line is one longer", "emcc_rows", "ox_q == before_x_q", "ox_q == d_out_w", r"a line ends where it does not"
    ),
    Fault("a line more", "emcc_rows", "oy_q == before_y_q", "oy_q == d_out_h", r"the last line is another one"),
    Fault(
        "a tile is one longer",
        "emcc_rows",
        "tile_q == before_place_q",
        "tile_q == d_tile",
        r"a tile ends where it does not",
    ),
    Fault(
        "places without a slot are in use",
        "emcc_rows",
        "part_way_q[Latency-1] && in_part_q[i]",
        "part_way_q[Latency-1]",
        r"lane_en_o",
    ),
    Fault(
        "a pass is written before it is",
        "emcc_rows",
        "next_we_o && next_pass_end",
        "next_pass_end",
        r"pass_end_o|of the pass",
    ),
)

HOST = (
    Fault(
        "a slot too far",
        "emcc_host",
        "first_q + 1'b1",
        "first_q",
        r"a beat in",
        before="group_q <= first_q == GroupW'(Groups - 1) ? '0 : ",
    ),
    Fault("the next address is the last one", "emcc_host", "addr_d", "addr_q", r"addr_o", before="next_addr_o   = "),
    Fault("positions lie beside each other", "emcc_host", "after_q + d_pitch", "after_q + 1'b1", r"addr_o|a beat"),
    Fault("tlast with every buffer", "emcc_host", "d_last", "1'b1", r"a beat out", before="m_axis_tlast  = "),
    Fault(
        "data before they are there",
        "emcc_host",
        "read_way_q[ReadLatency-1]",
        "read_way_q[ReadLatency-2]",
        r"a beat out|did not stay",
    ),
    Fault(
        "more is read than there is room for",
        "emcc_host",
        "room_q",
        "1'b1",
        r"push when full",
        before="state_q == Reading && ",
    ),
    Fault("what is given at once waits as well", "emcc_host", "(waiting || !m_axis_tready)", "1'b1", r"a beat out"),
    Fault(
        "a beat overtakes what waits",
        "emcc_host",
        "waiting ? waiting_data : data_i",
        "data_i",
        r"a beat out|did not stay",
    ),
    Fault(
        "a beat is taken twice",
        "emcc_host",
        "state_q == Receiving && s_axis_tvalid",
        "state_q == Receiving",
        r"we_o|a beat in",
        before="assign we_o          = ",
    ),
)

CORE = (
    Fault(
        "reset forgets the accumulators",
        "emcc_rows",
        "issue || clear",
        "issue",
        r"a beat out|overflow",
        before="drain_q <= rst_ni && (",
    ),
    Fault(
        "the host is at work while the array runs",
        "emcc_host",
        "state_q == Start",
        "1'b0",
        r"the host is at work and does not say so, or says so and is not",
        before="else if (",
    ),
    Fault(
        "the host reads at all times", "emcc_core", "host_busy", "1'b1", r"the host reads while", before=".read_i     ("
    ),
    Fault("no group waits for a queue", "emcc_core", "|near_full[g*Lanes +: Lanes]", "1'b0", r"push when full"),
    Fault(
        "a word counts as written before it is",
        "emcc_core",
        "word_written",
        "we",
        r"a beat out|passes of|cycles of|stalls of|broadcasts of",
        before="else if (",
    ),
    Fault("a cycle lost now and then", "emcc_rows", "2'(Settle - 1)", "2'(Settle)", r"passes of inference"),
    Fault(
        "a tag that a PE holds is drained",
        "emcc_core",
        "{|holds1, |holds0}",
        "2'b0",
        r"a beat out|drain of the bank|overflow|passes of",
    ),
    Fault(
        "lanes beyond the last word are looked at",
        "emcc_core",
        f"{SLOT} < word_lanes",
        f"{SLOT} <= word_lanes",
        r"a beat out|broadcasts of|stalls of|passes of|not there|overflow",
    ),
)

NEXT_INPUT = (
    Fault(
        "the drain does not go first",
        "emcc_core",
        "in_ready && hold_q",
        "in_ready",
        r"the host and a row write at once",
    ),
    Fault(
        "the inputs' words are free too early",
        "emcc_core",
        "reads_q == '0",
        "1'b1",
        r"a word is received that a step still reads",
    ),
    Fault(
        "the table's row is not reset",
        "emcc_host",
        "HostW'(First)",
        "row_q",
        r"beats are due",
        before="            default: begin\n              state_q <= Load0;\n              row_q   <= ",
    ),
    Fault(
        "a run begins before its input is there",
        "emcc_core",
        "(in_full || there_q)",
        "1'b1",
        r"a beat out|a word is received that a step still reads",
        before="assign start         = ",
    ),
    Fault(
        "a received activation is emptied in its last stage",
        "emcc_core",
        "late_way_q[HostLatency-2]",
        "1'b0",
        r"a beat out",
    ),
    Fault(
        "a row's sum is let into a received activation",
        "emcc_core",
        "hold_q",
        "1'b0",
        r"a beat out|(total|done|stalls|broadcasts) of inference",
        before=".host_first_i (",
    ),
    Fault(
        "what is sent is picked where the other host receives",
        "emcc_core",
        "out_lane == LaneW'(i)",
        "host_lane == LaneW'(i)",
        r"a beat out|a stalled beat out|did not stay",
    ),
)

HALVES = (
    Fault("late rows stay in the first bank", "emcc_acc", "row_i >= border_i", "1'b0", r"a beat out|overflow"),
    Fault(
        "a row too many goes to the other bank",
        "emcc_acc",
        "row_i >= border_i",
        "row_i >= border_i - 1'b1",
        r"a beat out",
    ),
    Fault(
        "the second half splits too",
        "emcc_core",
        "step_split",
        "1'b1",
        r"drain of the bank in use",
        before="split_q[take_tag] <= ",
    ),
    Fault(
        "the other bank need not be free",
        "emcc_walk",
        "(&free_i)",
        "1'b1",
        r"a tile splits into a bank that is not free",
    ),
    Fault(
        "the second half begins at row 0", "emcc_walk", "d_first", "'0", r"a beat out|overflow", before="row_q      <= "
    ),
    Fault(
        "the second half's rows are drained from 0",
        "emcc_rows",
        "d_first",
        "'0",
        r"a beat out",
        before="acc_q      <= ",
    ),
    Fault(
        "early words are not read before the others",
        "emcc_core",
        "drain_keep",
        "1'b0",
        r"(passes|cycles) of inference",
        before="seen_q <= ",
    ),
    Fault(
        "the drain takes the first half's end for the second's",
        "emcc_rows",
        "!keep_way_q[Latency]",
        "1'b1",
        r"a beat out|passes of inference|is another one|ends where",
    ),
    Fault(
        "the drain waits for the first half's last word",
        "emcc_rows",
        "Load0",
        "Flush",
        r"passes of inference|beats are due",
        before="if (pass_end && d_keep) begin\n              state_q <= ",
    ),
    Fault(
        "the other bank keeps the step before",
        "emcc_core",
        "{2{step_ident}}",
        "ident_q",
        r"a beat out|overflow",
    ),
)

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    **{"walk": WALK, "scan": SCAN, "slice": SLICE, "sum": SUM, "rows": ROWS, "host": HOST, "core": CORE},
    "slice_lut_ram": SLICE[:1],
    "halves": HALVES,
    "next_input": NEXT_INPUT,
}
"""By bench."""
