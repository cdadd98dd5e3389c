// SPDX-License-Identifier: Apache-2.0
// Items into beats of an AXI4-Stream, lowest first. A beat is kept until the next item comes, and then it is not the last;
// or until end_i or the item with last_i says that no more come for now, and then it has TLAST. final_o goes with last_i.
`include "emcc_assert.svh"
`default_nettype none

module emcc_axis_pack #(
  parameter int ItemW = 8,
  parameter int Items = 4
) (
  input  wire                      clk_i,
  input  wire                      rst_ni,
  input  wire                      valid_i,
  output logic                     ready_o,
  input  wire  [ItemW-1:0]         item_i,
  input  wire                      last_i,
  input  wire                      end_i,
  output logic                     valid_o,
  input  wire                      ready_i,
  output logic [Items*ItemW-1:0]   data_o,
  output logic [Items*ItemW/8-1:0] keep_o,
  output logic                     last_o,
  output logic                     final_o
);
  localparam int ItemBytes = ItemW / 8;

  `EMCC_REQUIRE(ItemW % 8 == 0 && Items >= 1, "emcc_axis_pack: %0d items of %0d bits are no bytes", Items, ItemW)

  logic [Items*ItemW-1:0] beat_q;
  logic [Items-1:0]       have_q;
  logic                   ended_q, final_q, full, push, pop;

  assign full    = have_q[Items-1];
  assign ready_o = !ended_q && (!full || ready_i);
  assign valid_o = ended_q || (full && valid_i);
  assign push    = valid_i && ready_o;
  assign pop     = valid_o && ready_i;
  assign data_o  = beat_q;
  assign last_o  = ended_q;
  assign final_o = final_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      have_q  <= '0;
      ended_q <= 1'b0;
      final_q <= 1'b0;
    end else begin
      if (push) have_q <= full ? Items'(1) : have_q << 1 | Items'(1);
      else if (pop) have_q <= '0;
      if (push) ended_q <= last_i;
      else if (pop) ended_q <= 1'b0;
      else if (end_i && have_q[0]) ended_q <= 1'b1;
      final_q <= (push && last_i) || (final_q && !pop);
    end
  end

  for (genvar i = 0; i < Items; i++) begin : gen_item
    assign keep_o[i*ItemBytes +: ItemBytes] = {ItemBytes{have_q[i]}};

    if (i == 0) begin : gen_first
      always_ff @(posedge clk_i) if (push && (full || !have_q[0])) beat_q[0 +: ItemW] <= item_i;
    end else begin : gen_next
      always_ff @(posedge clk_i) begin
        if (push && (full || !have_q[0])) beat_q[i*ItemW +: ItemW] <= '0;
        else if (push && !have_q[i] && have_q[i-1]) beat_q[i*ItemW +: ItemW] <= item_i;
      end
    end
  end

  `EMCC_STABLE(gen_stable, valid_o && !ready_i, ({valid_o, last_o, keep_o, data_o}), "a beat out did not stay")
  `EMCC_ASSERT(!valid_i || !end_i, "an item comes though none should")
endmodule

`default_nettype wire
