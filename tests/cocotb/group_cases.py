"""What the benches of the array of column groups are built for: specimens of lint's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from specimens import patterned

from emcc.eie.groups import cycles, timing, transfer
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.sizes import numbers
from emcc.ir.program import Program
from emcc.runtime.designs import Design


def nothing(_: Program, __: Plan) -> Mapping[str, Any]:
    """No parameters, or nothing more for the bench."""
    return {}


def latency(program: Program, plan: Plan) -> int:
    """emcc_rows's own parameter, as emcc_core has it."""
    flags = numbers(program, plan)
    levels = (plan.groups - 1).bit_length()
    return timing.ROW_TO_WRITE - 1 + levels + timing.SCALE * flags["HasScale"] + timing.TABLE * flags["HasTable"]


def inferences(program: Program, plan: Plan) -> Mapping[str, Any]:
    """What goes in and comes out, and when passes are written: nothing, all at both ends, a tenth, a half."""
    x = patterned(program)
    design, counts = Design(program, plan), cycles.count(program, x, plan)
    traffic = design.traffic(x)
    return {
        "turns": list(design.shape.turns),
        "inferences": [
            {
                **{"into": traffic.into[i].tolist(), "out": traffic.out[i].tolist()},
                **{"done": counts.pass_done[i].tolist(), "total": int(counts.total[i])},
                **{"broadcasts": int(counts.broadcasts[i]), "stalls": int(counts.stalls[i])},
            }
            for i in range(len(traffic.into))
        ],
    }


def overlapping(program: Program, plan: Plan) -> Mapping[str, Any]:
    """The same, with what the cycle model says of the cycles between answers where the next input comes early."""
    assert plan.next_input is not None
    made, counts = inferences(program, plan), cycles.count(program, patterned(program), plan)
    free = counts.walked[:, plan.next_input.passes - 1] + 2 * transfer.ROW + 1
    most = transfer.exposed_most(plan, counts.walked, counts.total)
    for one, *more in zip(made["inferences"], free.tolist(), most.tolist(), strict=True):
        one |= dict(zip(("free", "exposed"), more, strict=True))
    hidden, seen = transfer.following(plan, np.array([0, 1000])).tolist()
    return {**made, "following": {"hidden": hidden, "seen": seen - 1000, "rows": transfer.drained_most(plan)}}


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
    "host": Bench("host", "groups"),
    "core": Bench("core", "groups", module="emcc_top", more=inferences),
    "halves": Bench("core", "halves", module="emcc_top", more=inferences),
    "halves_block": Bench("core", "halves", "emcc_top", lambda *_: {"SumLutWords": "0"}, inferences),
    "next_input": Bench("next_input", "next_input", module="emcc_top", more=overlapping),
}
