"""What the array of column groups runs: passes over one memory of activations, values only. See docs/array.md."""

from dataclasses import dataclass

RECEIVE, SEND, RUN, END = range(4)
"""What a row of the host's table does."""


@dataclass(frozen=True)
class Tap:
    """A tap of a pass.

    Attributes:
        dy, dx: map coordinates beside those of the output position.
        offset: words beside the source's address at the output position; may be negative.
        sel: whether it reads source B; load: whether its activation is kept as the next tap's weight.
        weight: of a direct pass, 16 bits.
    """

    dy: int
    dx: int
    offset: int
    sel: bool = False
    load: bool = False
    weight: int = 0


@dataclass(frozen=True)
class Source:
    """Where a source lies: its address at output position (0, 0), and how far it moves a position and a row."""

    base: int
    x: int
    row: int


@dataclass(frozen=True)
class Pass:
    """A rectangle of a step's output positions, walked row by row.

    Attributes:
        step: index into Program.steps.
        local, direct, largest: how words are used; direct implies local, largest ("max") implies direct.
        height, width: output positions.
        a, b: the sources.
        y0, x0: map coordinates of output position (0, 0); step_y, step_x: of the next ones, relative.
        map_height, map_width: a tap counts inside of them.
        taps: in order.
        words: of a position of the source.
        lanes: slots in use in the last word, 1 to pes.
        columns: broadcast: the first column in the pointer memories; local: the first address of the dense codes.
        tile: output positions of a tile.
        rows: K, local rows of a position; a multiple of the groups where the target is part of a Concat's whole, so
            that all of its words are written.
        slots: of a position of the target, in use: what is drained beyond them is 0.
        depends_a, depends_b: whether the source is what the pass before writes.
        stop: whether the host has something to do when this pass is written.
        dst, dst_x, dst_row: address of output position (0, 0), and how far it moves a position and a row.
        bias, scale: first word in the bias and multiplier memories; scale is -1 where there are no multipliers.
        code_w, book, ident: of a pass with codes: their bits, the codebook's first entry, whether the code is the
            weight.
        plain: whether the sums are written as they are, whatever the step does after its sums: a copy before it.
        split: local row from which on sums go to the other bank, which the next pass drains; 0 for none.
        first: of that next pass, the local row that its rows begin at.
    """

    step: int
    local: bool
    direct: bool
    largest: bool
    height: int
    width: int
    a: Source
    b: Source
    y0: int
    x0: int
    step_y: int
    step_x: int
    map_height: int
    map_width: int
    taps: tuple[Tap, ...]
    words: int
    lanes: int
    columns: int
    tile: int
    rows: int
    slots: int
    depends_a: bool
    depends_b: bool
    stop: bool
    dst: int
    dst_x: int
    dst_row: int
    bias: int
    scale: int = -1
    code_w: int = 1
    book: int = 0
    ident: bool = False
    plain: bool = False
    split: int = 0
    first: int = 0

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.height * self.width


@dataclass(frozen=True)
class HostRow:
    """A row of the host's table: `op` and, of a buffer, where it lies. `last`: the last of an inference to send."""

    op: int
    base: int = 0
    pitch: int = 1
    positions: int = 1
    slots: int = 1
    last: bool = False


@dataclass(frozen=True)
class Columns:
    """Columns in the pointer memories, from `first` on: of Program.slices[slices], over positions of `slots` slots.

    `taps`: those of the matrix's taps that any output position sees. In group g, column (t * words + w) * lanes + l is
    the slot at word w, lane l of tap taps[t].

    Where `early` is not 0, the last `again` words of all taps' are there twice: in the block of the pass that splits
    with the entries of local rows before `early`, and in the block of the next pass, which is `late` and has nothing
    else, with those of the others.
    """

    first: int
    slices: int
    slots: int
    taps: tuple[int, ...]
    early: int = 0
    again: int = 0
    late: bool = False


@dataclass(frozen=True)
class Codes:
    """Dense codes of the PEs, from address `first` on: rows `taps` of Program.codes[codes], `code_w` bits each."""

    first: int
    codes: int
    code_w: int
    taps: tuple[int, ...]


@dataclass(frozen=True)
class Biases:
    """`rows` words of the bias memories, from `first` on: Program.biases[bias], or none (-1), plus `plus`."""

    first: int
    bias: int
    plus: int
    rows: int


@dataclass(frozen=True)
class Scales:
    """`rows` words of the multiplier memories, from `first` on: Program.multipliers[multiplier]."""

    first: int
    multiplier: int
    rows: int


@dataclass(frozen=True)
class Book:
    """Entries of the codebook memory, from `first` on: Program.codebooks[codebook], 2**code_w places."""

    first: int
    codebook: int
    code_w: int


@dataclass(frozen=True)
class NextInput:
    """How the next inference's inputs come while this one runs.

    Attributes:
        row: of the host's table, from which on it runs and sends; what is before receives.
        passes: that are walked when the inputs' words are free again.
        base: the first word of the inputs; all from there on is theirs.
    """

    row: int
    passes: int
    base: int


@dataclass(frozen=True)
class Plan:
    """A Program on the array.

    Attributes:
        lanes: R; groups: G.
        passes: in order. host: rows of the host's table, END last.
        act_words: depth of the activation memory.
        acc_rows: depth of an accumulator bank.
        bases: (root, the address of its first word) of every root, see where.Where.
        columns, codes, biases, scales, books: what lies in the memories of constants, in the order of addresses.
        next_input: where the next inference's inputs come while this one runs.
        host_wait: cycles that the host waits before it sends where it has received just before, so that what came has
            landed in the memory.
    """

    lanes: int
    groups: int
    passes: tuple[Pass, ...]
    host: tuple[HostRow, ...]
    act_words: int
    acc_rows: int
    bases: tuple[tuple[int, int], ...] = ()
    columns: tuple[Columns, ...] = ()
    codes: tuple[Codes, ...] = ()
    biases: tuple[Biases, ...] = ()
    scales: tuple[Scales, ...] = ()
    books: tuple[Book, ...] = ()
    next_input: NextInput | None = None
    host_wait: int = 0

    @property
    def splits(self) -> bool:
        """Whether a pass splits: the array has what that needs."""
        return any(row.split for row in self.passes)
