"""A proof about the boot stream's decoder, by Yosys: what it asserts holds of any stream, any table, any handshake."""

from pathlib import Path

import pytest

from emcc.resources import folder
from emcc.tools.yosys import yosys

pytestmark = pytest.mark.sim

ASSERTED = 7

HEADER = """\
`define EMCC_ASSERT(holds, says) always @* if (rst_ni) assert (holds);
"""
"""What stands for hw/rtl/emcc_assert.svh: assertions that Yosys proves."""

SCRIPT = f"""\
read_verilog -sv -formal emcc_huffman.sv
prep -top emcc_huffman; memory_collect
cutpoint t:$mem_v2
async2sync; chformal -lower; opt_clean
select -assert-count {ASSERTED} t:$assert
setundef -anyseq
sat -tempinduct -prove-asserts -verify -set-def-inputs -set-def-formal -set-at 1 rst_ni 0 -seq 1 -maxsteps 2
"""
"""Induction from reset on; what the tables' memory gives is anything."""


def proven(text: str, place: Path) -> bool:
    """Whether all assertions of a module are."""
    (place / "emcc_huffman.sv").write_text(text, encoding="utf-8")
    (place / "emcc_assert.svh").write_text(HEADER, encoding="utf-8")
    done = yosys(SCRIPT.replace("\n", "; "), cwd=place, check=False, quiet=False)
    assert "selection does not match" not in done.output
    assert ("Induction step proven: SUCCESS!" in done.output) == (done.code == 0)
    return done.code == 0


def test_the_assertions_are_proven(tmp_path: Path) -> None:
    text = (folder("rtl") / "emcc_huffman.sv").read_text(encoding="utf-8")
    assert text.count("  `EMCC_ASSERT(") == ASSERTED
    assert proven(text, tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("held0 < 4'd7", "held0 < 4'd8"),
        ("move && !bad && !error_q", "move && !bad"),
        ("valid2_q ? entry2_q : '0", "entry2_q"),
        ("{data_i, 6'b0} >> held1_q[2:0]", "{data_i, 6'b0} >> 6"),
    ],
)
def test_a_fault_is_not_proven(tmp_path: Path, old: str, new: str) -> None:
    text = (folder("rtl") / "emcc_huffman.sv").read_text(encoding="utf-8")
    assert text.count(old) == 1
    assert not proven(text.replace(old, new), tmp_path)
