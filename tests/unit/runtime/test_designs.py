"""What crosses between host and array, and the work of each step, on random graphs with host parts and several ends."""

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from random_qgraphs import qgraphs

from emcc import ops
from emcc.eie import reference
from emcc.eie.groups.plan import RECEIVE
from emcc.eie.groups.schedule import plan
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph, Node
from emcc.ir.program import ABSENT, FIRST_CONSTANT, Program
from emcc.runtime.crossings import Span, crossings, place
from emcc.runtime.designs import Design
from emcc.runtime.work import by_step

Case = tuple[Graph, dict[str, Array]]


def lowered(case: Case, pes: int = 4, groups: int = 1) -> tuple[Program, dict[str, Array]]:
    """The program, and its inputs as [n, elements]."""
    graph, x = case
    return lower(graph, LowerOptions(pes=pes, groups=groups)), {
        name: value.reshape(len(value), -1) for name, value in x.items()
    }


@settings(max_examples=60, deadline=None)
@given(qgraphs(), st.sampled_from([1, 2, 4]))
def test_the_streams_hold_inputs_answers_reads_and_outputs(case: Case, groups: int) -> None:
    """Whoever computes the host's parts of what comes out gives what goes in."""
    program, inputs = lowered(case, groups=groups)
    design = Design(program, plan(program))
    traffic = design.traffic(inputs)
    assert traffic.into.shape[1] == sum(turn for turn in design.shape.turns if turn > 0)
    assert traffic.out.shape[1] == design.shape.out
    given_, spans = iter(_received(design, traffic.into)), iter(design.spans)
    answers, held = reference.run_ports(program, inputs), dict[int, Array]()
    for port in program.inputs:
        held[port.buffer] = next(given_)
        np.testing.assert_array_equal(held[port.buffer], inputs[port.name][:, port.order] * (port.order >= 0))
    ran, read = 0, list[int]()
    for crossing in list(crossings(program))[len(program.inputs) :]:
        buffer = crossing.port.buffer
        for part in program.parts[ran : crossing.parts]:
            flat = _answer(program, part, [reference.elements(port, held[port.buffer]) for port in part.ports])
            held[part.target.buffer] = flat[:, part.target.order] * (part.target.order >= 0)
        ran = crossing.parts
        if crossing.into:
            np.testing.assert_array_equal(next(given_), held[buffer])
            continue
        span = next(spans)
        came = traffic.out.astype(np.int64)
        held[buffer] = came[:, span.index]
        if crossing.output:
            np.testing.assert_array_equal(span.taken(came), answers[crossing.port.name])
        else:
            read.append(buffer)
    assert next(spans, None) is None
    assert next(given_, None) is None
    assert len(set(read)) == len(read)
    assert not {*read} & {port.buffer for port in (*program.inputs, *(part.target for part in program.parts))}


def _received(design: Design, into: Array) -> list[Array]:
    """What is received, a tensor at a time: [n, positions, slots]; what is beyond its slots has to be 0."""
    found, at = [], 0
    rows = [row for row in design.plan.host if row.op == RECEIVE]
    for row, crossing in zip(rows, (one for one in crossings(design.program) if one.into), strict=True):
        size, slots = row.positions * row.slots, crossing.port.order.shape[1]
        beats = into[:, at : at + size].reshape(len(into), row.positions, row.slots)
        assert not beats[:, :, slots:].any()
        found.append(beats[:, :, :slots])
        at += size
    return found


def _answer(program: Program, part: Any, read: list[Array]) -> Array:
    """What the host answers: integers [n, elements]."""
    floats = [
        program.buffers[port.buffer].fmt.dequantise(x).reshape(len(x), *port.shape)
        for port, x in zip(part.ports, read, strict=True)
    ]
    arguments = [
        floats[i] if i >= 0 else None if i == ABSENT else part.constants[FIRST_CONSTANT - i] for i in part.reads
    ]
    value = ops.get(part.op).evaluate(np, Node(part.name, part.op, (), (), part.attrs), *arguments)
    fmt = program.buffers[part.target.buffer].fmt
    return fmt.quantise(np.asarray(value, np.float64).reshape(len(value), -1))


@settings(max_examples=60, deadline=None)
@given(qgraphs())
def test_work_is_what_a_network_of_ones_sums_up(case: Case) -> None:
    """With every non-zero weight and activation 1, a step's sums are its useful operations."""
    program, inputs = lowered(case, pes=3)
    memory = reference.Memory(program, 3)
    for port in program.inputs:
        memory.write(port, inputs[port.name])
    for _ in memory.steps():
        pass
    own = [step for step in program.steps if step.combine == "mac" and step.codebook < 0]
    matrices, columns = {step.slices for step in own}, {step.codes for step in own}
    ones = replace(
        program,
        codebooks=tuple((book != 0).astype(np.int64) for book in program.codebooks),
        slices=tuple(
            replace(one, code=(one.code != 0).astype(one.code.dtype)) if i in matrices else one
            for i, one in enumerate(program.slices)
        ),
        codes=tuple((one != 0).astype(one.dtype) if i in columns else one for i, one in enumerate(program.codes)),
    )
    found = by_step(program, memory.values)
    for i, step in enumerate(program.steps):
        seen = [(memory.values[source] != 0).astype(np.int64) for source in step.sources]
        source, target = program.buffers[step.sources[0]], program.buffers[step.target]
        taps = list(reference.tapped(step.window, (source.height, source.width), (target.height, target.width)))
        if step.combine == "mul":
            sums = seen[0] * seen[1]
        elif step.combine == "max" or (step.kind == "local" and step.codes < 0):
            sums = sum(seen[0][:, at] * inside[:, None] for at, inside in taps)
        elif step.kind == "broadcast":
            sums = reference._matrix(ones, step, seen[0], taps)
        else:
            sums = reference._local(ones, step, seen, taps)
        assert found[:, i].tolist() == sums.sum(axis=(1, 2)).tolist(), step


@settings(max_examples=30, deadline=None)
@given(qgraphs(), st.randoms(use_true_random=False))
def test_every_integer_on_the_stream_has_a_place(case: Case, random: Any) -> None:
    program, _ = lowered(case)
    for span in Design(program, plan(program)).spans:
        index = span.first + random.randrange(span.size)
        position, slot = divmod(index - span.first, span.slots)
        found = place(program, span, index)
        port = span.crossing.port
        assert found.element == port.order[position, slot]
        assert span.crossing.says in found.says
        assert "nothing" not in found.says or port.order[position, slot] < 0
        if program.buffers[port.buffer].positions > 1:
            assert f"position {divmod(position, program.buffers[port.buffer].width)}" in found.says
    wide = Span(span.crossing, 0, span.slots + 1)
    assert place(program, wide, span.slots).element == -1
