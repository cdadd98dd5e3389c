"""What `emcc simulate` prints."""

import numpy as np
from rich import box
from rich.table import Table

from emcc.base.text import printable
from emcc.measure.cost import CLOCK_HZ
from emcc.report.lines import percent, seconds, worth_rows
from emcc.report.saturation import saturation_rows, warn_of_saturation
from emcc.report.summary import console, shown, table_of
from emcc.runtime.result import SimulationResult


def print_simulation(result: SimulationResult) -> None:
    """Print a table on stdout; the first difference, if there is one, below it."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    done = result.cycles[result.cycles > 0]
    rows = [
        ("inferences", f"{result.inferences:,}"),
        ("mismatching integers", f"{result.mismatches:,}"),
        ("mismatching bits", f"{result.mismatched_bits:,}"),
    ]
    if done.size:
        beside = result.transfer[result.cycles > 0]
        says = "from answer to answer" if result.between.size else "from simulated cycles"
        time = seconds(float((done + beside).mean()) / CLOCK_HZ)
        rows.append(("cycles an inference (simulated)", f"{done.mean():,.0f} ({done.min():,} to {done.max():,})"))
        rows += [
            ("cycles to load and unload, beside them", f"{beside.mean():,.0f}"),
            (f"time at {CLOCK_HZ / 1e6:.0f} MHz ({says})", time),
            ("PE utilisation (simulated)", percent(result.utilisation)),
        ]
    if result.between.size:
        rows.append(("cycles from answer to answer (simulated)", f"{result.between.mean():,.0f}"))
    if result.cycle_mismatches is not None:
        rows.append(("inferences off the predicted cycles", f"{result.cycle_mismatches:,}"))
    rows += worth_rows(result.worth)
    rows += saturation_rows(result.saturation)
    rows.append(("simulator", f"built in {result.build_seconds:.1f} s, ran {result.run_seconds:.1f} s"))
    for name, value in rows:
        table.add_row(name, shown(value, justify="right"))
    out.print(table)
    if done.size:
        out.print(step_table(result))
    warn_of_saturation(out, result.saturation)
    if result.failure:
        out.print(shown(f"stopped early: {result.failure}"))
    if result.difference:
        out.print(shown(f"first difference: {result.difference}"))
    if result.ok:
        verdict = "every output integer equals the reference"
        out.print(shown(verdict + (", every cycle count the prediction" if result.cycle_mismatches == 0 else "")))
    else:
        out.print(shown("FAILED: the RTL is not what the compiler says it is"))


def step_table(result: SimulationResult) -> Table:
    """Return a row a step and one in total: cycles and use of the PEs, means over the inferences that completed."""
    done = result.cycles > 0
    cycles, products = (values[done].mean(axis=0) for values in (result.step_cycles, result.step_products))
    used = products / (result.pes * np.maximum(cycles, 1))
    columns = [
        ("step", [printable(name, 40) for name in result.steps], "total"),
        ("cycles", [f"{value:,.0f}" for value in cycles], f"{cycles.sum():,.0f}"),
        ("useful", [f"{value:,.0f}" for value in products], f"{products.sum():,.0f}"),
        ("use of\nthe PEs", [percent(value, ".1%") for value in used], percent(result.utilisation, ".1%")),
    ]
    return table_of(columns, {"min_width": 6}, {"justify": "right", "min_width": 6})
