// SPDX-License-Identifier: Apache-2.0
// One lane's drain: the sum of its G accumulators, bias, multiplier, shift, saturation, function.
//
// The accumulators come in cycle g+3 of a row's issue; the bias must come with the sum, in g+3+Levels, the multiplier one
// cycle later. The result leaves in cycle g+6+Levels, three later each with multipliers and with functions; 0
// where lane_en_i was low a cycle before.
`default_nettype none

import emcc_cfg_pkg::*;

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

  logic [SumW-1:0] acc, added;

  if (HasScale) begin : gen_scale
    logic signed [AccW-1:0] biased_q;
    logic signed [SumW-1:0] product1_q, product2_q;
    logic        [SumW-1:0] half_q;

    always_ff @(posedge clk_i) begin
      biased_q   <= $signed(sums[1]) + $signed(bias_i);
      product1_q <= biased_q * $signed(scaled_i ? scale_i : 16'd1);
      product2_q <= product1_q;
      half_q     <= scaled_i ? (SumW'(1) << ShiftMin << shift_i) >> 1 : '0;
    end

    assign acc   = product2_q;
    assign added = half_q;
  end else begin : gen_no_scale
    logic unused;
    assign unused = ^{scaled_i, scale_i};
    assign acc    = sums[1];
    assign added  = bias_i;
  end

  emcc_drain #(
    .AccW       (SumW),
    .ActW       (ActW),
    .ShiftMin   (ShiftMin),
    .ShiftW     (ShiftW),
    .HasTable   (HasTable),
    .LoBits     (LoBits),
    .HiBits     (HiBits),
    .CoarseDepth(CoarseDepth),
    .CoarseAddrW(CoarseAddrW),
    .CoarseFile ("rom/coarse.hex"),
    .FineDepth  (FineDepth),
    .FineAddrW  (FineAddrW),
    .FineFile   ("rom/fine.hex")
  ) u_drain (
    .clk_i,
    .shift_i,
    .relu_i,
    .table_i,
    .coarse_base_i,
    .fine_base_i,
    .acc_i    (acc),
    .bias_i   (added),
    .lane_en_i,
    .act_o
  );
endmodule

`default_nettype wire
