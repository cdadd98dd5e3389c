"""Several runs of a bench whose design has a fault each: what Python loads is loaded once, not once a run.

cocotb imports this module before the simulator has evaluated anything. Each run is a fork of the process at that place,
in a folder of its own, where the design reads the number of its fault; so it is as a process of its own would be.
"""

import ctypes
import json
import os
import sys
from importlib import import_module

from cocotb import _shutdown
from cocotb._decorators import Test, TestGenerator

RUNS = "EMCC_BENCH_RUNS"


def enter(run: dict[str, str]) -> None:
    """Go to the folder of a run, and let its log and its results be there."""
    os.chdir(run["place"])
    os.environ["COCOTB_RESULTS_FILE"] = run["results"]
    os.environ["COCOTB_TEST_FILTER"] = run["test"]
    log = os.open(run["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(log, stream)


def leave() -> None:
    """End the process of a run when cocotb has done its part: Verilator would wait for a thread that no fork has."""
    if _shutdown._callbacks:
        _shutdown.register(leave)
        return
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)
    os._exit(0)


def begin() -> None:
    """Return in the process of each run, one after another; the process that was here first ends."""
    ended = []
    for run in json.loads(os.environ[RUNS])["runs"]:
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if not child:
            _shutdown.register(leave)
            return enter(run)
        ended.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    with open(json.loads(os.environ[RUNS])["ended"], "w", encoding="utf-8") as file:
        json.dump(ended, file)
    os._exit(0)


bench = import_module(json.loads(os.environ[RUNS])["bench"])
begin()
globals().update({name: item for name, item in vars(bench).items() if isinstance(item, (Test, TestGenerator))})
