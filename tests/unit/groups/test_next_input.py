"""Inputs that come while the inference before runs: where they lie, when they may come, what cannot be."""

from dataclasses import replace

import numpy as np
import pytest
from emulate import emulate
from hand_qgraphs import Hand
from hypothesis import given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised
from random_qgraphs import qgraphs
from specimens import patterned, specimen

from emcc.backends.verilog import render_core
from emcc.backends.verilog.library import NEXT_INPUT, one_side
from emcc.base.errors import EmccError
from emcc.driver.emit import memory_of
from emcc.driver.lowering import check_memory
from emcc.eie import reference
from emcc.eie.budget import budget
from emcc.eie.groups import cycles
from emcc.eie.groups.plan import END, RECEIVE, RUN, SEND, Pass, Plan
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.transfer import exposed_most, following, transfer
from emcc.eie.lower import lower
from emcc.eie.next_input import why_not
from emcc.eie.options import LowerOptions
from emcc.eie.program_check import problems
from emcc.eie.store import load_program, save_program
from emcc.ir.program import Program
from emcc.ir.text import program_text
from emcc.runtime.between import unforeseen
from emcc.runtime.designs import Design
from emcc.runtime.simulator import COUNTERS, Run

AHEAD = LowerOptions(pes=4, groups=2, next_input=True)


def read(row: Pass) -> set[int]:
    """The words that a pass reads."""
    found = set()
    for y in range(row.height):
        for x in range(row.width):
            for tap in row.taps:
                source = row.b if tap.sel else row.a
                at_y, at_x = row.y0 + y * row.step_y + tap.dy, row.x0 + x * row.step_x + tap.dx
                if 0 <= at_y < row.map_height and 0 <= at_x < row.map_width:
                    at = source.base + y * source.row + x * source.x + tap.offset
                    found |= set(range(at, at + row.words))
    return found


def received(made: Plan, pes: int) -> set[int]:
    """The words that the host writes."""
    rows = [row for row in made.host if row.op == RECEIVE]
    return {
        row.base + at * row.pitch + word
        for row in rows
        for at in range(row.positions)
        for word in range(-(-row.slots // pes))
    }


@settings(max_examples=30, deadline=None)
@given(qgraphs(), st.sampled_from([1, 2, 4]))
def test_nothing_reads_an_input_that_was_given_up(case: tuple, groups: int) -> None:
    graph, x = case
    program = lower(graph, LowerOptions(pes=4, groups=groups))
    if why_not(program):
        return
    ahead = replace(program, next_input=True)
    made = plan(ahead)
    assert made.next_input is not None
    given_up = made.passes[made.next_input.passes :]
    mine = received(made, ahead.pes)
    assert min(mine) >= made.next_input.base
    assert not any(word >= made.next_input.base for row in given_up for word in read(row))
    values = {name: value.reshape(len(value), -1) for name, value in x.items()}
    wanted, got = reference.run_ports(program, values), emulate(ahead, values)
    for name in wanted:
        np.testing.assert_array_equal(got[name], wanted[name])
    assert not problems(ahead)
    for one, other in zip(cycles.count(program, values).pass_done, cycles.count(ahead, values).pass_done, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_host_s_table_is_for_two() -> None:
    program, made = specimen("next_input")
    assert [row.op for row in made.host] == [RECEIVE, RUN, END, RUN, SEND, END]
    assert made.next_input is not None
    assert made.host[made.next_input.row].op == RUN
    assert transfer(made) == transfer(plan(replace(program, next_input=False)))


def test_a_program_keeps_it_and_says_it() -> None:
    program = lower(quantised([20, 8, 3]), AHEAD)
    plain = replace(program, next_input=False)
    assert load_program(save_program(program)).next_input
    assert not load_program(save_program(plain)).next_input
    assert b"next_input" in save_program(program)
    assert b"next_input" not in save_program(plain)
    assert "the next input while this one runs" in program_text(program)
    assert "next input" not in program_text(plain)


def with_host() -> Program:
    """A part of the host in the middle."""
    return specimen("groups")[0]


def given_back() -> Program:
    """An output that is a part of what holds the input."""
    net = Hand((4, 3, 3))
    net.concat("x0", net.conv("x0", 4))
    return lower(net.graph(), LowerOptions(pes=4))


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (with_host, "the host has a part in its middle ('Softmax 7')"),
        (given_back, "lies in the words of an input"),
        (lambda: lower(quantised([1, 4, 2]), LowerOptions(pes=2)), "it has fewer than 2 activations"),
    ],
)
def test_what_cannot_be_is_said(program, said) -> None:
    made = program()
    assert said in why_not(made)
    assert not problems(made)
    assert any(said in problem for problem in problems(replace(made, next_input=True)))


def test_lowering_refuses_what_cannot_be() -> None:
    with pytest.raises(EmccError, match="cannot come while this one runs: it has fewer than 2") as caught:
        lower(quantised([1, 4, 2]), LowerOptions(pes=2, next_input=True))
    assert "leave next_input out" in str(caught.value.hint)


def test_memory_that_the_inputs_words_are_too_much_for() -> None:
    program = lower(quantised([900, 8, 300, 3]), AHEAD)
    bits = sum(row.bits for row in memory_of(replace(program, next_input=False)))
    options = replace(AHEAD, memory=f"{bits}bit")
    check_memory(replace(program, next_input=False), options)
    with pytest.raises(EmccError, match=r"receives the next input .* more than there are") as caught:
        check_memory(program, options)
    assert "without next_input" in str(caught.value.hint)
    least = budget(options.memory)
    assert least is not None
    assert f"takes {least.missing(memory_of(program)):,} bits of memory more" in str(caught.value)


def test_an_emitted_design_has_one_side() -> None:
    """No trace of the other one, and none of the condition."""
    program, made = specimen("next_input")
    plain = replace(program, next_input=False)
    for one, words in ((render_core(program, made), True), (render_core(plain), False)):
        together = b"".join(one.values()).decode()
        assert NEXT_INPUT not in together
        assert ("u_in (" in together) == words
        assert ("InputPasses" in together) == words
        assert ("u_host (" in together) != words


def test_one_side_of_a_text() -> None:
    held = (
        "a\n`ifdef M\nb\n`ifdef N\nc\n`else\nd\n`endif\n`else\ne\n`endif\n`ifndef M\nf\n`endif\n`ifndef X\ng\n`endif\n"
    )
    assert one_side(held, "M", True) == "a\nb\n`ifdef N\nc\n`else\nd\n`endif\n`ifndef X\ng\n`endif\n"
    assert one_side(held, "M", False) == "a\ne\nf\n`ifndef X\ng\n`endif\n"


def simulated(exposed: list[int], beside: list[int]) -> np.ndarray:
    """Which of some inferences a simulation of these records would be red for."""
    program = lower(quantised([300, 6]), AHEAD)
    design = Design(program, plan(program))
    traffic = design.traffic({"x": inputs(len(exposed), 300)})
    records = np.zeros((len(exposed), len(COUNTERS)), np.int64)
    records[:, COUNTERS.index("transfer")] = beside
    records[:, COUNTERS.index("exposed")] = exposed
    done = np.ones(len(exposed), bool)
    return unforeseen(design, traffic, Run(traffic.out, records, done, np.arange(len(exposed)) == 0))


def test_cycles_between_answers_are_held_against_the_model() -> None:
    program = lower(quantised([300, 6]), AHEAD)
    made = plan(program)
    counts = cycles.count(program, {"x": inputs(4, 300)}, made)
    most, alone = exposed_most(made, counts.walked, counts.total).tolist(), transfer(made)
    assert min(most) > 0
    seen = [40, 1, most[1], 0]
    right = [alone, *following(made, np.array(seen[1:])).tolist()]
    assert not simulated(seen, right).any()
    for place in range(4):
        wrong = [value + (at == place) for at, value in enumerate(right)]
        assert simulated(seen, wrong).tolist() == [at == place for at in range(4)]
    late = [40, 1, most[1] + 1, 0]
    assert simulated(late, [alone, *following(made, np.array(late[1:])).tolist()]).tolist() == [
        False,
        False,
        True,
        False,
    ]


def test_a_stream_is_as_fast_as_its_longest_part() -> None:
    program, made = specimen("next_input")
    design = Design(program, made)
    traffic = design.traffic(patterned(program))
    between, alone = design.between(traffic), traffic.cycles + traffic.transfer
    assert (between < alone).all()
    assert (between >= traffic.cycles).all()
