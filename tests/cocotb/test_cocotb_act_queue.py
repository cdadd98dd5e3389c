"""Activation queue: sim/cocotb/act_queue, and faults that turn it red."""

import re

import pytest
from common.simulator import Design, simulate

from emcc.backends.verilog.library import library

pytestmark = pytest.mark.sim
MODULES = ("emcc_fifo", "emcc_act_queue")


def design(log_depth, sources=None):
    """A queue of 2**log_depth words of 21 bits."""
    parameters = {"Width": "21", "LogDepth": str(log_depth)}
    return Design("emcc_act_queue", library(MODULES) if sources is None else sources, parameters)


@pytest.mark.parametrize("log_depth", [4, 5])
def test_act_queue(check, log_depth):
    check(design(log_depth), "bench_act_queue", {"depth": 1 << log_depth, "width": 21})


def test_a_queue_that_is_too_short_says_so(tmp_path):
    outcome = simulate(design(3), "bench_act_queue", tmp_path, {"depth": 8, "width": 21})
    assert not outcome.passed
    assert "emcc_act_queue: 2**3 entries are not more than the 8 on their way" in outcome.log


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("emcc_act_queue", "OnTheWay = 8", "OnTheWay = 7", r"near_full_o: RTL 0, reference 1"),
        (
            "emcc_act_queue",
            "assign near_full_o = near_full_q;",
            "assign near_full_o = count >= (LogDepth+1)'(Limit);",
            r"near_full_o: RTL 1, reference 0",
        ),
        ("emcc_fifo", "if (push_i) wptr_q <=", "if (push_i && !pop_i) wptr_q <=", r"data_o: RTL"),
        ("emcc_act_queue", ".we_i,", ".we_i   (we_i && !push_i),", r"push of a word that is not written"),
    ],
    ids=["near full a word late", "near full is no register", "a push with a pop is overwritten", "no word is written"],
)
def test_a_fault_in_the_rtl_is_red(tmp_path, file, old, new, says):
    files = library(MODULES)
    text = files[f"rtl/{file}.sv"].decode()
    assert text.count(old) == 1
    files[f"rtl/{file}.sv"] = text.replace(old, new).encode()
    outcome = simulate(design(4, files), "bench_act_queue", tmp_path, {"depth": 16, "width": 21})
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(says, outcome.log), f"red, but not because of {says!r}:\n{outcome.complaint()}"
