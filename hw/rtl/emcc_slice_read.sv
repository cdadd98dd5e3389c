// SPDX-License-Identifier: Apache-2.0
// Walks the entries of one column of a PE's slice, one a cycle, and starts the next column in the cycle after the last
// entry. Decodes an entry {run, code} into a local row and a code.
//
// A column taken from the queue in cycle s presents its first address in cycle s+1; the memory answers two cycles after
// that, and row and code leave in cycle s+4 and s+3: the code is early because the codebook is a memory too. A direct
// step's weight leaves in s+5.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_slice_read (
  input  wire               clk_i,
  input  wire               rst_ni,
  // Of the two tiles' steps
  input  wire  [1:0]        local_i,
  input  wire  [1:0]        direct_i,
  input  wire  [1:0][2:0]   code_sel_i,
  // Activation queue
  input  wire               valid_i,
  input  wire               tag_i,
  input  wire  [RowW-1:0]   base_i,
  input  wire  [ActW-1:0]   value_i,
  input  wire  [LoadW-1:0]  load_i,
  output logic              pop_o,
  // Spmat memory
  output logic [StartW-1:0] spmat_addr_o,
  input  wire  [EntryW-1:0] spmat_data_i,
  // The code's tag in cycle s+2, and the code in s+3
  output logic              next_code_tag_o,
  output logic [CodeW-1:0]  code_o,
  // Cycle s+4
  output logic              valid_o,
  output logic              tag_o,
  output logic [RowW-1:0]   row_o,
  output logic [ActW-1:0]   value_o,
  // Cycle s+5
  output logic [FactorW-1:0] weight_o,
  // Tags of the column under way
  output logic [1:0]        holds_o
);
  logic              active_q, first_q, tag1_q, last;
  logic [StartW-1:0] addr_q;
  logic [CountW-1:0] left_q;
  logic [ActW-1:0]   value1_q;
  logic [RowW-1:0]   base1_q;

  assign last         = left_q == CountW'(1);
  assign pop_o        = valid_i && (!active_q || last);
  assign spmat_addr_o = addr_q;
  assign holds_o      = {active_q && tag1_q, active_q && !tag1_q};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) active_q <= 1'b0;
    else if (pop_o) active_q <= 1'b1;
    else if (last) active_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (pop_o) begin
      addr_q   <= load_i[CountW +: StartW];
      left_q   <= HasLocal && local_i[tag_i] ? CountW'(1) : load_i[0 +: CountW];
      value1_q <= value_i;
      base1_q  <= base_i;
      tag1_q   <= tag_i;
      first_q  <= 1'b1;
    end else begin
      addr_q  <= addr_q + 1'b1;
      left_q  <= left_q - 1'b1;
      first_q <= 1'b0;
    end
  end

  // The memory's two cycles
  logic            valid2_q, valid3_q, valid4_q, first2_q, first3_q, tag2_q, tag3_q, tag4_q;
  logic [ActW-1:0] value2_q, value3_q, value4_q;
  logic [RowW-1:0] base2_q, base3_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
      valid4_q <= 1'b0;
    end else begin
      valid2_q <= active_q;
      valid3_q <= valid2_q;
      valid4_q <= valid3_q;
    end
  end

  always_ff @(posedge clk_i) begin
    first2_q <= first_q;
    first3_q <= first2_q;
    value2_q <= value1_q;
    value3_q <= value2_q;
    value4_q <= value3_q;
    tag2_q   <= tag1_q;
    tag3_q   <= tag2_q;
    tag4_q   <= tag3_q;
    base2_q  <= base1_q;
    base3_q  <= base2_q;
  end

  // Entry: the code in the low bits, the zero run above it; the boundary is the step's choice, and known a cycle before the
  // entry comes. Bits below the narrowest code's are the code's anyway.
  logic [4:0]        pick, pick_q, wide_q;
  logic              direct3_q;
  logic [CodeW-1:0]  wide;
  logic [EntryW-1:0] run;

  for (genvar k = 0; k < 5; k++) begin : gen_pick
    localparam bit Always = (CodeWidths & 5'((1 << k) - 1)) == '0;
    assign pick[k] = CodeWidths[k] && (CodeWidths == (5'b1 << k) || code_sel_i[tag2_q] == 3'(k));
    // Codes of 2**k bits or more
    always_ff @(posedge clk_i) begin
      pick_q[k] <= pick[k];
      wide_q[k] <= Always || (pick >> k) != '0;
    end
  end

  always_ff @(posedge clk_i) direct3_q <= direct_i[tag2_q];

  always_comb begin
    run = '0;
    for (int k = 0; k < 5; k++) begin
      if (pick_q[k]) run = run | (spmat_data_i >> (1 << k));
    end
    for (int i = 0; i < CodeW; i++) wide[i] = wide_q[$clog2(i + 1)];
  end

  logic [RowW-1:0] row_q;

  always_ff @(posedge clk_i) begin
    if (HasDirect && direct3_q) row_q <= base3_q;
    else row_q <= (first3_q ? base3_q : row_q + 1'b1) + RowW'(run);
  end

  assign next_code_tag_o = tag2_q;

  assign code_o     = CodeW'(spmat_data_i) & wide;
  assign valid_o    = valid4_q;
  assign tag_o      = tag4_q;
  assign row_o      = row_q;
  assign value_o    = value4_q;

  if (HasDirect) begin : gen_weight
    logic [FactorW-1:0] weight1_q, weight2_q, weight3_q, weight4_q, weight5_q;
    always_ff @(posedge clk_i) begin
      if (pop_o) weight1_q <= load_i[FactorW-1:0];
      weight2_q <= weight1_q;
      weight3_q <= weight2_q;
      weight4_q <= weight3_q;
      weight5_q <= weight4_q;
    end
    assign weight_o = weight5_q;
  end else begin : gen_no_weight
    assign weight_o = '0;
  end

  `EMCC_ASSERT(!active_q || (HasDirect && direct_i[tag1_q]) || 32'(addr_q) < Entries, "an entry that is not there")
endmodule

`default_nettype wire
