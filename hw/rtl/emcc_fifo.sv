// SPDX-License-Identifier: Apache-2.0
// First-word-fall-through FIFO of 2**LogDepth words. count_o is the number of words held.
//
// A word is written with we_i and counts with push_i, which may be late: without it the next word is written over it. The
// next word is shown after read_i, and the place of one is free after pop_i, which may be the same.
`include "emcc_assert.svh"
`default_nettype none

module emcc_fifo #(
  parameter int Width    = 8,
  parameter int LogDepth = 4
) (
  input  wire               clk_i,
  input  wire               rst_ni,
  input  wire               we_i,
  input  wire               push_i,
  input  wire  [Width-1:0]  data_i,
  input  wire               read_i,
  input  wire               pop_i,
  output logic [Width-1:0]  data_o,
  output logic              valid_o,
  output logic [LogDepth:0] count_o
);
  localparam int Depth = 1 << LogDepth;

  `EMCC_REQUIRE(Width >= 1 && LogDepth >= 1, "emcc_fifo: there is no FIFO of 2**%0d words of %0d bits", LogDepth, Width)

  logic [Width-1:0]    mem [0:Depth-1];
  logic [LogDepth-1:0] rptr_q, wptr_q;
  logic [LogDepth:0]   count_q;
  logic                valid_q;

  assign data_o  = mem[rptr_q];
  assign valid_o = valid_q;
  assign count_o = count_q;

  always_ff @(posedge clk_i) if (we_i) mem[wptr_q] <= data_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rptr_q  <= '0;
      wptr_q  <= '0;
      count_q <= '0;
      valid_q <= 1'b0;
    end else begin
      if (push_i) wptr_q <= wptr_q + 1'b1;
      if (read_i) rptr_q <= rptr_q + 1'b1;
      // Plus one, or minus one: one adder
      if (push_i != pop_i) count_q <= count_q + (pop_i ? '1 : (LogDepth+1)'(1));
      // A push comes late: nothing is between it and here
      valid_q <= push_i || (valid_q && !(pop_i && count_q == 1));
    end
  end

  `EMCC_ASSERT(!push_i || we_i, "push of a word that is not written")
  `EMCC_ASSERT(!push_i || pop_i || count_q != (LogDepth+1)'(Depth), "push when full")
  `EMCC_ASSERT(!pop_i || valid_q, "pop when empty")
endmodule

`default_nettype wire
