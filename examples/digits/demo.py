"""`make demo`: the digits perceptron, the whole way from ONNX to RTL that Verilator has proven, and one table.

    python examples/digits/demo.py [--out DIR] [--count N] [--pes N]

Compiles digits.onnx with train.npz by recipe.toml (pruning, fine-tuning, weight sharing, Huffman coding), then runs
held-out digits of test.npz through the emitted RTL. Exits with 1 unless every bit and cycle count is as predicted.
"""

import argparse
import sys
import time
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from emcc.base.errors import EmccError
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.eie import reference
from emcc.eie.store import load_program
from emcc.frontend import load
from emcc.measure.cost import CLOCK_HZ
from emcc.ops import interpret
from emcc.report.lines import percent, seconds
from emcc.report.progress import Progress
from emcc.runtime.final import worth
from emcc.runtime.simulate import simulate
from emcc.samples.dataset import Dataset
from emcc.samples.load import load_data
from emcc.samples.sampling import dequantised, quantised

HERE = Path(__file__).resolve().parent
MODEL = HERE / "digits.onnx"


def main() -> int:
    """Compile, simulate, print; 0 if the RTL is bit for bit and cycle for cycle what was predicted."""
    parser = argparse.ArgumentParser(description="the whole way on scikit-learn's handwritten digits")
    parser.add_argument("--out", type=Path, default=Path("out/digits"), help="the artefact's folder")
    parser.add_argument("--count", type=int, default=360, help="held-out digits to simulate, at most 360")
    parser.add_argument("--pes", type=int, default=8, help="processing elements")
    options = parser.parse_args()
    begun = time.perf_counter()
    with Progress(quiet=False) as progress:
        compiling = CompileOptions(MODEL, data=HERE / "train.npz", pes=options.pes, recipe=HERE / "recipe.toml")
        artefact = compile_model(compiling, progress)
        artefact.write(options.out)
        progress("running the float model and the reference model")
        graph = load(MODEL)
        held_out = load_data(HERE / "test.npz", graph)
        assert held_out.y is not None
        data = Dataset(held_out.x[: options.count], held_out.y[: options.count])
        program = load_program(options.out / "program.npz")
        float_right = worth(graph, interpret.run(graph, data.x), data).accuracy
        integers = reference.run(program, quantised(program, data.x))
        compressed_right = worth(graph, dequantised(program, integers), data).accuracy
        progress("building the simulator and running it")
        result = simulate(options.out, data)
    total = artefact.manifest["totals"]
    cycles, beside = float(result.cycles.mean()), float(result.transfer.mean())
    table = Table(title=f"digits.onnx, 64-300-100-10, on {program.pes} PEs", box=box.SIMPLE_HEAD, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for row in (
        ("held-out digits through Verilator", f"{result.inferences}"),
        ("accuracy, float model", percent(float_right or 0)),
        ("accuracy, compressed model (reference)", percent(compressed_right or 0)),
        ("accuracy, RTL", percent(result.worth.accuracy or 0)),
        ("weights kept", percent(total["density"])),
        ("size, float32 parameters", f"{total['dense_bytes']:,} bytes"),
        ("size, model.emc", f"{total['bytes']:,} bytes"),
        ("compression ratio", f"{total['compression']:.1f}"),
        ("mismatching bits", f"{result.mismatched_bits}"),
        ("inferences off the predicted cycle count", f"{result.cycle_mismatches}"),
        ("cycles an inference (simulated)", f"{cycles:,.1f}"),
        ("cycles to load and unload, beside them", f"{beside:,.0f}"),
        (f"time an inference at {CLOCK_HZ / 1e6:.0f} MHz", seconds((cycles + beside) / CLOCK_HZ)),
        ("cycles, dense at the same number of PEs", f"{total['dense_cycles']:,}"),
        ("PE utilisation (simulated)", percent(result.utilisation)),
    ):
        table.add_row(*row)
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{options.out}: RTL, ROM images and report.html; {time.perf_counter() - begun:.0f} s in all")
    if not result.ok:
        console.print(f"FAILED: {result.failure or result.difference or 'cycle counts differ'}")
    return 0 if result.ok else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EmccError as error:
        sys.exit(f"demo: {error}")
