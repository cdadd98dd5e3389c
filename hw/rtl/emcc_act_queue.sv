// SPDX-License-Identifier: Apache-2.0
// Activation queue of one PE. near_full_o (registered) asks LNZD to stop early enough for what is still on its way:
// with the two registers from here to LNZD and the seven cycles from LNZD to here, eight entries can still arrive.
`include "emcc_assert.svh"
`default_nettype none

module emcc_act_queue #(
  parameter int Width    = 32,
  parameter int LogDepth = 5
) (
  input  wire              clk_i,
  input  wire              rst_ni,
  // A word may be written that is not pushed.
  input  wire              we_i,
  input  wire              push_i,
  input  wire  [Width-1:0] data_i,
  input  wire              pop_i,
  output logic [Width-1:0] data_o,
  output logic             valid_o,
  output logic             near_full_o
);
  localparam int OnTheWay = 8;
  localparam int Limit    = (1 << LogDepth) - OnTheWay;

  `EMCC_REQUIRE(Limit > 0, "emcc_act_queue: 2**%0d entries are not more than the %0d on their way", LogDepth, OnTheWay)

  logic [LogDepth:0] count;
  logic              near_full_q;

  emcc_fifo #(
    .Width   (Width),
    .LogDepth(LogDepth)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .we_i,
    .push_i,
    .data_i,
    .read_i (pop_i),
    .pop_i,
    .data_o,
    .valid_o,
    .count_o(count)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) near_full_q <= 1'b0;
    else near_full_q <= count >= (LogDepth+1)'(Limit);
  end

  assign near_full_o = near_full_q;
endmodule

`default_nettype wire
