"""The C for synthesis through CIRCT, a real tool: C -> MLIR -> SystemVerilog -> Verilator (docs/adr/0041).

`module` reads a model's top function, `converted` is what the circt wheel makes of it; `build` and `simulated` run it.
"""

from emcc.tools.circt.convert import converted, is_there
from emcc.tools.circt.module import Module, module
from emcc.tools.circt.simulate import build, simulated

__all__ = ["Module", "build", "converted", "is_there", "module", "simulated"]
