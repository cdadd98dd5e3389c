"""Which passes steps become, where things lie, and what cannot be laid out."""

from dataclasses import replace

import numpy as np
import pytest
from emulate import emulate
from hand_qgraphs import FIXED, PLAIN, Hand

from emcc.base.errors import EmccError
from emcc.eie import reference
from emcc.eie.groups.plan import END, RECEIVE, RUN, SEND, Plan
from emcc.eie.groups.schedule import plan
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.program_check import problems
from emcc.ir.program import Program


def program_of(net: Hand, pes: int = 2, groups: int = 2) -> Program:
    """Lower it, and hold the emulated array against the reference."""
    program = lower(net.graph(), LowerOptions(pes=pes, groups=groups))
    check(program)
    return program


def check(program: Program) -> None:
    """The emulated array gives the reference's integers."""
    rng = np.random.default_rng(0)
    sizes = {port.name: int(np.prod(port.shape)) for port in program.inputs}
    x = {name: rng.integers(-500, 500, (2, size)) for name, size in sizes.items()}
    wanted, got = reference.run_ports(program, x), emulate(program, x)
    for name, values in wanted.items():
        np.testing.assert_array_equal(got[name], values)


def kinds(made: Plan) -> list[str]:
    """Of each pass."""
    names = {(False, False): "broadcast", (True, False): "dense", (True, True): "direct"}
    return ["largest" if row.largest else names[row.local, row.direct] for row in made.passes]


@pytest.mark.parametrize("wide", [1, 2])
def test_tensors_of_more_than_two_pitches_are_copied(wide: int) -> None:
    net = Hand((4, 3, 3))
    parts = [net.conv("x0", 4) for _ in range(3 + wide)]
    for i, part in enumerate(parts[1:], 1):
        net.concat(part, *(net.conv("x0", 2) for _ in range(i)))
    net.add(*parts)
    made = plan(program_of(net))
    copies = [row for row in made.passes if row.plain]
    assert len(copies) == 1 + wide
    assert {tap.sel for tap in made.passes[-1].taps} == {False, True}


def test_tensors_of_one_pitch_share_a_source_unless_one_is_just_written() -> None:
    net = Hand((4, 3, 3))
    first, second = net.conv("x0", 4), net.conv("x0", 4)
    net.add(first, second)
    last = plan(program_of(net)).passes[-1]
    assert [tap.sel for tap in last.taps] == [False, True]
    assert (last.depends_a, last.depends_b) == (False, True)
    net.conv("x0", 2)
    net.add(second, first)
    made = plan(program_of(net))
    assert [tap.sel for tap in made.passes[-1].taps] == [False, False]
    assert not made.passes[-1].depends_a


def test_a_pool_beyond_the_map_is_refused() -> None:
    net = Hand((3, 1, 4))
    net.node("MaxPool", ["x0"], {**PLAIN, "kernel_shape": (3, 2), "dilations": (2, 1), "pads": (2, 0, 2, 0)})
    program = program_of(net)
    assert kinds(plan(program)) == ["largest"]
    step = program.steps[0]
    beyond = replace(program, steps=(replace(step, window=replace(step.window, before=(3, 0))),))
    with pytest.raises(EmccError, match="node 'MaxPool t1': a window of the pool is beyond the map"):
        plan(beyond)


def test_means_are_rectangles_of_one_count() -> None:
    net = Hand((3, 5, 6))
    book = net.constant(np.array([0, *(16384 // i for i in range(1, 10))]))
    attrs = {**PLAIN, **FIXED, "kernel_shape": (3, 3), "pads": (1, 1, 1, 1), "weight_frac": 14, "ceil_mode": 0}
    net.node("QAveragePool", ["x0", book], {**attrs, "shift": 14, "z_frac": 8, "count_include_pad": 0})
    made = plan(program_of(net))
    assert [row.height * row.width for row in made.passes] == [1, 4, 1, 3, 12, 3, 1, 4, 1]
    assert [len(row.taps) for row in made.passes] == [4, 6, 4, 6, 9, 6, 4, 6, 4], "what no position sees is left out"
    net.node("QAveragePool", ["x0", book], {**attrs, "shift": 14, "z_frac": 8, "count_include_pad": 1})
    assert len(plan(program_of(net)).passes) == 10


def test_products_have_a_pass_a_word() -> None:
    net = Hand((5, 3, 3), (5, 1, 1))
    net.node("QProduct", ["x0", "x1"], {**FIXED, "shift": 8, "z_frac": 8}, 8)
    made = plan(program_of(net))
    assert [(row.words, row.lanes, row.rows, row.b.x) for row in made.passes] == [(1, 2, 2, 0)] * 2 + [(1, 1, 1, 0)]


def test_depthwise_weights_are_dense_unless_they_are_one() -> None:
    net = Hand((4, 4, 4))
    net.conv("x0", 4, kernel=(3, 3), group=4, pads=(1, 1, 1, 1))
    made = plan(program_of(net))
    assert kinds(made) == ["dense"]
    net.constants[net.nodes[-1].inputs[1]][:] = 3
    made = plan(program_of(net))
    assert kinds(made) == ["direct"]
    assert not made.codes


def test_taps_that_nothing_sees_are_left_out() -> None:
    net = Hand((4, 1, 4))
    net.conv("x0", 4, kernel=(3, 3), pads=(1, 1, 1, 1))
    made = plan(program_of(net))
    assert [(tap.dy, tap.dx) for tap in made.passes[0].taps] == [(1, 0), (1, 1), (1, 2)]
    assert made.columns[0].taps == (3, 4, 5)


def test_the_host_between_steps() -> None:
    net = Hand((3, 2, 2))
    before = net.conv("x0", 3)
    middle = net.node("Sigmoid", [before], {}, 14)
    other = net.node("Sigmoid", [before], {}, 14)
    whole = net.concat(middle, other)
    net.conv(whole, 2)
    program = program_of(net, pes=4)
    made = plan(program)
    assert [row.op for row in made.host] == [RECEIVE, RUN, SEND, RECEIVE, RECEIVE, RUN, SEND, END]
    assert [row.slots for row in made.host if row.op == RECEIVE] == [4, 4, 4], "a channel twice, whole words of a part"
    assert [row.last for row in made.host] == [False] * 6 + [True, False]
    assert [row.stop for row in made.passes] == [True, True]
    assert not any(row.depends_a or row.depends_b for row in made.passes)


def test_memory_is_used_again() -> None:
    net = Hand((4, 4, 4))
    source = "x0"
    for _ in range(6):
        source = net.conv(source, 4)
    assert plan(program_of(net)).act_words == 2 * 32, "two neighbours"
    assert plan(program_of(net, pes=4)).act_words == 2 * 16


def test_equal_things_are_there_once() -> None:
    net = Hand((4, 4, 4))
    first = net.conv("x0", 4)
    net.put("QConv", [first, *net.nodes[-1].inputs[1:]], net.nodes[-1].attrs, net.fmt(8))
    made = plan(lower(net.graph(), LowerOptions(pes=2, groups=2, balance="none")))
    assert len(made.passes) == 2
    assert [len(blocks) for blocks in (made.columns, made.biases, made.books)] == [1, 1, 1]
    assert made.passes[0].taps == made.passes[1].taps


def test_a_step_may_write_over_what_it_read_there() -> None:
    net = Hand((4, 3, 3))
    net.node("QSum", ["x0"], {**FIXED, "weights": (1,), "shift": 1, "z_frac": 7}, 7)
    program = program_of(net)
    step = program.steps[0]
    over = replace(program, steps=(replace(step, target=step.sources[0]),))
    over = replace(over, outputs=(replace(over.outputs[0], buffer=step.sources[0]),))
    check(over)
    assert plan(over).act_words == 18


def test_a_step_that_writes_what_it_still_reads_is_refused() -> None:
    net = Hand((4, 3, 3))
    net.conv("x0", 4)
    program = program_of(net)
    over = replace(program, steps=(replace(program.steps[0], target=program.steps[0].sources[0]),))
    with pytest.raises(EmccError, match="node 'QConv t1': it writes words that it still reads"):
        plan(over)


def test_a_sum_whose_weights_differ_by_slot() -> None:
    net = Hand((4, 3, 3), (4, 3, 3))
    net.add("x0", "x1")
    program = program_of(net)
    codes = np.array([[0, 1, 1, 0], [1, 1, 0, 0]], np.uint8)
    mixed = replace(program, codes=(codes,), codebooks=(np.array([1, -2]),), acc_w=24)
    check(mixed)
    assert kinds(plan(mixed)) == ["dense"]


def test_a_window_of_too_many_taps_is_refused() -> None:
    net = Hand((1, 300, 300))
    book, codes = net.constant(np.array([0, 1])), net.constant(np.ones((1, 90000), np.uint8))
    more = {"code_w": 1, "weight_frac": 0, "shift": 0, "z_frac": 8}
    flat = net.node("Flatten", ["x0"], {"axis": 1})
    net.node("QLinear", [flat, codes, book, net.constant(np.zeros(1, np.int64))], {**FIXED, **more})
    net.conv("x0", 1)
    program = lower(net.graph(), LowerOptions(pes=1))
    with pytest.raises(EmccError, match="node 'QLinear t2': a window of 90,000 taps, more than the 65,536"):
        plan(program)


@pytest.mark.parametrize("dense", [False, True])
def test_orders_that_wait_for_each_other(dense: bool) -> None:
    """A residual block of two convolutions; one that reads a Concat which it ends up added to a part of."""
    net = Hand((4, 3, 3))
    first = net.conv("x0", 4)
    source = net.concat(first, net.conv("x0", 2)) if dense else net.conv(first, 6)
    net.add(first, net.conv(source, 4))
    program = lower(net.graph(), LowerOptions(pes=4, groups=2, balance="entries"))
    assert problems(program) == []
    check(program)


def test_an_input_whose_columns_are_passed_over() -> None:
    """A kernel of one column that moves by two: its input is not unrolled, though copies of its channels help."""
    net = Hand((2, 5, 4))
    net.conv("x0", 3, strides=(1, 2))
    program = program_of(net, pes=4, groups=4)
    assert (program.buffers[0].height, program.buffers[0].width) == (5, 4)


def test_what_fits_no_memory_is_refused() -> None:
    net = Hand((1, 1024, 1024))
    net.node("QSum", ["x0"], {**FIXED, "weights": (1,), "z_frac": 8})
    program = lower(net.graph(), LowerOptions(pes=1))
    with pytest.raises(EmccError, match=r"take 2,097,152 words of 1, more than the 1,048,576(.|\n)*hint: more PEs"):
        plan(program)
