"""What `emcc simulate --engine c` prints."""

from rich import box
from rich.table import Table

from emcc.report.lines import worth_rows
from emcc.report.saturation import saturation_rows, warn_of_saturation
from emcc.report.summary import console, shown
from emcc.runtime.held import HeldResult


def print_held(result: HeldResult) -> None:
    """Print a table on stdout; the first difference, if there is one, below it."""
    out = console()
    table = Table(box=box.SIMPLE_HEAD, show_header=False)
    rows = [
        ("engine", f"{result.engine}: {result.says}"),
        ("inferences", f"{result.inferences:,}"),
        ("mismatching integers", f"{result.mismatches:,}"),
        ("mismatching bits", f"{result.mismatched_bits:,}"),
        *worth_rows(result.worth),
        *saturation_rows(result.saturation),
        ("compiled", f"in {result.build_seconds:.1f} s, ran {result.run_seconds:.1f} s with the reference"),
    ]
    for name, value in rows:
        table.add_row(name, shown(value, justify="right"))
    out.print(table)
    warn_of_saturation(out, result.saturation)
    if result.difference:
        out.print(shown(f"first difference: {result.difference}"))
    failed = f"FAILED: {result.says} is not what the compiler says it is"
    verdict = "every output integer equals the reference" if result.ok else failed
    out.print(shown(verdict))
