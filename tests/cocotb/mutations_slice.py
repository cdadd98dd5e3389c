"""Faults in a PE and in a lane's drain of the array of column groups; see mutations_groups.Fault."""

from mutations_groups import Fault

SLICE = (
    Fault(
        "no forwarding of the sum being added",
        "emcc_acc",
        "valid2_q && row2_q == row1_q && tag2_q == tag1_q",
        "1'b0",
        r"drained_o",
    ),
    Fault(
        "forwarding from the other bank",
        "emcc_acc",
        "tag3_q == tag1_q",
        "1'b1",
        r"drained_o",
        before="row3_q == row1_q && ",
    ),
    Fault(
        "no forwarding of the third sum",
        "emcc_acc",
        "valid4_q && row4_q == row1_q && tag4_q == tag1_q",
        "1'b0",
        r"drained_o",
    ),
    Fault(
        "a bit of the sum is lost",
        "emcc_acc",
        "operand3 + AccW'(product3_q)",
        "operand3 + AccW'(product3_q) & ~AccW'(2)",
        r"drained_o",
    ),
    Fault(
        "a bank is not cleared",
        "emcc_acc",
        "drain1_q && drain_bank1_q",
        "1'b0",
        r"drained_o|overflow",
        before="assign next_clear1 = ",
    ),
    Fault(
        "the largest is never below 0",
        "emcc_acc",
        "fresh3_q",
        "1'b0",
        r"drained_o.*largest",
        before="assign larger   = ",
    ),
    Fault(
        "a code has no sign",
        "emcc_acc",
        "i < (1 << k) ? i : (1 << k) - 1",
        "i",
        r"drained_o.*own code|overflow",
        before="padded[",
    ),
    Fault("all lanes have the same row", "emcc_slice", "RowW'(Behind)", "RowW'(0)", r"drained_o"),
    Fault(
        "a product has one factor",
        "emcc_slice",
        "use6_q",
        "1'b0",
        r"drained_o.*product|overflow",
        before="assign factor = HasLoad && ",
    ),
    Fault(
        "an empty column enters the queue",
        "emcc_slice",
        "ptr_data_i[0 +: CountW] != '0",
        "1'b1",
        r"an empty column|holds_o",
        before="may_push_q && ",
    ),
    Fault("a factor counts as a product", "emcc_slice", "!load_i", "1'b1", r"holds_o|near_full_o", before="lane_i && "),
    Fault("what is worked on is not held", "emcc_slice_read", "active_q && tag1_q", "1'b0", r"holds_o: RTL"),
    Fault(
        "a column begins where the last one ended",
        "emcc_slice_read",
        "first3_q",
        "1'b0",
        r"drained_o|not there",
        before="row_q <= (",
    ),
    Fault(
        "a column has an entry more",
        "emcc_slice_read",
        "left_q == CountW'(1)",
        "left_q == CountW'(0)",
        r"holds_o|near_full_o",
    ),
)

SUM = (
    Fault("a group is left out", "emcc_sum", "sums[2*n] + sums[2*n+1]", "sums[2*n]", r"act_o"),
    Fault("nothing is rounded", "emcc_requant", "round_i && halves[shift_i]", "1'b0", r"act_o.*'scaled_i': 1"),
    Fault("all is multiplied", "emcc_sum", "!scaled_q", "1'b0", r"act_o.*'scaled_i': 0", before="if ("),
    Fault("no saturation", "emcc_requant", "over", "1'b0", r"act_o", before="act3_q <= ("),
    Fault("what is far above is not seen", "emcc_requant", "|differs[LeftW-1:ActW-1+ShiftMax]", "1'b0", r"act_o"),
    Fault("what is near above is not seen", "emcc_requant", "differs[ActW-1 +: ShiftMax] >> shift_i", "'0", r"act_o"),
    Fault("no function", "emcc_requant", "!table_i || host_busy_i", "1'b1", r"act_o.*'table_i': 1", before="else if ("),
)
