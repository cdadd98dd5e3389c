"""The memories of constants in the making: what passes need, each thing once, and where it lies."""

from dataclasses import dataclass

from emcc.eie.groups.plan import Biases, Book, Codes, Columns, Scales
from emcc.ir.codebook import code_width
from emcc.ir.program import Program, Step, words


@dataclass(frozen=True)
class Shelves:
    """Where the rest lies: biases by (bias, plus), multipliers by index, codebooks by (index, code width)."""

    biases: dict[tuple[int, int], Biases]
    scales: dict[int, Scales]
    books: dict[tuple[int, int], Book]


class Stock:
    """Takes what passes need. Columns and dense codes have addresses at once, the rest when all is known: `shelves`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.columns: dict[tuple[int, int, tuple[int, ...], int, int, bool], Columns] = {}
        self.codes: dict[tuple[int, int, tuple[int, ...]], Codes] = {}
        self._biases: dict[tuple[int, int], int] = {}
        self._scales: dict[int, int] = {}
        self._books: set[tuple[int, int]] = set()
        self._next_column = self._next_code = 0

    def column(self, step: Step, taps: tuple[int, ...], late: bool = False) -> Columns:
        """Return the columns of a broadcast step's taps; `late`: those that are walked again."""
        slots = self.program.buffers[step.sources[0]].slots
        key = (step.slices, slots, taps, step.early, step.again, late)
        if key not in self.columns:
            self.columns[key] = Columns(self._next_column, *key)
            places = step.again if late else len(taps) * words(slots, self.program.pes)
            self._next_column += places * self.program.lanes
        self._book(step, self.program.slices[step.slices].code_w)
        return self.columns[key]

    def code(self, step: Step, taps: tuple[int, ...]) -> Codes:
        """Return the dense codes of a local step's taps."""
        codes = self.program.codes[step.codes]
        code_w = code_width(codes, step.codebook < 0)
        key = (step.codes, code_w, taps)
        if key not in self.codes:
            self.codes[key] = Codes(self._next_code, *key)
            self._next_code += len(taps) * words(codes.shape[1], self.program.pes)
        self._book(step, code_w)
        return self.codes[key]

    def _book(self, step: Step, code_w: int) -> None:
        """Take a step's codebook, if it has one."""
        if step.codebook >= 0:
            self._books.add((step.codebook, code_w))

    def rows(self, bias: int, plus: int, multiplier: int, rows: int) -> None:
        """Take a bias (-1: none) plus `plus`, and multipliers (-1: none), in so many local rows."""
        self._biases[bias, plus] = max(rows, self._biases.get((bias, plus), 0))
        if multiplier >= 0:
            self._scales[multiplier] = max(rows, self._scales.get(multiplier, 0))

    def shelves(self) -> Shelves:
        """Return where everything lies. The widest codebooks come first: each begins at a multiple of its size."""
        biases, scales, books, first = {}, {}, {}, 0
        for (bias, plus), rows in self._biases.items():
            biases[bias, plus] = Biases(first, bias, plus, rows)
            first += rows
        first = 0
        for multiplier, rows in self._scales.items():
            scales[multiplier] = Scales(first, multiplier, rows)
            first += rows
        first = 0
        for index, code_w in sorted(self._books, key=lambda book: (-book[1], book[0])):
            books[index, code_w] = Book(first, index, code_w)
            first += 1 << code_w
        return Shelves(biases, scales, books)
