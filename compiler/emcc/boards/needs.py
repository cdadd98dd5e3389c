"""What a design needs of a board, before any synthesis: by the model of cells, against what there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from emcc.base.errors import EmccError
from emcc.boards import catalogue
from emcc.boards.board import Board
from emcc.boards.fit import WORDS
from emcc.boards.lutram import lut_words
from emcc.boards.memories.blocks import FORMATS
from emcc.eie.budget import advice
from emcc.eie.cells.features import lut_rams
from emcc.eie.cells.model import Cells, cells, fitted, luts_of_pes
from emcc.eie.cells.varying import memories
from emcc.eie.cells.xilinx import LUTS_OF, block_bits, blocks_on, cells_at_most
from emcc.eie.groups.tables import Context
from emcc.eie.memory import Memory

MARGIN = 0.15
"""Share of LUTs and flip-flops that stays free: so far the model may be off, and a full part cannot be routed."""

PLACED = 32_000
"""LUTs up to which a design is chosen: nextpnr placed 30,400 in 45 minutes, and was not through with 46,700 in 36."""

_FLIP_FLOPS = {"gowin": 0.75, "xc7": 2.0, "xcup": 2.0}
"""Flip-flops a LUT, where there is not one for each (Gowin DS117 and DS226, AMD DS180 and DS890)."""

_BESIDE = {"ecp5": 2}
"""LUTs that nothing else can have beside a RAM of 16 x 4 of them: its writing takes their inputs (FPGA-TN-02205)."""

_LUTS_A_RAM = {"gowin": 32}
"""LUTs a RAM of 16 x 4 bits, where not all can be RAM: 648 of 20,736 and 270 of 8,640 (Gowin DS226 and DS117)."""

LUT_RAM = "lut_ram"
_FEWER = "take fewer PEs (--pes)"
_ADVICE = {
    **dict.fromkeys(("lut", "ff", LUT_RAM), f"{_FEWER}, or 8-bit activations ([calibrate] bits = 8)"),
    "dsp": _FEWER,
}
_SHOWN = 4


def there_is(board: Board) -> dict[str, int]:
    """Return LUTs, flip-flops, block RAMs and multipliers of a board's part."""
    limits = board.limits
    ffs = int(limits.lut * _FLIP_FLOPS.get(board.part.family, 1.0))
    return {"lut": limits.lut, "ff": ffs, "bram": limits.bram, "dsp": limits.dsp}


@dataclass(frozen=True)
class Needs:
    """A design on a board."""

    board: Board
    context: Context

    @cached_property
    def lut_words(self) -> int | None:
        """Words up to which accumulators and activations are made of LUTs there; None where the RTL's own stays."""
        return lut_words(self.board, self.context)

    @cached_property
    def cells(self) -> Cells:
        """What it takes, its serial port included; of a Xilinx part LUTs and flip-flops at most."""
        family = self.board.part.family
        return cells_at_most(self.context) if self.board.xilinx else cells(self.context, family, self.lut_words)

    @cached_property
    def lut_rams(self) -> int:
        """RAMs of 16 x 4 bits that are made of LUTs; of a Xilinx part its bound has them."""
        return 0 if self.board.xilinx else lut_rams(self.context, self.board.part.family, self.lut_words)

    @property
    def beside(self) -> int:
        """LUTs that its memories of LUTs keep from use."""
        return self.lut_rams * _BESIDE.get(self.board.part.family, 0)

    @property
    def model(self) -> str:
        """What LUTs and flip-flops are by: a model "fitted" to the family, one "scaled" from ECP5's, or a "bound"."""
        if self.board.xilinx:
            return "bound"
        return "fitted" if fitted(self.board.part.family) else "scaled"

    @cached_property
    def pe_luts(self) -> float:
        """LUTs of its PEs alone, with as few memories of LUTs as can be: those of a larger design are small."""
        return luts_of_pes(self.context, LUTS_OF if self.board.xilinx else self.board.part.family)

    @property
    def entries(self) -> Memory:
        """The memory of its PEs' weights."""
        return next(one for one in memories(self.context) if one.name == "spmat")

    def blocks(self, memory: Memory) -> int:
        """Return the block RAMs that all copies of a memory take there."""
        return blocks_on(memory, self.board.part.family, self.lut_words)

    @property
    def block_bits(self) -> int:
        """Bits of a block RAM of the board's part."""
        return block_bits(self.board.part.family)

    @cached_property
    def over(self) -> Mapping[str, float]:
        """Of what there is too little of: how many times what may be used, by kind."""
        needed = self.cells.to_json() | {LUT_RAM: self.lut_rams}
        needed["lut"] += self.beside
        return {kind: needed[kind] / max(most, 1) for kind, most in self.usable.items() if needed[kind] > most}

    @property
    def usable(self) -> Mapping[str, int]:
        """What may be used: of LUTs, flip-flops and RAMs of LUTs all but MARGIN."""
        free, there = {"lut": MARGIN, "ff": MARGIN, LUT_RAM: MARGIN}, there_is(self.board)
        if luts := _LUTS_A_RAM.get(self.board.part.family):
            there[LUT_RAM] = there["lut"] // luts
        return {kind: int(count * (1 - free.get(kind, 0))) for kind, count in there.items()}

    @property
    def possible(self) -> bool:
        """Whether its bitstream can be updated, where it is to be."""
        return not self.context.updatable or self.board.part.family in FORMATS

    @property
    def placeable(self) -> bool:
        """Whether emcc's own tools place it in less than hours, as far as was seen."""
        return self.board.xilinx or self.cells.lut <= PLACED

    @property
    def missing(self) -> int:
        """How far it is from fitting, to compare designs by; 0 where it fits."""
        return sum(max(1, round(1000 * (times - 1))) for times in self.over.values())

    def refusal(self, of: str) -> EmccError:
        """Return the error where it does not fit, with figures and what to change; `of` names it in a sentence."""
        board, worst = self.board, max(self.over, key=lambda kind: self.over[kind])
        others = (Needs(catalogue.board(name), self.context) for name in catalogue.names())
        enough = [name for name, one in zip(catalogue.names(), others, strict=True) if one.possible and not one.over]
        larger = f"; a board that is large enough: {', '.join(enough)}" if enough else ""
        return EmccError(
            f"{of} does not fit {board.title} ({board.part.name})",
            details=[*self._lines(), self._memories()],
            hint=f"{_ADVICE.get(worst) or advice(self._largest()[0][1])}{larger}",
        )

    def _lines(self) -> list[str]:
        """Return a line a kind: what is needed, what there is."""
        needed, usable, about = self.cells.to_json(), self.usable, "at most" if self.board.xilinx else "about"
        lines = []
        for kind, most in there_is(self.board).items():
            guessed = usable[kind] < most
            words = f"{about} " if guessed else ""
            less = f", of which {usable[kind]:,} may be used" if guessed else ""
            more = f" and {self.beside:,} beside memories of them" if kind == "lut" and self.beside else ""
            lines.append(f"{WORDS[kind]}: {words}{needed[kind]:,}{more} needed, {most:,} there{less}")
        if LUT_RAM in usable:
            lines.append(f"RAMs of LUTs: {self.lut_rams:,} needed, of which {usable[LUT_RAM]:,} may be used")
        return lines

    def _largest(self) -> list[tuple[int, Memory]]:
        rows = [(self.blocks(one), one) for one in memories(self.context)]
        return sorted(rows, key=lambda row: -row[0])[:_SHOWN]

    def _memories(self) -> str:
        largest = ", ".join(f"{one.name} {count:,}" for count, one in self._largest() if count)
        return f"the largest memories, in block RAMs: {largest or 'none'}"
