// SPDX-License-Identifier: Apache-2.0
// A counter that stays at its largest value. With clear_i it begins anew, and counts step_i of that cycle.
`default_nettype none

module emcc_count #(
  parameter int Width = 32
) (
  input  wire              clk_i,
  input  wire              clear_i,
  input  wire              step_i,
  output logic [Width-1:0] count_o
);
  logic [Width-1:0] count_q;

  assign count_o = count_q;

  always_ff @(posedge clk_i) begin
    if (clear_i) count_q <= Width'(step_i);
    else if (step_i && !(&count_q)) count_q <= count_q + 1'b1;
  end
endmodule

`default_nettype wire
