// SPDX-License-Identifier: Apache-2.0
// Requantises: a sum of two -> shift, round, saturate -> function -> activation.
//
// What comes in cycle h leaves in h+3, or h+6 where HasTable is set; it is zero where lane_en_i was low a cycle before. With
// round_i half of the last place is added, which is the last bit shifted out: it is added to what is left, and not to all of
// the sum. A table is bipartite: y = saturate(coarse[high bits] + fine[top, low bits]).
//
`ifdef EMCC_NEXT_INPUT
// With host_first_i in h+1 and host_busy_i in the cycle before the last one nothing drains there, and host_i goes the same way
// from h+2 on: it is an activation already.
`else
// While host_busy_i nothing drains, and host_i goes the same way from h+2 on: it is an activation already.
`endif
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_requant #(
  parameter int SumW = 40
) (
  input  wire                    clk_i,
  // The pass's descriptor, constant while it drains
  input  wire  [ShiftW-1:0]      shift_i,
  input  wire                    round_i,
  input  wire                    relu_i,
  input  wire                    table_i,
  input  wire  [CoarseAddrW-1:0] coarse_base_i,
  input  wire  [FineAddrW-1:0]   fine_base_i,
  input  wire  [SumW-1:0]        a_i,
  input  wire  [SumW-1:0]        b_i,
  input  wire                    lane_en_i,
  // 0 where the host writes nothing
`ifdef EMCC_NEXT_INPUT
  input  wire                    host_first_i,
`endif
  input  wire                    host_busy_i,
  input  wire  [ActW-1:0]        host_i,
  output logic [ActW-1:0]        act_o
);
  localparam int ShiftMax = (1 << ShiftW) - 1;
  // What is left after ShiftMin, and no narrower than what the rest of the shift can reach
  localparam int LeftW    = SumW - ShiftMin > ActW + ShiftMax ? SumW - ShiftMin : ActW + ShiftMax;

  `EMCC_REQUIRE(ShiftMin < SumW, "emcc_requant: a shift by %0d leaves nothing of %0d bits", ShiftMin, SumW)
  `EMCC_REQUIRE(!HasTable || (LoBits + HiBits <= ActW), "emcc_requant: %0d and %0d bits of a table overlap", LoBits, HiBits)

  // Stage 1: the sum
  logic signed [SumW-1:0]  sum1_q;
  logic signed [LeftW-1:0] left;
  logic                    sign;

  always_ff @(posedge clk_i) sum1_q <= a_i + b_i;

  assign sign = sum1_q[SumW-1];
  assign left = LeftW'(sum1_q >>> ShiftMin);

  // Stage 2: the bits of an activation, the one below them, and whether all above are the sign. Bits that any shift leaves
  // above are compared as they are.
  logic [ActW+ShiftMax-1:0]     near;
  logic [LeftW-1:ActW-1]        differs;
  logic [ShiftMax:0]            halves;
  logic signed [ActW-1:0]       value2_q;
  logic                         half2_q, over2_q, sign2_q, negative2_q, far;

  assign near    = left[ActW+ShiftMax-1:0];
  assign differs = left[LeftW-1:ActW-1] ^ {(LeftW-ActW+1){sign}};
  assign far     = |differs[LeftW-1:ActW-1+ShiftMax];

  if (ShiftMin > 0) begin : gen_halves
    assign halves = {near[ShiftMax-1:0], sum1_q[ShiftMin-1]};
  end else begin : gen_no_halves
    assign halves = {near[ShiftMax-1:0], 1'b0};
  end

  always_ff @(posedge clk_i) begin
`ifdef EMCC_NEXT_INPUT
    if (host_first_i) begin
`else
    if (host_busy_i) begin
`endif
      value2_q    <= '0;
      half2_q     <= 1'b0;
      over2_q     <= 1'b0;
      sign2_q     <= 1'b0;
      negative2_q <= 1'b0;
    end else begin
      value2_q    <= ActW'(near >> shift_i);
      half2_q     <= round_i && halves[shift_i];
      over2_q     <= far || (differs[ActW-1 +: ShiftMax] >> shift_i) != '0;
      sign2_q     <= sign;
      negative2_q <= relu_i && sign;
    end
  end

  // Stage 3: round and saturate
  logic [ActW-1:0] act3_q;
  logic [ActW:0]   rounded;
  logic            over;

  if (HasScale) begin : gen_round
    assign rounded = {value2_q[ActW-1], value2_q} + (ActW+1)'(half2_q);
  end else begin : gen_no_round
    logic unused;
    assign unused  = half2_q;
    assign rounded = {value2_q[ActW-1], value2_q};
  end

  assign over = over2_q || rounded[ActW] != rounded[ActW-1];

  always_ff @(posedge clk_i) begin
    if (negative2_q || (!HasTable && !lane_en_i && !host_busy_i)) act3_q <= '0;
    else act3_q <= (over ? {sign2_q, {(ActW-1){!sign2_q}}} : rounded[ActW-1:0]) | host_i;
  end

  if (HasTable) begin : gen_table
    // u = z + 2**(ActW-1), unsigned
    logic [ActW-1:0]        u;
    logic [CoarseAddrW-1:0] coarse_index;
    logic [FineAddrW-1:0]   fine_index;
    logic [ActW-1:0]        coarse, fine, act4_q, act5_q, act6_q;
    logic signed [ActW:0]   sum;

    assign u            = {!act3_q[ActW-1], act3_q[ActW-2:0]};
    assign coarse_index = CoarseAddrW'(u >> LoBits);
    assign fine_index   = (FineAddrW'(u >> (ActW - HiBits)) << LoBits) | FineAddrW'(u & ActW'((32'd1 << LoBits) - 1));

    emcc_rom #(
      .Width   (ActW),
      .Depth   (CoarseDepth),
      .AddrW   (CoarseAddrW),
      .OutReg  (1'b1),
      .InitFile("rom/coarse.hex")
    ) u_coarse (
      .clk_i,
      .addr_i(coarse_base_i + coarse_index),
      .data_o(coarse)
    );

    emcc_rom #(
      .Width   (ActW),
      .Depth   (FineDepth),
      .AddrW   (FineAddrW),
      .OutReg  (1'b1),
      .InitFile("rom/fine.hex")
    ) u_fine (
      .clk_i,
      .addr_i(fine_base_i + fine_index),
      .data_o(fine)
    );

    assign sum = $signed({coarse[ActW-1], coarse}) + $signed({fine[ActW-1], fine});

    always_ff @(posedge clk_i) begin
      act4_q <= act3_q;
      act5_q <= act4_q;
      if (!lane_en_i && !host_busy_i) act6_q <= '0;
      else if (!table_i || host_busy_i) act6_q <= act5_q;
      else if (sum[ActW] != sum[ActW-1]) act6_q <= {sum[ActW], {(ActW-1){!sum[ActW]}}};
      else act6_q <= sum[ActW-1:0];
    end

    assign act_o = act6_q;
  end else begin : gen_no_table
    logic unused;
    assign unused = ^{table_i, coarse_base_i, fine_base_i};
    assign act_o  = act3_q;
  end
endmodule

`default_nettype wire
