// SPDX-License-Identifier: Apache-2.0
// A skid buffer, beats to items, items to beats, a skid buffer: what goes in comes out, without bytes that are none.
`default_nettype none

module emcc_axis_bench #(
  parameter int ItemW = 16,
  parameter int Items = 2
) (
  input  wire                      clk_i,
  input  wire                      rst_ni,
  input  wire  [Items*ItemW-1:0]   s_axis_tdata,
  input  wire  [Items*ItemW/8-1:0] s_axis_tkeep,
  input  wire                      s_axis_tvalid,
  output logic                     s_axis_tready,
  output logic [Items*ItemW-1:0]   m_axis_tdata,
  output logic [Items*ItemW/8-1:0] m_axis_tkeep,
  output logic                     m_axis_tlast,
  output logic                     m_axis_tvalid,
  input  wire                      m_axis_tready,
  // Of items: the last of an inference; the end of a turn, while nothing is on its way
  input  wire                      last_i,
  input  wire                      end_i,
  output logic                     item_valid_o,
  output logic                     item_ready_o,
  output logic                     final_o,
  output logic                     torn_o
);
  localparam int BeatW = Items * ItemW, BeatB = BeatW / 8;

  logic             in_valid, in_ready, item_valid, item_ready, beat_valid, beat_ready, beat_last, beat_final;
  logic [BeatW-1:0] in_data, beat_data;
  logic [BeatB-1:0] in_keep, beat_keep;
  logic [ItemW-1:0] item;

  assign item_valid_o = item_valid;
  assign item_ready_o = item_ready;

  emcc_skid #(.Width(BeatW + BeatB)) u_in (
    .clk_i, .rst_ni, .flush_i(1'b0), .valid_i(s_axis_tvalid), .ready_o(s_axis_tready),
    .data_i({s_axis_tkeep, s_axis_tdata}), .valid_o(in_valid), .ready_i(in_ready), .data_o({in_keep, in_data})
  );

  emcc_axis_unpack #(.ItemW(ItemW), .Items(Items)) u_unpack (
    .clk_i, .rst_ni, .valid_i(in_valid), .ready_o(in_ready), .data_i(in_data), .keep_i(in_keep),
    .valid_o(item_valid), .ready_i(item_ready && !end_i), .item_o(item), .torn_o
  );

  emcc_axis_pack #(.ItemW(ItemW), .Items(Items)) u_pack (
    .clk_i, .rst_ni, .valid_i(item_valid && !end_i), .ready_o(item_ready), .item_i(item), .last_i, .end_i,
    .valid_o(beat_valid), .ready_i(beat_ready), .data_o(beat_data), .keep_o(beat_keep), .last_o(beat_last),
    .final_o(beat_final)
  );

  emcc_skid #(.Width(BeatW + BeatB + 2)) u_out (
    .clk_i, .rst_ni, .flush_i(1'b0), .valid_i(beat_valid), .ready_o(beat_ready),
    .data_i({beat_final, beat_last, beat_keep, beat_data}), .valid_o(m_axis_tvalid), .ready_i(m_axis_tready),
    .data_o({final_o, m_axis_tlast, m_axis_tkeep, m_axis_tdata})
  );
endmodule

`default_nettype wire
