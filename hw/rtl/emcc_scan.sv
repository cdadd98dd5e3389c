// SPDX-License-Identifier: Apache-2.0
// One group's words: they wait here, leading non-zero detection emits their activations one a cycle (or, for a local step,
// all lanes at once), and the broadcast pipeline brings them to the group's PEs.
//
// A word comes with its data, and what of it counts a cycle before. In the cycle after it is pushed; it can be loaded in the
// next one, and emit from the one after that. An emission in cycle e presents its column in e+3, and its value (or the lanes'
// own) in e+5.
//
// left_o says that the group has no word of a tile left, so late that the PEs' queues show the last one.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_scan (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  // From the walk, a cycle before the data: what of the word counts
  input  wire                   inside_i,
  input  wire                   last_word_i,
  input  wire                   all_i,
  input  wire  [Lanes-1:0]      lanes_i,
  // Beside the data
  input  wire                   valid_i,
  input  wire                   tile_end_i,
  input  wire                   tag_i,
  input  wire                   local_i,
  input  wire                   load_i,
  input  wire                   use_i,
  input  wire  [InfoW-1:0]      info_i,
  input  wire  [RowW-1:0]       row_i,
  input  wire  [Lanes*ActW-1:0] data_i,
  // The queue is so full that the walk must stop in the next cycle
  output logic                  full_o,
  // Emissions
  input  wire                   stall_i,
  output logic                  emit_o,
  output logic                  wait_o,
  output logic [1:0]            left_o,
  // Cycle e+3
  output logic [ColW-1:0]       col_o,
  // Cycle e+5
  output logic                  valid_o,
  output logic                  local_o,
  output logic                  load_o,
  output logic                  use_o,
  output logic                  tag_o,
  output logic [InfoW-1:0]      info_o,
  output logic [RowW-1:0]       row_o,
  output logic [ActW-1:0]       value_o,
  output logic [Lanes-1:0]      lanes_o,
  output logic [Lanes*ActW-1:0] data_o
);
  localparam int LogWords = 4;
  // A word is pushed three cycles after it is issued; the issue sees full_o a cycle after the count.
  localparam int Limit    = (1 << LogWords) - 4;
  localparam int Eight    = 8;
  localparam int Eights   = (Lanes + Eight - 1) / Eight;
  // A word's lanes are counted by eights, or if there are no more by fours, before it waits, and over those in the cycle after.
  localparam int Counted  = Lanes > 8 ? 8 : 4;
  localparam int Parts    = (Lanes + Counted - 1) / Counted;
  localparam int LeftW    = $clog2(Lanes + 1);
  localparam int PartW    = Lanes < Counted ? LeftW : $clog2(Counted + 1);
  localparam int MetaW    = 5 + InfoW + RowW;
  localparam int HeadW    = MetaW + Lanes;
  localparam int LeftDelay = 8;

  // What of a word is looked at: a lane that is skipped has its flag reset, which costs no logic behind the memory.
  logic                  valid_q, written_q, push, all_q;
  logic [Lanes-1:0]      flags_q, skip_q;
  logic [MetaW-1:0]      meta_q;
  logic [Lanes*ActW-1:0] data_q, data2_q;
  logic [Parts-1:0][PartW-1:0] counts, counts_q;
  logic [LeftW-1:0]      new_left, old_left, head_left;
  logic                  new_one, old_one, head_one;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_q <= 1'b0;
    else valid_q <= valid_i;
  end

  always_ff @(posedge clk_i) begin
    all_q <= all_i;
    for (int i = 0; i < Lanes; i++) begin
      skip_q[i] <= !inside_i || (last_word_i && !lanes_i[i]);
      if (skip_q[i]) flags_q[i] <= 1'b0;
      else flags_q[i] <= all_q || data_i[i*ActW +: ActW] != '0;
    end
    meta_q  <= {tile_end_i, tag_i, local_i, load_i, use_i, info_i, row_i};
    data_q  <= data_i;
  end

  assign push = valid_q && (flags_q != '0 || meta_q[MetaW-1]);

  always_comb begin
    counts = '0;
    for (int i = 0; i < Lanes; i++) counts[i/Counted] = counts[i/Counted] + PartW'(flags_q[i]);
  end

  logic                  head_valid, head_old, load, finish, finish1_q, finish2_q, finish3_q, unused_valid, pushed_q;
  logic [HeadW-1:0]      head;
  logic [Lanes*ActW-1:0] next_data, data;
  logic [LogWords:0]     unused_count, unused_lefts, held;

  emcc_fifo #(
    .Width   (HeadW),
    .LogDepth(LogWords)
  ) u_words (
    .clk_i,
    .rst_ni,
    .we_i   (valid_q),
    .push_i (push),
    .data_i ({meta_q, flags_q}),
    .read_i (load),
    .pop_i  (load),
    .data_o (head),
    .valid_o(head_valid),
    .count_o(unused_count)
  );

  // The data are not needed before a word emits, so they come a cycle after it: from the flags to their queue's counts is far.
  // They stay until the last emission has picked its activation; they are read a cycle earlier.
  emcc_fifo #(
    .Width   (Lanes * ActW),
    .LogDepth(LogWords)
  ) u_data (
    .clk_i,
    .rst_ni,
    .we_i   (written_q),
    .push_i (pushed_q),
    .data_i (data2_q),
    .read_i (finish2_q),
    .pop_i  (finish3_q),
    .data_o (next_data),
    .valid_o(unused_valid),
    .count_o(held)
  );

  always_ff @(posedge clk_i) begin
    data2_q <= data_q;
    data    <= next_data;
  end

  assign full_o = held + (LogWords+1)'(pushed_q) >= (LogWords+1)'(Limit);

  // How many lanes a word has is known a cycle after the word waits, and waits beside it from then on. If none does, the
  // first word is the one that came last.
  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pushed_q  <= 1'b0;
      written_q <= 1'b0;
    end else begin
      pushed_q  <= push;
      written_q <= valid_q;
    end
  end

  always_ff @(posedge clk_i) counts_q <= counts;

  always_comb begin
    new_left = '0;
    for (int i = 0; i < Parts; i++) new_left = new_left + LeftW'(counts_q[i]);
  end

  // Whether that is one: beside the sum, not behind it
  always_comb begin
    new_one = 1'b0;
    for (int i = 0; i < Parts; i++) new_one = new_one | (counts_q == (Parts*PartW)'(1) << i*PartW);
  end

  emcc_fifo #(
    .Width   (1 + LeftW),
    .LogDepth(LogWords)
  ) u_lefts (
    .clk_i,
    .rst_ni,
    .we_i   (pushed_q),
    .push_i (pushed_q && (head_old || !load)),
    .data_i ({new_one, new_left}),
    .read_i (load && head_old),
    .pop_i  (load && head_old),
    .data_o ({old_one, old_left}),
    .valid_o(head_old),
    .count_o(unused_lefts)
  );

  assign {head_one, head_left} = head_old ? {old_one, old_left} : {new_one, new_left};

  // The word that emits
  logic             busy_q, empty_q, one_q, end_q, tag_q, local_q, load_q, use_q, emit;
  logic [Lanes-1:0] pend_q, lane;
  logic [LeftW-1:0] left_q;
  logic [InfoW-1:0] info_q;
  logic [RowW-1:0]  row_q;

  assign lane   = local_q ? pend_q : pend_q & (~pend_q + 1'b1);
  assign emit   = busy_q && !empty_q && !stall_i;
  assign finish = busy_q && (empty_q || (emit && (local_q || one_q)));
  assign load   = head_valid && (!busy_q || finish);
  assign emit_o = emit && rst_ni;
  assign wait_o = busy_q && !empty_q && stall_i && rst_ni;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) busy_q <= 1'b0;
    else if (load) busy_q <= 1'b1;
    else if (finish) busy_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (load) begin
      {end_q, tag_q, local_q, load_q, use_q, info_q, row_q} <= head[HeadW-1 -: MetaW];
      pend_q  <= head[Lanes-1:0];
      left_q  <= head_left;
      one_q   <= head_one;
      empty_q <= head[Lanes-1:0] == '0;
    end else if (emit) begin
      pend_q <= pend_q & ~lane;
      left_q <= left_q - 1'b1;
      one_q  <= left_q == LeftW'(2);
    end
  end

  // The tile is left
  logic [LeftDelay-1:0] left0_q, left1_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      finish1_q <= 1'b0;
      finish2_q <= 1'b0;
      finish3_q <= 1'b0;
      left0_q   <= '0;
      left1_q   <= '0;
    end else begin
      finish1_q <= finish;
      finish2_q <= finish1_q;
      finish3_q <= finish2_q;
      left0_q   <= {left0_q[LeftDelay-2:0], finish && end_q && !tag_q};
      left1_q   <= {left1_q[LeftDelay-2:0], finish && end_q && tag_q};
    end
  end

  assign left_o = {left1_q[LeftDelay-1], left0_q[LeftDelay-1]};

  // Broadcast
  logic             valid1_q, valid2_q, valid3_q, valid4_q, valid5_q;
  logic [2:0]       local_p;
  logic [3:0]       load_p, use_p, tag_p;
  logic [Lanes-1:0] lane1_q, lane2_q, lane3_q, lane4_q, lane5_q;
  logic [InfoW-1:0] info1_q, info2_q, info3_q, info4_q, info5_q, index, index2_q;
  logic [RowW-1:0]  row1_q, row2_q, row3_q, row4_q, row5_q;
  logic             local1_q, local5_q, load5_q, use5_q, tag5_q;

  // The binary index of the lane
  always_comb begin
    index = '0;
    for (int i = 0; i < Lanes; i++) begin
      if (lane1_q[i] && !local1_q) index = index | InfoW'(i);
    end
  end

  // The value: AND-OR over eight lanes, and then over those
  logic [Eights*ActW-1:0] partial, partial_q;
  logic [ActW-1:0]        value, value_q;

  always_comb begin
    partial = '0;
    for (int i = 0; i < Lanes; i++) begin
      partial[i/Eight*ActW +: ActW] = partial[i/Eight*ActW +: ActW] | (data[i*ActW +: ActW] & {ActW{lane3_q[i]}});
    end
  end

  always_comb begin
    value = '0;
    for (int i = 0; i < Eights; i++) value = value | partial_q[i*ActW +: ActW];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
      valid4_q <= 1'b0;
      valid5_q <= 1'b0;
    end else begin
      valid1_q <= emit;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
      valid4_q <= valid3_q;
      valid5_q <= valid4_q;
    end
  end

  always_ff @(posedge clk_i) begin
    lane1_q   <= lane;
    lane2_q   <= lane1_q;
    lane3_q   <= lane2_q;
    lane4_q   <= lane3_q;
    lane5_q   <= lane4_q;
    info1_q   <= info_q;
    info2_q   <= info1_q;
    index2_q  <= index;
    info3_q   <= info2_q + index2_q;
    info4_q   <= info3_q;
    info5_q   <= info4_q;
    row1_q    <= row_q;
    row2_q    <= row1_q;
    row3_q    <= row2_q;
    row4_q    <= row3_q;
    row5_q    <= row4_q;
    local1_q  <= local_q;
    local_p   <= {local_p[1:0], local1_q};
    local5_q  <= local_p[2];
    load_p    <= {load_p[2:0], load_q};
    load5_q   <= load_p[3];
    use_p     <= {use_p[2:0], use_q};
    use5_q    <= use_p[3];
    tag_p     <= {tag_p[2:0], tag_q};
    tag5_q    <= tag_p[3];
    partial_q <= partial;
    value_q   <= value;
  end

  assign col_o   = ColW'(info3_q);
  assign valid_o = valid5_q;
  assign local_o = local5_q;
  assign load_o  = load5_q;
  assign use_o   = use5_q;
  assign tag_o   = tag5_q;
  assign info_o  = info5_q;
  assign row_o   = row5_q;
  assign value_o = value_q;
  assign lanes_o = lane5_q;

  // A local step's lanes
  if (HasLocal) begin : gen_data
    logic [Lanes*ActW-1:0] data4_q, data5_q;
    always_ff @(posedge clk_i) begin
      data4_q <= data;
      data5_q <= data4_q;
    end
    assign data_o = data5_q;
  end else begin : gen_no_data
    assign data_o = '0;
  end

  `EMCC_ASSERT(!emit || lane != '0, "an emission of no lane")
  `EMCC_ASSERT(!emit || local_q || (lane & (lane - 1'b1)) == '0, "an emission of several lanes")
  `EMCC_ASSERT(!busy_q || local_q || left_q == LeftW'($countones(pend_q)), "the count of lanes is wrong")
  `EMCC_ASSERT(!busy_q || one_q == (left_q == LeftW'(1)), "it is not told that a lane is the last")
  `EMCC_ASSERT(!load || head_old || pushed_q, "a word is taken whose lanes are not counted")
  `EMCC_ASSERT(!finish3_q || unused_valid, "no data for the word")
  `EMCC_ASSERT(!valid5_q || local5_q || 32'(info5_q) < Columns, "a column that is not there")
endmodule

`default_nettype wire
