"""What the user may choose about lowering."""

from dataclasses import dataclass
from typing import ClassVar

from emcc.passes.base import option


@dataclass(frozen=True)
class LowerOptions:
    """The recipe's [lower] section."""

    name: ClassVar[str] = "lower"

    pes: int = option(8, "processing elements; --pes overrides it", low=1, high=256)
    queue_depth: int = option(32, "activation queue entries a PE", choices=(16, 32, 64, 128))
    run_bits: int = option(0, "bits of the zero run in an entry; 0 chooses by padding", low=0, high=12)
    padding: float = option(0.01, "with run_bits 0: padding zeros allowed, as a share of the weights", low=0, high=1)
    balance: bool = option(True, "deal rows to PEs so that each has the same work")
    trim: bool = option(True, "drop inputs and neurons that cannot change the output")
