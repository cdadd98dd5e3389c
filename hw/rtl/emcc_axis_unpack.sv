// SPDX-License-Identifier: Apache-2.0
// Beats of an AXI4-Stream into items, lowest first, one a cycle. An item without its bytes' TKEEP is none; one with a part
// of them is none either, and torn_o says so.
`include "emcc_assert.svh"
`default_nettype none

module emcc_axis_unpack #(
  parameter int ItemW = 8,
  parameter int Items = 4
) (
  input  wire                      clk_i,
  input  wire                      rst_ni,
  input  wire                      valid_i,
  output logic                     ready_o,
  input  wire  [Items*ItemW-1:0]   data_i,
  input  wire  [Items*ItemW/8-1:0] keep_i,
  output logic                     valid_o,
  input  wire                      ready_i,
  output logic [ItemW-1:0]         item_o,
  output logic                     torn_o
);
  localparam int ItemBytes = ItemW / 8;
  localparam int AtW       = Items > 1 ? $clog2(Items) : 1;

  `EMCC_REQUIRE(ItemW % 8 == 0 && Items >= 1, "emcc_axis_unpack: %0d items of %0d bits are no bytes", Items, ItemW)

  logic [AtW-1:0]       at_q;
  logic [ItemBytes-1:0] keep;
  logic                 step;

  assign keep    = keep_i[at_q*ItemBytes +: ItemBytes];
  assign item_o  = data_i[at_q*ItemW +: ItemW];
  assign valid_o = valid_i && &keep;
  assign torn_o  = valid_i && |keep && !(&keep);
  assign step    = valid_i && (ready_i || !(&keep));
  assign ready_o = step && at_q == AtW'(Items - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) at_q <= '0;
    else if (step) at_q <= ready_o ? '0 : at_q + 1'b1;
  end

  `EMCC_STABLE(gen_stable, valid_i && !ready_o, ({valid_i, keep_i, data_i}), "a beat in did not stay")
endmodule

`default_nettype wire
