"""The memory map and the widths of the array that a Program asks for: what the templates and the ROM images share."""

from dataclasses import dataclass
from functools import cached_property

from emcc.eie.liveness import Life, allocate
from emcc.ir.program import Program, words


def bits(values: int) -> int:
    """Return how many bits number `values` things, at least 1."""
    return max(1, (values - 1).bit_length())


@dataclass(frozen=True)
class Placement:
    """Where a layer's things begin in the array's memories, and its word counts.

    Attributes:
        in_words, in_last: words of the source, and lanes used in its last word; out_words, out_last: of the result.
        src_base, dst_base: words of the activation banks.
        col_base: first column in the pointer memories; bias_base: first local row in the bias memories.
        book_base: first entry in the codebook memory, a multiple of 2**code_w.
        code_sel: log2 of the code width.
    """

    in_words: int
    in_last: int
    src_base: int
    out_words: int
    out_last: int
    dst_base: int
    col_base: int
    bias_base: int
    book_base: int
    code_sel: int


@dataclass(frozen=True)
class Layout:
    """Derived from a Program alone; depths are in words of the memory."""

    program: Program

    @cached_property
    def sizes(self) -> list[int]:
        """Elements of every tensor between layers: the input, then each layer's result."""
        return [self.program.layers[0].n_in, *(layer.n_out for layer in self.program.layers)]

    @cached_property
    def placements(self) -> tuple[Placement, ...]:
        """One a layer."""
        pes = self.program.pes
        counts = [words(size, pes) for size in self.sizes]
        # The last one goes out and is not stored.
        bases = [*self._activations[0], 0]
        result = []
        col = bias = book = 0
        for i, layer in enumerate(self.program.layers):
            size = 1 << layer.code_w
            book = -(-book // size) * size
            result.append(
                Placement(
                    in_words=counts[i],
                    in_last=self.sizes[i] - (counts[i] - 1) * pes,
                    src_base=bases[i],
                    out_words=counts[i + 1],
                    out_last=self.sizes[i + 1] - (counts[i + 1] - 1) * pes,
                    dst_base=bases[i + 1],
                    col_base=col,
                    bias_base=bias,
                    book_base=book,
                    code_sel=layer.code_w.bit_length() - 1,
                )
            )
            col += layer.n_in
            bias += counts[i + 1]
            book += size
        return tuple(result)

    @cached_property
    def _activations(self) -> tuple[list[int], int]:
        """Return (the base of each tensor that is stored, the depth of the activation bank)."""
        counts = [words(size, self.program.pes) for size in self.sizes[:-1]]
        return allocate([Life(count, i - 1, i) for i, count in enumerate(counts)])

    @property
    def act_words(self) -> int:
        """Depth of an activation bank."""
        return self._activations[1]

    @property
    def columns(self) -> int:
        """Depth of a pointer memory."""
        return sum(layer.n_in for layer in self.program.layers)

    @property
    def biases(self) -> int:
        """Depth of a bias memory."""
        return sum(p.out_words for p in self.placements)

    @property
    def book_depth(self) -> int:
        """Depth of the codebook memory."""
        return self.placements[-1].book_base + (1 << self.program.layers[-1].code_w)

    @property
    def rows(self) -> int:
        """Depth of an accumulator bank."""
        return max(p.out_words for p in self.placements)

    def slice_entries(self, pe: int) -> int:
        """Count the Spmat entries of one PE over all layers."""
        return sum(int(layer.first[pe + 1] - layer.first[pe]) for layer in self.program.layers)

    @cached_property
    def spmat_depth(self) -> int:
        """Depth of the Spmat memories: the fullest PE's."""
        return max(1, *(self.slice_entries(pe) for pe in range(self.program.pes)))

    @property
    def count_bits(self) -> int:
        """Bits of a pointer's count."""
        return bits(max(int(layer.count.max()) for layer in self.program.layers) + 1)

    @property
    def start_bits(self) -> int:
        """Bits of a pointer's start, an address of the Spmat memory."""
        return bits(self.spmat_depth)

    @property
    def entry_bits(self) -> int:
        """Bits of an Spmat entry; the same for every layer, the boundary between code and run is not."""
        return max(layer.code_w + layer.run_w for layer in self.program.layers)

    @property
    def shift_min(self) -> int:
        """The smallest shift; the array shifts by this much for nothing."""
        return min(layer.shift for layer in self.program.layers)

    @property
    def shift_bits(self) -> int:
        """Bits of what a layer shifts on top of shift_min."""
        return bits(max(layer.shift for layer in self.program.layers) - self.shift_min + 1)

    @property
    def table_split(self) -> tuple[int, int]:
        """(lo_bits, hi_bits), one for all tables."""
        splits = {(table.lo_bits, table.hi_bits) for table in self.program.tables}
        if len(splits) > 1:
            raise ValueError(f"function tables differ in their split: {sorted(splits)}")
        return splits.pop() if splits else (0, 0)

    @property
    def coarse_size(self) -> int:
        """Words of one coarse table."""
        return int(self.program.tables[0].coarse.size) if self.program.tables else 1

    @property
    def fine_size(self) -> int:
        """Words of one fine table."""
        return int(self.program.tables[0].fine.size) if self.program.tables else 1

    @property
    def code_widths(self) -> int:
        """Bit k is set where a layer has codes of 2**k bits."""
        return sum(1 << k for k in {p.code_sel for p in self.placements})

    @property
    def max_code_w(self) -> int:
        """The widest code."""
        return max(layer.code_w for layer in self.program.layers)

    def shift(self, index: int) -> int:
        """Return what a layer shifts by on top of shift_min."""
        return self.program.layers[index].shift - self.shift_min

    def table_base(self, index: int, size: int) -> int:
        """Return where a layer's function table begins, in tables of so many entries."""
        return max(self.program.layers[index].table, 0) * size

    @property
    def word_bits(self) -> int:
        """Bits of a word count of any tensor."""
        return bits(max(words(size, self.program.pes) for size in self.sizes) + 1)

    @property
    def lane_count_bits(self) -> int:
        """Bits of a number of lanes."""
        return bits(self.program.pes + 1)

    @property
    def act_addr_bits(self) -> int:
        """Address bits of an activation bank."""
        return bits(self.act_words)

    @property
    def col_bits(self) -> int:
        """Address bits of a pointer memory."""
        return bits(self.columns)

    @property
    def bias_addr_bits(self) -> int:
        """Address bits of a bias memory."""
        return bits(self.biases)

    @property
    def book_addr_bits(self) -> int:
        """Address bits of the codebook memory; never below a code's, which is or-ed in."""
        return max(bits(self.book_depth), self.max_code_w)

    @property
    def row_bits(self) -> int:
        """Address bits of an accumulator bank."""
        return bits(self.rows)

    @property
    def coarse_addr_bits(self) -> int:
        """Address bits of the coarse tables."""
        return bits(self.coarse_size * max(1, len(self.program.tables)))

    @property
    def fine_addr_bits(self) -> int:
        """Address bits of the fine tables."""
        return bits(self.fine_size * max(1, len(self.program.tables)))
