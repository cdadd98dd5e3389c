"""Faults to put into the array of column groups: an expression of the RTL and what it becomes.

All faults of a bench are in one design, which is built once, and `+fault=N` switches one of them on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PACKAGE = b"""package emcc_fault_pkg;
  function automatic int chosen();
    int number;
    number = 0;
    if ($value$plusargs("fault=%d", number)) return number;
    return 0;
  endfunction

  int Fault = chosen();
endpackage
"""


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        name: what is broken. file: the module's.
        old, new: expressions; `before` and `old` stand once in the module, one behind the other.
        says: a regular expression that the run's log must match: it went red for this reason.
    """

    name: str
    file: str
    old: str
    new: str
    says: str
    before: str = ""


def seeded(files: Mapping[str, bytes], faults: Sequence[Fault]) -> dict[str, bytes]:
    """The files that have the faults, numbered from 1, and the package that chooses one."""
    changed: dict[str, bytes] = {"rtl/emcc_fault_pkg.sv": PACKAGE}
    for number, fault in enumerate(faults, 1):
        name = f"rtl/{fault.file}.sv"
        text, place = changed.get(name, files[name]).decode(), fault.before + fault.old
        assert text.count(place) == 1, f"{place!r} stands {text.count(place)} times in {name}"
        choice = f"{fault.before}(emcc_fault_pkg::Fault == {number} ? ({fault.new}) : ({fault.old}))"
        changed[name] = text.replace(place, choice).encode()
    return changed


WALK = (
    Fault(
        "no word waits for its source",
        "emcc_walk",
        "(sel3_q ? d_dep_b : d_dep_a)",
        "1'b0",
        r"(take_o|done_o|valid_o|addr_o): RTL",
    ),
    Fault(
        "the word that was just written waits",
        "emcc_walk",
        "addr3_q > seen_addr_i",
        "addr3_q >= seen_addr_i",
        r"(take_o|done_o|valid_o|addr_o): RTL",
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
        "!last_word_i",
        "1'b1",
        r"outputs: RTL",
        before="lanes_i[i] || ",
    ),
    Fault("a word's column is its first", "emcc_scan", "info2_q + index2_q", "info2_q", r"'col_o'"),
)

SLICE = (
    Fault("no forwarding of the sum being added", "emcc_acc", "valid2_q && row2_q == row1_q && tag2_q == tag1_q", "1'b0", r"drained_o"),
    Fault("forwarding from the other bank", "emcc_acc", "tag3_q == tag1_q", "1'b1", r"drained_o", before="row3_q == row1_q && "),
    Fault("no forwarding of the third sum", "emcc_acc", "valid4_q && row4_q == row1_q && tag4_q == tag1_q", "1'b0", r"drained_o"),
    Fault("a bit of the sum is lost", "emcc_acc", "operand3 + AccW'(product3_q)", "operand3 + AccW'(product3_q) & ~AccW'(2)", r"drained_o"),
    Fault("a bank is not cleared", "emcc_acc", "drain2_q && drain_bank2_q", "1'b0", r"drained_o|overflow", before="assign clear1  = "),
    Fault("the largest is never below 0", "emcc_acc", "fresh3_q", "1'b0", r"drained_o.*largest", before="assign larger   = "),
    Fault("a code has no sign", "emcc_acc", "i < (1 << k) ? i : (1 << k) - 1", "i", r"drained_o.*own code|overflow", before="padded["),
    Fault("all lanes have the same row", "emcc_slice", "RowW'(Behind)", "RowW'(0)", r"drained_o"),
    Fault("a product has one factor", "emcc_slice", "use6_q", "1'b0", r"drained_o.*product|overflow", before="assign factor = "),
    Fault("an empty column enters the queue", "emcc_slice", "filled", "1'b1", r"an empty column|holds_o", before="!load6_q : "),
    Fault("a factor counts as a product", "emcc_slice", "!load6_q", "1'b1", r"holds_o|near_full_o", before="lane6_q && "),
    Fault("what is worked on is not held", "emcc_slice_read", "active_q && tag1_q", "1'b0", r"holds_o: RTL"),
    Fault("a column begins where the last one ended", "emcc_slice_read", "first3_q", "1'b0", r"drained_o|not there", before="row_q <= ("),
    Fault("a column has an entry more", "emcc_slice_read", "left_q == CountW'(1)", "left_q == CountW'(0)", r"holds_o|near_full_o"),
)  # fmt: skip

SUM = (
    Fault("a group is left out", "emcc_sum", "sums[2*n] + sums[2*n+1]", "sums[2*n]", r"act_o"),
    Fault("nothing is rounded", "emcc_sum", "(SumW'(1) << ShiftMin << shift_i) >> 1", "SumW'(0)", r"act_o.*'scaled_i': 1"),
    Fault("all is multiplied", "emcc_sum", "scaled_i ? scale_i : 16'd1", "scale_i", r"act_o.*'scaled_i': 0"),
    Fault("no saturation", "emcc_drain", "over", "1'b0", r"act_o", before="'0 :\n        "),
    Fault("no function", "emcc_drain", "!table_i", "1'b1", r"act_o.*'table_i': 1", before="else if ("),
)  # fmt: skip

ROWS = (
    Fault("a row of a tile that a PE holds", "emcc_rows", "!holds_i[tag_q]", "1'b1", r"that a PE holds|outputs", before="left_i[tag_q] && "),
    Fault("a row of a tile that is not left", "emcc_rows", "left_i[tag_q]", "1'b1", r"that is not left|outputs", before="Wait: if ("),
    Fault("one bank is cleared", "emcc_rows", "clear_end && tag_q", "clear_end", r"'ready_o': 1.*'ready_o': 0"),
    Fault("a word has the whole position", "emcc_rows", "turn_q == GroupW'(Groups - 1)", "1'b0", r"word_end_o", before="last_row || "),
    Fault("places without a slot are in use", "emcc_rows", "part_way_q[Latency-1] && in_part_q[i]", "part_way_q[Latency-1]", r"lane_en_o"),
    Fault("a pass is written before it is", "emcc_rows", "pass_last && we_o", "pass_last", r"pass_end_o|of the pass"),
)  # fmt: skip

HOST = (
    Fault("a slot too far", "emcc_host", "first_q + 1'b1", "first_q", r"a beat in", before="group_q <= first_q == GroupW'(Groups - 1) ? '0 : "),
    Fault("tlast with every buffer", "emcc_host", "d_last && last", "last", r"a beat out"),
    Fault("data before they are there", "emcc_host", "wait_q == 2'd3", "wait_q == 2'd1", r"a beat out|did not stay"),
    Fault("a beat is taken twice", "emcc_host", "state_q == Receiving && s_axis_tvalid", "state_q == Receiving", r"we_o|a beat in", before="assign we_o          = "),
)  # fmt: skip

CORE = (
    Fault("reset forgets the accumulators", "emcc_rows", "clear", "1'b0", r"a beat out|overflow", before="clear_way_q <= "),
    Fault("no group waits for a queue", "emcc_core", "|near_full[g*Lanes +: Lanes]", "1'b0", r"push when full"),
    Fault("a word counts as written before it is", "emcc_core", "we && we_word_end", "we", r"a beat out|passes of|cycles of|stalls of|broadcasts of", before="else if ("),
    Fault("a cycle lost now and then", "emcc_rows", "2'(Settle - 1)", "2'(Settle)", r"passes of inference"),
    Fault("a tag that a PE holds is drained", "emcc_core", "{|holds1, |holds0}", "2'b0", r"a beat out|drain of the bank|overflow|passes of"),
    Fault("lanes beyond the last word are looked at", "emcc_core", "LanesW'((g - i + Lanes * Groups) % Groups * Lanes + i) < word_lanes", "LanesW'((g - i + Lanes * Groups) % Groups * Lanes + i) <= word_lanes", r"a beat out|broadcasts of|stalls of|passes of|not there|overflow"),
)  # fmt: skip

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    **{"walk": WALK, "scan": SCAN, "slice": SLICE, "sum": SUM, "rows": ROWS, "host": HOST, "core": CORE}
}
"""By bench."""
