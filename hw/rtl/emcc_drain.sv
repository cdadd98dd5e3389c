// SPDX-License-Identifier: Apache-2.0
// Drain: accumulator -> + bias -> shift, saturate -> function -> activation.
//
// The accumulator and the bias come in cycle g+4 and the result leaves in cycle g+7, or g+10 where HasTable is set
// (g: the cycle in which the row was issued); it is zero where lane_en_i was low a cycle before. Half of the last place is
// part of what is added, so requantising is add, arithmetic shift right, saturate. A table is bipartite: y = saturate(coarse[high bits] + fine[top, low bits]).
`include "emcc_assert.svh"
`default_nettype none

module emcc_drain #(
  parameter int AccW        = 40,
  parameter int ActW        = 16,
  parameter int ShiftMin    = 0,
  parameter int ShiftW      = 1,
  parameter bit          HasTable    = 1'b0,
  parameter int LoBits      = 0,
  parameter int HiBits      = 0,
  parameter int CoarseDepth = 1,
  parameter int CoarseAddrW = 1,
  parameter              CoarseFile  = "",
  parameter int FineDepth   = 1,
  parameter int FineAddrW   = 1,
  parameter              FineFile    = ""
) (
  input  wire                    clk_i,
  // The layer's descriptor, constant while it drains
  input  wire  [ShiftW-1:0]      shift_i,
  input  wire                    relu_i,
  input  wire                    table_i,
  input  wire  [CoarseAddrW-1:0] coarse_base_i,
  input  wire  [FineAddrW-1:0]   fine_base_i,
  input  wire  [AccW-1:0]        acc_i,
  input  wire  [AccW-1:0]        bias_i,
  input  wire                    lane_en_i,
  output logic [ActW-1:0]        act_o
);
  localparam int ShiftedW = AccW - ShiftMin;

  `EMCC_REQUIRE(ShiftMin < AccW, "emcc_drain: a shift by %0d leaves nothing of %0d bits", ShiftMin, AccW)
  `EMCC_REQUIRE(!HasTable || (LoBits + HiBits <= ActW), "emcc_drain: %0d and %0d bits of a table overlap", LoBits, HiBits)

  logic signed [AccW-1:0]     sum5_q;
  logic signed [ShiftedW-1:0] shifted6_q;
  logic        [ActW-1:0]     z, z7_q;

  always_ff @(posedge clk_i) begin
    sum5_q     <= acc_i + bias_i;
    shifted6_q <= ShiftedW'(sum5_q >>> ShiftMin) >>> shift_i;
  end

  if (ShiftedW > ActW) begin : gen_saturate
    logic over;
    assign over = shifted6_q[ShiftedW-1:ActW-1] != {(ShiftedW-ActW+1){shifted6_q[ShiftedW-1]}};
    assign z = relu_i && shifted6_q[ShiftedW-1] ? '0 :
        over ? {shifted6_q[ShiftedW-1], {(ActW-1){!shifted6_q[ShiftedW-1]}}} : shifted6_q[ActW-1:0];
  end else begin : gen_no_saturate
    assign z = relu_i && shifted6_q[ShiftedW-1] ? '0 : ActW'(shifted6_q);
  end

  always_ff @(posedge clk_i) begin
    if (!HasTable && !lane_en_i) z7_q <= '0;
    else z7_q <= z;
  end

  if (HasTable) begin : gen_table
    // u = z + 2**(ActW-1), unsigned
    logic [ActW-1:0]        u;
    logic [CoarseAddrW-1:0] coarse_index;
    logic [FineAddrW-1:0]   fine_index;
    logic [ActW-1:0]        coarse, fine, z8_q, z9_q, act10_q;
    logic signed [ActW:0]   sum;

    assign u            = {!z7_q[ActW-1], z7_q[ActW-2:0]};
    assign coarse_index = CoarseAddrW'(u >> LoBits);
    assign fine_index   = (FineAddrW'(u >> (ActW - HiBits)) << LoBits) | FineAddrW'(u & ActW'((32'd1 << LoBits) - 1));

    emcc_rom #(
      .Width   (ActW),
      .Depth   (CoarseDepth),
      .AddrW   (CoarseAddrW),
      .OutReg  (1'b1),
      .InitFile(CoarseFile)
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
      .InitFile(FineFile)
    ) u_fine (
      .clk_i,
      .addr_i(fine_base_i + fine_index),
      .data_o(fine)
    );

    assign sum = $signed({coarse[ActW-1], coarse}) + $signed({fine[ActW-1], fine});

    always_ff @(posedge clk_i) begin
      z8_q <= z7_q;
      z9_q <= z8_q;
      if (!lane_en_i) act10_q <= '0;
      else if (!table_i) act10_q <= z9_q;
      else if (sum[ActW] != sum[ActW-1]) act10_q <= {sum[ActW], {(ActW-1){!sum[ActW]}}};
      else act10_q <= sum[ActW-1:0];
    end

    assign act_o = act10_q;
  end else begin : gen_no_table
    logic unused;
    assign unused = ^{table_i, coarse_base_i, fine_base_i};
    assign act_o  = z7_q;
  end
endmodule

`default_nettype wire
