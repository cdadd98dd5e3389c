"""How many PEs a design gets where the board is given and --pes is not: what is fastest, fits, and can be placed.

Block RAMs are what decides for large weights, and what they hold is a choice too: which memories are made of LUTs
instead (`boards.lutram`, for each design), and how wide the runs of its entries are. Where block RAMs are too few,
narrower runs than padding asks for are tried until they are enough: entries of 9 bits take fewer than those of 10.

Sizes are those of SIZES. A design of few PEs is lowered first: what one of its PEs takes bounds the larger ones, so
that none is lowered that cannot fit. Of the others the largest that fits is searched for, from a guess on. Then the
round ones from half of it on are tried, and larger ones too: block RAMs do not grow with PEs, for memories of more PEs
are less deep, and cycles do not fall with them where only another number of groups fits. Of those that were tried and
fit the one with fewest cycles is taken, of equals the smallest: more PEs than a network has rows for help nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from emcc.boards.board import Board
from emcc.boards.needs import Needs
from emcc.boards.streamed import on_board
from emcc.driver.lowering import check_memory, counted, lowered, shape
from emcc.eie.groups.choice import Choice
from emcc.eie.memory import LARGE_ROM
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import MAX_PES, Program

SIZES = tuple(sorted({part << k for part in (1, 2, 3, 4, 5, 6, 7) for k in range(9) if part << k <= MAX_PES}))
"""Powers of two, and three numbers between each two: they divide into column groups."""

ROUND = tuple(sorted({part << k for part in (1, 3) for k in range(9)} & set(SIZES)))
"""Of these the powers of two, and the number in the middle of each two."""

PROBE = 4
"""PEs of the design that is lowered first."""

_LEAST = 0.7
"""Share of a PE of the first design, and of its weights' bits, that another takes at least: with other memories."""


@dataclass(frozen=True)
class Tried:
    """A number of PEs that was lowered for a board.

    Attributes:
        cycles: the mean of some samples, running and transfer.
        run_bits: of LowerOptions, that it was lowered with.
    """

    choice: Choice
    needs: Needs
    cycles: float
    run_bits: int = 0

    @property
    def pes(self) -> int:
        """Its PEs."""
        return self.choice.program.pes

    @property
    def groups(self) -> int:
        """Its column groups."""
        return self.choice.program.groups

    @property
    def fits(self) -> bool:
        """Whether it fits."""
        return not self.needs.over

    @property
    def suits(self) -> bool:
        """Whether it fits, and is placed before long: what is chosen where there is a choice."""
        return self.fits and self.needs.placeable


@dataclass(frozen=True)
class Sized:
    """What was taken, and all that was tried, by PEs."""

    taken: Tried
    tried: tuple[Tried, ...]


def fitted(
    graph: Graph,
    options: LowerOptions,
    activity: Mapping[str, Array] | None,
    x: Array,
    board: Board,
    given: bool,
    updatable: bool = False,
    streamed: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> Sized:
    """Lower a quantised graph for a board: for the options' PEs where they are `given`, else for as many as suit it.

    `updatable`: with the block RAMs that `emcc bitstream --updatable` takes. `streamed`: weights come as a boot image.

    Raises:
        EmccError: it does not fit, with what is needed and there.
    """

    def needs(program: Program) -> Needs:
        return needs_of(program, board, updatable, streamed)

    def once(pes: int, run_bits: int) -> Tried:
        own = replace(options, pes=pes, run_bits=run_bits)
        made = lowered(graph, own, activity, x, lambda program: needs(program).missing)
        return Tried(made, needs(made.program), counted(made.program, x), run_bits)

    def attempt(pes: int) -> Tried:
        progress(f"lowering for {pes} PEs")
        return with_runs(lambda run_bits: once(pes, run_bits), options.run_bits)

    tried = {options.pes: attempt(options.pes)} if given else _search(attempt, options)
    fitting = [one for one in tried.values() if one.fits]
    if not fitting:
        least = min(tried.values(), key=lambda one: one.needs.missing)
        raise least.needs.refusal(f"a design of {shape(least.choice.program)}")
    best = min([one for one in fitting if one.suits] or fitting, key=lambda one: (round(one.cycles), one.pes))
    check_memory(best.choice.program, options)
    return Sized(best, tuple(tried[pes] for pes in sorted(tried)))


def with_runs(attempt: Callable[[int], Tried], run_bits: int) -> Tried:
    """Lower for the width of runs that is asked for; where that is open and memory decides, for narrower ones too.

    It decides where nothing fits, or only a number of groups that is not the fastest. Of what fits the one with fewest
    cycles is taken, else the one that comes nearest; of equals the one with the widest runs.
    """
    tried = [attempt(run_bits)]
    widths = narrower(tried[0].needs) if not run_bits else ()
    for width in widths:
        if not decided(tried[-1]):
            break
        tried.append(attempt(width))
    return min(tried, key=lambda one: (one.needs.missing, one.cycles))


def narrower(needs: Needs) -> list[int]:
    """Return the widths of runs, from wide to narrow, with which entries take fewer block RAMs than they do."""
    program, entries = needs.context.program, needs.entries
    widest = max((one.run_w for one in program.slices), default=0)
    widths, least = [], needs.blocks(entries)
    for width in range(widest - 1, 0, -1):
        taken = needs.blocks(replace(entries, width=entries.width - widest + width))
        widths += [width] if taken < least else []
        least = min(least, taken)
    return widths


def decided(one: Tried) -> bool:
    """Return whether block RAMs are too few for it, or it has another number of groups than the fastest."""
    fastest = min((cycles for _, cycles in one.choice.tried), default=0.0)
    return "bram" in one.needs.over or dict(one.choice.tried).get(one.groups, 0.0) > fastest


def needs_of(program: Program, board: Board, updatable: bool = False, streamed: bool = False) -> Needs:
    """Return what a program needs of a board."""
    return Needs(board, on_board(board, program, updatable, streamed))


def _search(attempt: Callable[[int], Tried], options: LowerOptions) -> dict[int, Tried]:
    """Try numbers of PEs until the largest that suits and the next one are known, and round ones around it."""
    sizes = [size for size in SIZES if size % max(options.groups, 1) == 0]
    first = next(size for size in sizes if size >= PROBE or size == sizes[-1])
    probe = attempt(first)
    tried = {first: probe}
    sizes = [size for size in sizes if at_least(probe, size) <= 1]
    if not sizes:
        return tried

    def fits(size: int) -> bool:
        if size not in tried:
            tried[size] = attempt(size)
        return tried[size].suits

    for size in around(largest(sizes, guess(probe, sizes), fits) or 0, sizes):
        fits(size)
    return tried


def around(found: int, sizes: Sequence[int]) -> list[int]:
    """Return the round ones of `sizes` from half of `found` on."""
    return [size for size in sizes if size in ROUND and 2 * size >= found]


def largest(sizes: Sequence[int], guess: int, fits: Callable[[int], bool]) -> int | None:
    """Return the largest of ascending `sizes` that fits, None where none does.

    From `sizes[guess]` on in steps that double, and between the last two by halving.
    """
    low, high, at, step = -1, len(sizes), guess, 1
    while high - low > 1:
        good = fits(sizes[at])
        low, high = (at, high) if good else (low, at)
        onward = at + step if good else at - step
        at, step = (onward, 2 * step) if low < onward < high else ((low + high) // 2, step)
    return sizes[low] if low >= 0 else None


def at_least(probe: Tried, size: int) -> float:
    """Return what share of a board a design of that size takes at least, by what is scarcest.

    LUTs and multipliers of its PEs, and block RAMs of its weights, of which each PE has one where they are many.
    """
    usable, share = probe.needs.usable, size / probe.pes
    weights = probe.needs.entries.bits * _LEAST
    blocks = max(weights / probe.needs.block_bits, size * (weights / size > LARGE_ROM))
    needed = {"lut": probe.needs.pe_luts * share * _LEAST, "dsp": size, "bram": blocks}
    return max(count / max(usable[kind], 1) for kind, count in needed.items())


def guess(probe: Tried, sizes: Sequence[int]) -> int:
    """Return the index of the size that is likely to be the largest that fits: PEs in proportion, the rest as it is."""
    luts, rest = probe.needs.pe_luts, probe.needs.cells.lut - probe.needs.pe_luts
    room = (probe.needs.usable["lut"] - rest) / max(luts / probe.pes, 1)
    return max((i for i, size in enumerate(sizes) if size <= room), default=0)
