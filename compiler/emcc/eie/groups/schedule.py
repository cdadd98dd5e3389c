"""Program -> Plan: passes and the host's table, with an address each."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from emcc.base.errors import EmccError
from emcc.eie.groups import timing
from emcc.eie.groups.exchange import exchanges
from emcc.eie.groups.plan import END, RECEIVE, RUN, SEND, HostRow, NextInput, Pass, Plan
from emcc.eie.groups.steps import Steps
from emcc.eie.groups.transfer import sends_what_came
from emcc.eie.groups.where import Where, root_of, where
from emcc.eie.groups.work import Work
from emcc.eie.liveness import Life, allocate
from emcc.ir.program import Port, Program

ACC_ROWS = 16
"""Rows of an accumulator bank: fewer where no pass fills them, more where a position has more."""

MAX_ACT_WORDS = 1 << 20
"""Words of activations that are not yet a mistake."""


@dataclass(frozen=True)
class Transfer:
    """What the host receives (from the host's view: what comes into the array) or sends."""

    op: int
    port: Port
    at: Where


Event = Work | Transfer


def plan(program: Program) -> Plan:
    """Lay a Program out. EmccError where it is larger than any memory, or a step writes what it reads."""
    steps = Steps(program)
    events = list(_events(program, steps))
    apart = _inputs(program) if program.next_input else frozenset()
    bases, depth = _bases(events, apart)
    if depth > MAX_ACT_WORDS:
        raise EmccError(
            f"the activations that are needed at a time take {depth:,} words of {program.pes}, "
            f"more than the {MAX_ACT_WORDS:,} that there can be",
            hint="more PEs make fewer words; a smaller input has fewer positions",
        )
    acc_rows = _acc_rows([event.row for event in events if isinstance(event, Work)])
    shelves = steps.stock.shelves()
    passes: list[Pass] = []
    before: Work | None = None
    for i, event in enumerate(events):
        if isinstance(event, Work):
            row = event.placed(bases, shelves)
            stop = not isinstance(events[i + 1], Work)
            passes.append(
                replace(
                    row,
                    tile=min(row.positions, max(1, acc_rows // row.rows)),
                    depends_a=before is not None and event.waits(before, second=False),
                    depends_b=before is not None and event.waits(before, second=True),
                    stop=stop,
                )
            )
        before = event if isinstance(event, Work) else None
    host = list(_host(program, events, bases))
    return Plan(
        lanes=program.lanes,
        groups=program.groups,
        passes=tuple(passes),
        host=tuple(_in_two(host) if program.next_input else host),
        act_words=depth,
        acc_rows=acc_rows,
        bases=tuple(bases.items()),
        columns=tuple(steps.stock.columns.values()),
        codes=tuple(steps.stock.codes.values()),
        biases=tuple(shelves.biases.values()),
        scales=tuple(shelves.scales.values()),
        books=tuple(shelves.books.values()),
        next_input=_ahead(events, host, apart, bases) if program.next_input else None,
        host_wait=timing.TABLE if program.tables and sends_what_came(host) else 0,
    )


def _acc_rows(rows: list[Pass]) -> int:
    """Return the depth of an accumulator bank."""
    filled = max((row.first + row.rows) * row.positions for row in rows)
    return max(*(row.first + row.rows for row in rows), min(ACC_ROWS, filled))


def _events(program: Program, steps: Steps) -> Iterator[Event]:
    """Yield passes and transfers in order."""

    def moved(op: int, port: Port) -> Transfer:
        return Transfer(op, port, where(program, port.buffer))

    yield from (moved(RECEIVE, port) for port in program.inputs)
    crossing = list(exchanges(program))
    before: Work | None = None
    for index in range(len(program.steps) + 1):
        while crossing and crossing[0].part.before <= index:
            own = crossing.pop(0)
            yield from (moved(SEND, port) for port in own.fetched)
            if own.answers:
                yield moved(RECEIVE, own.part.target)
            before = None if own.fetched or own.answers else before
        if index < len(program.steps):
            for made in steps.works(index, before):
                yield made
                before = made
    yield from (moved(SEND, port) for port in program.outputs)


def _bases(events: list[Event], apart: frozenset[int]) -> tuple[dict[int, int], int]:
    """Return (the address of every root, the depth of the memory). Roots that live `apart` lie behind all others."""
    lives: dict[int, Life] = {}
    for time, event in enumerate(events):
        for at in _touched(event):
            first = lives[at.root].written if at.root in lives else time
            lives[at.root] = Life(at.size, first, time)
    shared = {root: life for root, life in lives.items() if root not in apart}
    bases, depth = allocate(list(shared.values()))
    found = dict(zip(shared, bases, strict=True))
    for root in sorted(apart):
        found[root], depth = depth, depth + lives[root].words
    return found, depth


def _inputs(program: Program) -> frozenset[int]:
    """Return the roots of the inputs."""
    return frozenset(root_of(program, port.buffer)[0] for port in program.inputs)


def _ahead(events: list[Event], host: list[HostRow], apart: frozenset[int], bases: dict[int, int]) -> NextInput:
    """Return how the next inputs come: they are free when the last pass that has to do with their words is walked."""
    works = [event for event in events if isinstance(event, Work)]
    last = max(i for i, event in enumerate(works) if any(at.root in apart for at in _touched(event)))
    return NextInput(len(_received(host)) + 2, last + 1, min(bases[root] for root in apart))


def _received(host: list[HostRow]) -> list[HostRow]:
    return [row for row in host if row.op == RECEIVE]


def _in_two(host: list[HostRow]) -> list[HostRow]:
    """Return a table for two: one receives, and its run lasts until the words are free; the other does the rest."""
    return [*_received(host), HostRow(RUN), HostRow(END), *(row for row in host if row.op != RECEIVE)]


def _touched(event: Event) -> list[Where]:
    return [event.at] if isinstance(event, Transfer) else [*(read.at for read in event.reads), event.target]


def _host(program: Program, events: list[Event], bases: dict[int, int]) -> Iterator[HostRow]:
    """Yield the host's table. A part of a whole is received in whole words, so that there is no old value in it."""
    running = False
    for i, event in enumerate(events):
        if isinstance(event, Transfer):
            at = event.at
            slots = at.words * program.pes if event.op == RECEIVE and at.part else at.slots
            last = i == len(events) - 1
            yield HostRow(event.op, bases[at.root] + at.first, at.pitch, at.height * at.width, slots, last)
        elif not running:
            yield HostRow(RUN)
        running = isinstance(event, Work)
    yield HostRow(END)
