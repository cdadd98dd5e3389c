"""What the benches of the array of column groups are built for: specimens of lint's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emcc.eie.groups import timing
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan as planned
from emcc.eie.groups.sizes import numbers
from emcc.eie.lower import lower
from emcc.ir.program import Program
from emcc.lint.grouped import GROUPED, with_own_codes


def specimen(name: str) -> tuple[Program, Plan]:
    """A specimen's Program and Plan."""
    program = lower(GROUPED[name].graph(), GROUPED[name].lower)
    return program, with_own_codes(program, planned(program))


def nothing(_: Program, __: Plan) -> Mapping[str, Any]:
    """No parameters, or nothing more for the bench."""
    return {}


def latency(program: Program, plan: Plan) -> int:
    """emcc_rows's own parameter, as emcc_core has it."""
    flags = numbers(program, plan)
    levels = (plan.groups - 1).bit_length()
    return timing.ROW_TO_WRITE - 1 + levels + timing.SCALE * flags["HasScale"] + timing.TABLE * flags["HasTable"]


@dataclass(frozen=True)
class Bench:
    """A bench.

    Attributes:
        dut: its folder; the module is emcc_<dut>, unless `module` names another one.
        specimen: see above. parameters: of the module, as literals. more: what the bench reads beside the tables.
    """

    dut: str
    specimen: str
    module: str = ""
    parameters: Callable[[Program, Plan], Mapping[str, str]] = nothing
    more: Callable[[Program, Plan], Mapping[str, Any]] = nothing

    @property
    def top(self) -> str:
        """The module's name."""
        return self.module or f"emcc_{self.dut}"


BENCHES = {
    "walk": Bench("walk", "groups"),
    "scan": Bench("scan", "many_lanes"),
    "slice": Bench("slice", "groups", parameters=lambda *_: {"Behind": "1"}),
    "slice_lut_ram": Bench("slice", "groups", parameters=lambda *_: {"Behind": "1", "SumLutWords": "1024"}),
    "sum": Bench("sum", "groups"),
    "rows": Bench(
        "rows",
        "groups",
        parameters=lambda program, plan: {"Latency": str(latency(program, plan))},
        more=lambda program, plan: {"latency": latency(program, plan)},
    ),
}
