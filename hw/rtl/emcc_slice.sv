// SPDX-License-Identifier: Apache-2.0
// One PE: pointer read, activation queue, sparse-matrix read, arithmetic unit. Its memories of pointers and entries are
// outside, two cycles from address to data.
//
// A PE stays a module of its own: registers that are equal in all of them, but are copies for the sake of short ways, are
// not made one register for the whole chip.
//
// A column comes in cycle e+3 of its emission, the rest in e+5; an entry is pushed in e+6. A local step's PE takes its own
// lane's activation, where the lane is looked at, and one entry at an address that all PEs have in common (or a weight).
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

(* keep_hierarchy *)
module emcc_slice #(
  // How many rows this lane's slot is behind the word's first
  parameter int Behind      = 0,
  // See emcc_ram
  parameter int SumLutWords = 0
) (
  input  wire                      clk_i,
  input  wire                      rst_ni,
  // Of the two tiles' steps
  input  wire  [1:0]               local_i,
  input  wire  [1:0]               direct_i,
  input  wire  [1:0]               largest_i,
  input  wire  [1:0]               ident_i,
  input  wire  [1:0][2:0]          code_sel_i,
  input  wire  [1:0][BookAddrW-1:0] book_base_i,
`ifdef EMCC_SPLIT
  input  wire  [1:0]               split_i,
  input  wire  [RowW-1:0]          border_i,
`endif
  // Broadcast
  input  wire  [ColW-1:0]          col_i,
  input  wire                      valid_i,
  input  wire                      word_local_i,
  input  wire                      load_i,
  input  wire                      use_i,
  input  wire                      tag_i,
  input  wire  [InfoW-1:0]         info_i,
  input  wire  [RowW-1:0]          row_i,
  input  wire  [ActW-1:0]          value_i,
  input  wire                      lane_i,
  input  wire  [ActW-1:0]          own_i,
  output logic                     near_full_o,
  output logic [1:0]               holds_o,
  // Drain
  input  wire                      drain_i,
  input  wire                      drain_bank_i,
  input  wire  [RowW-1:0]          drain_row_i,
  output logic signed [AccW-1:0]   drained_o,
  // Memories
  output logic [ColW-1:0]          ptr_addr_o,
  input  wire  [StartW+CountW-1:0] ptr_data_i,
  output logic [StartW-1:0]        spmat_addr_o,
  input  wire  [EntryW-1:0]        spmat_data_i
);
  localparam int QueueW = 1 + RowW + ActW + LoadW;

  // Reset comes a cycle later here, and lasts before the first clock edge.
  logic rst_nq;

  initial rst_nq = 1'b0;
  always @(posedge clk_i) rst_nq <= rst_ni;

  // Both tiles' steps are constant where they are used: this PE's copy of them keeps their nets short.
  logic [1:0]                local_q, direct_q, largest_q, ident_q;
  logic [1:0][2:0]           code_sel_q;
  logic [1:0][BookAddrW-1:0] book_base_q;

  always_ff @(posedge clk_i) begin
    local_q     <= local_i;
    direct_q    <= direct_i;
    largest_q   <= largest_i;
    ident_q     <= ident_i;
    code_sel_q  <= code_sel_i;
    book_base_q <= book_base_i;
  end
`ifdef EMCC_SPLIT

  logic [1:0]      split_q;
  logic [RowW-1:0] border_q;

  always_ff @(posedge clk_i) {split_q, border_q} <= {split_i, border_i};
`endif

  // Pointer read
  logic             valid6_q, local6_q, load6_q, use6_q, tag6_q, own_push_q, may_push_q;
  logic [ColW-1:0]  col4_q;
  logic [ActW-1:0]  value6_q;
  logic [RowW-1:0]  row6_q;
  logic [InfoW-1:0] info6_q;
  logic [LoadW-1:0] load;
  logic             push;

  always_ff @(posedge clk_i) begin
    if (!rst_nq) begin
      valid6_q   <= 1'b0;
      own_push_q <= 1'b0;
      may_push_q <= 1'b0;
    end else begin
      valid6_q   <= valid_i;
      own_push_q <= valid_i && HasLocal && word_local_i && lane_i && !load_i;
      may_push_q <= valid_i && !(HasLocal && word_local_i);
    end
  end

  always_ff @(posedge clk_i) begin
    col4_q   <= col_i;
    local6_q <= word_local_i;
    load6_q  <= load_i;
    use6_q   <= use_i;
    tag6_q   <= tag_i;
    value6_q <= HasLocal && word_local_i ? own_i : value_i;
    row6_q   <= row_i + (HasLocal && word_local_i ? RowW'(Behind) : RowW'(0));
    info6_q  <= info_i;
  end

  assign ptr_addr_o = col4_q;

  // A product's first factor waits here for the second one.
  logic [FactorW-1:0] factor;

  if (HasDirect) begin : gen_factor
    logic [FactorW-1:0] factor_q;
    always_ff @(posedge clk_i) begin
      if (valid6_q && load6_q) factor_q <= FactorW'($signed(value6_q));
    end
    assign factor = HasLoad && use6_q ? factor_q : FactorW'(info6_q);
  end else begin : gen_no_factor
    logic unused;
    assign factor = '0;
    assign unused = ^{factor, info6_q, use6_q};
  end

  // A column that has entries here; the memory may be far away, so what else counts is known before
  logic own;

  assign own    = HasLocal && local6_q;
  assign push   = own_push_q || (may_push_q && ptr_data_i[0 +: CountW] != '0);
  assign load   = !own ? LoadW'(ptr_data_i) :
      HasDirect && direct_q[tag6_q] ? LoadW'(factor) : LoadW'({StartW'(info6_q), CountW'(1)});

  logic             queue_valid, queue_pop, queue_tag;
  logic [RowW-1:0]  queue_row;
  logic [ActW-1:0]  queue_value;
  logic [LoadW-1:0] queue_load;

  emcc_act_queue #(
    .Width   (QueueW),
    .LogDepth(LogQueue)
  ) u_queue (
    .clk_i,
    .rst_ni(rst_nq),
    .we_i   (valid6_q),
    .push_i (push),
    .data_i ({tag6_q, row6_q, value6_q, load}),
    .pop_i  (queue_pop),
    .data_o ({queue_tag, queue_row, queue_value, queue_load}),
    .valid_o(queue_valid),
    .near_full_o
  );

  logic             mac_valid, mac_tag, next_code_tag;
  logic [CodeW-1:0] mac_code;
  logic [RowW-1:0]  mac_row;
  logic [ActW-1:0]  mac_value;
  logic [FactorW-1:0] mac_weight;
  logic [1:0]       read_holds, holds_q;

  emcc_slice_read u_read (
    .clk_i,
    .rst_ni(rst_nq),
    .local_i   (local_q),
    .direct_i  (direct_q),
    .code_sel_i(code_sel_q),
    .valid_i   (queue_valid),
    .tag_i     (queue_tag),
    .base_i    (queue_row),
    .value_i   (queue_value),
    .load_i    (queue_load),
    .pop_o     (queue_pop),
    .spmat_addr_o,
    .spmat_data_i,
    .next_code_tag_o(next_code_tag),
    .code_o    (mac_code),
    .valid_o   (mac_valid),
    .tag_o     (mac_tag),
    .row_o     (mac_row),
    .value_o   (mac_value),
    .weight_o  (mac_weight),
    .holds_o   (read_holds)
  );

  emcc_acc #(
    .LutWords(SumLutWords)
  ) u_acc (
    .clk_i,
    .rst_ni(rst_nq),
    .direct_i    (direct_q),
    .largest_i   (largest_q),
    .ident_i     (ident_q),
    .code_sel_i  (code_sel_q),
    .book_base_i (book_base_q),
    .next_code_tag_i(next_code_tag),
    .code_i      (mac_code),
    .valid_i     (mac_valid),
    .tag_i       (mac_tag),
    .row_i       (mac_row),
    .value_i     (mac_value),
    .weight_i    (mac_weight),
`ifdef EMCC_SPLIT
    .split_i     (split_q),
    .border_i    (border_q),
`endif
    .drain_i,
    .drain_bank_i,
    .drain_row_i,
    .drain_data_o(drained_o)
  );

  always_ff @(posedge clk_i) begin
    holds_q[0] <= read_holds[0] || (queue_valid && !queue_tag);
    holds_q[1] <= read_holds[1] || (queue_valid && queue_tag);
  end

  assign holds_o = holds_q;

  // A product's first factor was the word before.
  logic loaded_q;

  always_ff @(posedge clk_i) begin
    if (!rst_nq) loaded_q <= 1'b0;
    else if (valid6_q) loaded_q <= load6_q;
  end

  `EMCC_ASSERT(!(valid6_q && use6_q) || loaded_q, "a product without its first factor")
  `EMCC_ASSERT(!queue_pop || local_q[queue_tag] || queue_load[0 +: CountW] != '0, "an empty column")
endmodule

`default_nettype wire
