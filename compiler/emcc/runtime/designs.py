"""A design as the simulator drives it: what goes in, and what should come out in how many cycles."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np

from emcc.eie import reference
from emcc.eie.groups import cycles
from emcc.eie.groups.plan import RECEIVE, SEND, HostRow, Plan
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.transfer import exposed_most, following, transfer
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.runtime.crossings import Span, crossings
from emcc.runtime.simulator import Shape
from emcc.runtime.work import by_step


@dataclass(frozen=True)
class Traffic:
    """What goes through a design in a batch of n inferences, by the reference.

    Attributes:
        into: integers [n, ...], all beats in.
        out: integers [n, shape.out], all that should come out.
        cycles: int64 [n], predicted.
        completed: int64 [n, completions], predicted too: the cycle of each.
        products: int64 [n, steps], see work.by_step.
        transfer: int64 [n], predicted cycles between running, of inferences that each come alone.
        exposed: int64 [n], where the next input comes while one runs: cycles in which it is seen to come at most.
    """

    into: Array
    out: Array
    cycles: Array
    completed: Array
    products: Array
    transfer: Array
    exposed: Array

    @staticmethod
    def joined(parts: "list[Traffic]") -> "Traffic":
        """Return batches as one."""
        rows = zip(*(vars(part).values() for part in parts), strict=True)
        return Traffic(*(np.concatenate(row) for row in rows))


@dataclass(frozen=True)
class Design:
    """An emitted design: an activation a beat, by the rows of the host's table."""

    program: Program
    plan: Plan

    @cached_property
    def _rows(self) -> tuple[HostRow, ...]:
        """The rows that move something, one a crossing."""
        rows = tuple(row for row in self.plan.host if row.op in (RECEIVE, SEND))
        for row, crossing in zip(rows, crossings(self.program), strict=True):
            positions, slots = crossing.port.order.shape
            fits = (row.op == RECEIVE) == crossing.into and row.positions == positions and row.slots >= slots
            assert fits, f"{row} is not {crossing.says}"
        return rows

    @property
    def shape(self) -> Shape:
        """Turns as the host's table has them."""
        sizes = ((row.op == RECEIVE, row.positions * row.slots) for row in self._rows)
        turns = [(into, sum(size for _, size in group)) for into, group in groupby(sizes, key=lambda one: one[0])]
        signed = tuple(size if into else -size for into, size in turns)
        return Shape(self.program.act_w, signed, len(self.plan.passes), self.program.next_input)

    @property
    def steps(self) -> tuple[int, ...]:
        """The step of the Program that each completion is of: a step is one or more passes."""
        return tuple(each.step for each in self.plan.passes)

    @property
    def spans(self) -> tuple[Span, ...]:
        """What comes out, in order: what the host's parts read, and the outputs."""
        found: list[Span] = []
        for row, crossing in zip(self._rows, crossings(self.program), strict=True):
            if not crossing.into:
                found.append(Span(crossing, found[-1].first + found[-1].size if found else 0, row.slots))
        return tuple(found)

    def traffic(self, inputs: Mapping[str, Array], watch: reference.Watch | None = None) -> Traffic:
        """Run the reference on integers [n, elements] by input's name."""
        program = self.program
        memory = reference.ran(program, inputs, watch)
        sides: dict[bool, list[Array]] = {True: [], False: []}
        for row, crossing in zip(self._rows, crossings(program), strict=True):
            # The reference gives every buffer room of its own, so what crossed in the middle is still there.
            held = memory.values[crossing.port.buffer]
            wide = np.zeros((*held.shape[:2], row.slots), self.shape.dtype)
            wide[:, :, : held.shape[2]] = held
            sides[crossing.into].append(wide.reshape(len(wide), -1))
        into, out = (np.concatenate(sides[side], axis=1) for side in (True, False))
        counts = cycles.count(program, inputs, self.plan)
        beside, exposed = np.full(len(into), transfer(self.plan)), np.zeros(len(into), np.int64)
        if self.plan.next_input:
            exposed = exposed_most(self.plan, counts.walked, counts.total)
        return Traffic(into, out, counts.total, counts.pass_done, by_step(program, memory.values), beside, exposed)

    def between(self, traffic: Traffic) -> Array:
        """Return the cycles from answer to answer of a stream that keeps up, the next input coming while one runs.

        int64 [n], of the inferences that begin to run then: exact where no receiving is seen, else at most.
        """
        return np.asarray(traffic.cycles + following(self.plan, traffic.exposed))


def design_of(program: Program) -> Design:
    """Return the design of a Program. EmccError where it is larger than any memory."""
    return Design(program, plan(program))


def step_cycles(design: Design, completed: Array, total: Array) -> Array:
    """Return the cycles from each step's completion to the next, the rest of `total` with the last: int64 [n, steps].

    Args:
        design: whose `steps` say the step of each completion.
        completed: int64 [n, completions], the cycle in which each was.
        total: int64 [n], cycles of the inference.
    """
    ends = np.column_stack([completed[:, :-1], total])
    taken = np.diff(ends, axis=1, prepend=0)
    result = np.zeros((len(completed), len(design.program.steps)), np.int64)
    np.add.at(result.T, list(design.steps), taken.T)
    return result
