"""What `emcc simulate` prints."""

from rich import box
from rich.table import Table

from emcc.measure.cost import CLOCK_HZ
from emcc.report.lines import percent, seconds, worth_rows
from emcc.report.saturation import saturation_rows, warn_of_saturation
from emcc.report.summary import console, shown
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
        time = seconds(float(done.mean()) / CLOCK_HZ)
        rows += [
            ("cycles an inference (simulated)", f"{done.mean():,.0f} ({done.min():,} to {done.max():,})"),
            (f"time at {CLOCK_HZ / 1e6:.0f} MHz (from simulated cycles)", time),
            ("PE utilisation (simulated)", percent(result.utilisation)),
        ]
    if result.cycle_mismatches is not None:
        rows.append(("inferences off the predicted cycles", f"{result.cycle_mismatches:,}"))
    rows += worth_rows(result.worth)
    rows += saturation_rows(result.saturation)
    rows.append(("simulator", f"built in {result.build_seconds:.1f} s, ran {result.run_seconds:.1f} s"))
    for name, value in rows:
        table.add_row(name, shown(value, justify="right"))
    out.print(table)
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
