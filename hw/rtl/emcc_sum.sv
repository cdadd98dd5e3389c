// SPDX-License-Identifier: Apache-2.0
// One lane's drain: the sum of its G accumulators, bias, multiplier, shift, saturation, function.
//
// The accumulators come in cycle g+3 of a row's issue; the bias and the multiplier must come with the sum, in g+3+Levels.
// The result leaves in cycle g+6+Levels, four later with multipliers and three with functions; 0 where lane_en_i was low a
// cycle before.
//
// A lane stays a module of its own: what is the same in all of them is not made one register for the whole chip.
`default_nettype none

import emcc_cfg_pkg::*;

(* keep_hierarchy *)
module emcc_sum (
  input  wire                     clk_i,
  input  wire  [Groups*AccW-1:0]  acc_i,
  input  wire  [AccW-1:0]         bias_i,
  input  wire  [15:0]             scale_i,
  // The pass's descriptor, constant while it drains
  input  wire                     scaled_i,
  input  wire  [ShiftW-1:0]       shift_i,
  input  wire                     relu_i,
  input  wire                     table_i,
  input  wire  [CoarseAddrW-1:0]  coarse_base_i,
  input  wire  [FineAddrW-1:0]    fine_base_i,
  input  wire                     lane_en_i,
`ifdef EMCC_NEXT_INPUT
  // What the host writes where no row is on its way: in the first stage that it passes, and in the last one
  input  wire                     host_first_i,
`else
  // What the host writes while nothing drains
`endif
  input  wire                     host_busy_i,
  input  wire  [ActW-1:0]         host_i,
  output logic [ActW-1:0]         act_o
);
  localparam int SumW   = HasScale ? AccW + 16 : AccW;

  // Sum n of the tree is that of sums 2n and 2n+1; the accumulators are sums Groups and up, sum 1 is of all.
  logic [2*Groups-1:1][AccW-1:0] sums;

  assign sums[2*Groups-1:Groups] = acc_i;

  for (genvar n = 1; n < Groups; n++) begin : gen_sum
    logic [AccW-1:0] sum_q;
    always_ff @(posedge clk_i) sum_q <= sums[2*n] + sums[2*n+1];
    assign sums[n] = sum_q;
  end

  logic [SumW-1:0] a, b;

  if (HasScale) begin : gen_scale
    // Products of the low bits and of the rest, each with the registers that a multiplier has; what is not multiplied is
    // multiplied by 1. The sum with the bias has a register of its own, since a multiplier may stand far from its lane.
    localparam int LowW  = AccW > 18 ? 17 : AccW - 1;
    localparam int HighW = AccW - LowW;

    logic                       scaled_q;
    logic signed [AccW-1:0]     biased_q, operand_q;
    logic signed [15:0]         scale1_q, scale2_q;
    logic signed [LowW+16:0]    low1_q, low2_q;
    logic signed [HighW+15:0]   high1_q, high2_q;

    // Constant where it is used: this lane's copy keeps its net short
    always_ff @(posedge clk_i) scaled_q <= scaled_i;

    always_ff @(posedge clk_i) begin
      biased_q <= $signed(sums[1]) + $signed(bias_i);
      if (!scaled_q) scale1_q <= 16'd1;
      else scale1_q <= scale_i;
      operand_q <= biased_q;
      scale2_q  <= scale1_q;
      low1_q    <= $signed({1'b0, operand_q[LowW-1:0]}) * scale2_q;
      low2_q    <= low1_q;
      high1_q   <= $signed(operand_q[AccW-1:LowW]) * scale2_q;
      high2_q   <= high1_q;
    end

    assign a = SumW'(low2_q);
    assign b = {high2_q, LowW'(0)};
  end else begin : gen_no_scale
    logic unused;
    assign unused = ^{scaled_i, scale_i};
    assign a = sums[1];
    assign b = bias_i;
  end

  emcc_requant #(
    .SumW(SumW)
  ) u_requant (
    .clk_i,
    .shift_i,
    .round_i(scaled_i),
    .relu_i,
    .table_i,
    .coarse_base_i,
    .fine_base_i,
    .a_i(a),
    .b_i(b),
    .lane_en_i,
`ifdef EMCC_NEXT_INPUT
    .host_first_i,
`endif
    .host_busy_i,
    .host_i,
    .act_o
  );
endmodule

`default_nettype wire
