"""What compiling would write of a graph with shared weights: model.emc."""

from dataclasses import replace

from emcc.compress.product.product import scalars
from emcc.compress.record import Coded
from emcc.compress.rounding import snapped
from emcc.container import encode
from emcc.container.options import EncodeOptions
from emcc.driver.recipe import Recipe
from emcc.ir.graph import Array, Graph
from emcc.legal.checks import chained
from emcc.measure.sections import layer_sizes
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise


class Encoder:
    """Calibrates, quantises and encodes a chain, which the array runs; encodes any other graph as it is.

    Product-quantised weights are encoded as they are, or, for the array, as its scalars.
    """

    def __init__(
        self, calibrate: Calibrate, quantise: Quantise | None = None, coding: str = "huffman", array: bool = False
    ) -> None:
        self._calibrate, self.coding, self._array = calibrate, coding, array
        self._quantise = quantise or Quantise()

    @classmethod
    def of(cls, recipe: Recipe, x: Array | None, command: str) -> "Encoder":
        """As the recipe says, for a command, calibrated on samples x [n, ...]."""
        calibrate = replace(recipe.of(Calibrate), data=x)
        return cls(calibrate, recipe.of(Quantise), recipe.of(EncodeOptions).of(command), command == "compile")

    def __call__(self, shared: Graph) -> bytes:
        """The file."""
        shared = scalars(shared) if self._array else shared
        integers = chained(shared) and not shared.blocks
        whole = self._quantise.apply(self._calibrate.apply(shared)) if integers else snapped(shared)
        return encode(whole, coding=self.coding)

    def layers(self, shared: Graph) -> list[Coded]:
        """What each layer takes in the file."""
        return [Coded(size.code_w, size.bytes) for size in layer_sizes(self(shared))]
