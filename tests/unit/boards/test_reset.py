"""A board's top in Icarus, by its oscillator: when reset ends, and what the button does."""

from pathlib import Path

import pytest

from emcc.boards import catalogue
from emcc.boards.board import Level
from emcc.boards.design import read_design
from emcc.boards.project import project
from emcc.tools import icarus
from emcc.tools.process import run

BENCH = """\
module bench;
  reg clk = 0, rx = 1, button = {up};
  wire tx;
  wire [1:0] led;
  integer i, low;
  emcc_board_top dut (.clk_i(clk), .button_i(button), .rx_i(rx), .tx_o(tx), .led_o(led));
  task cycle; begin #1 clk = 1; #1 clk = 0; end endtask
  task until_up; begin
    low = 0;
    while (dut.u_uart_top.rst_ni !== 1'b1 && low < 5000) begin cycle; low = low + 1; end
    $display("up after %0d", low);
  end endtask
  initial begin
    until_up;
    for (i = 0; i < 3000; i = i + 1) begin
      cycle;
      if (dut.u_uart_top.rst_ni !== 1'b1) $display("down at %0d", i);
    end
    button = !{up};
    for (i = 0; i < 4; i = i + 1) cycle;
    $display("pressed: %b", dut.u_uart_top.rst_ni);
    button = {up};
    until_up;
    rx = 0;
    cycle; cycle; cycle;
    $display("line: %b", tx);
    $finish;
  end
endmodule
"""


@pytest.mark.synth
@pytest.mark.skipif(not icarus.installed(), reason="Icarus Verilog is not installed")
@pytest.mark.parametrize("active", ["low", "high"])
def test_reset_ends_after_1024_cycles_and_the_button_begins_it_again(active: Level, artefact: Path) -> None:
    board = catalogue.board("icebreaker")
    assert board.reset
    other = board.model_copy(update={"reset": board.reset.model_copy(update={"active": active})})
    files = project(other, read_design(artefact), "mine", board.clock.hz).files
    (artefact / "top.sv").write_bytes(files["emcc_board_top.sv"])
    (artefact / "bench.sv").write_text(BENCH.format(up=int(active == "low")), encoding="utf-8")
    sources = ["rtl/emcc_uart_top.sv", "top.sv", "bench.sv"]
    run("iverilog", ["iverilog", "-g2012", "-s", "bench", "-o", "bench", *sources], cwd=artefact, timeout=60)
    lines = run("vvp", ["vvp", "bench"], cwd=artefact, timeout=60).output.split("\n")
    said = [line for line in lines if line.startswith(("up", "down", "pressed", "line"))]
    assert said == ["up after 1026", "pressed: 0", "up after 1026", "line: 0"]
