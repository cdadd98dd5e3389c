// SPDX-License-Identifier: Apache-2.0
// Arithmetic unit: one multiply-accumulate a cycle into one of two accumulator banks, the tag says which; the other bank
// may drain. A step of maxima keeps the largest product instead of the sum.
//
// Row and value come in cycle a (codes one cycle earlier, a direct step's weight one later). Codebook: cycles a-1 to a+1.
//
// Accumulators that are made of LUTs have the operands in registers, for the multiplier's own: multiply in b+1 and b+2,
// where b = a+1. The accumulator is read in b+2 and written in b+3, so one younger sum is forwarded, the one being added.
//
// Those that are not certain to be made of LUTs are taken for block RAM, which is far away and slow, and b = a. They have an
// output register and are read in b, and the sum is registered before it is written, in b+4. So three more sums are
// forwarded; the choice between the oldest two is made in b+1. A row that drains is read two cycles earlier, too, so both
// kinds take as long.
//
// A word of a bank is a sum and a bit that says whether it is live. Draining a row takes that bit away, and a row that
// is not live counts as nothing: that needs no multiplexer in front of the memory.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_acc #(
  // See emcc_ram
  parameter int LutWords = 0
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  // Of the two tiles' steps
  input  wire  [1:0]            direct_i,
  input  wire  [1:0]            largest_i,
  input  wire  [1:0]            ident_i,
  input  wire  [1:0][2:0]       code_sel_i,
  input  wire  [1:0][BookAddrW-1:0] book_base_i,
  // Cycle a-2
  input  wire                   next_code_tag_i,
  // Cycle a-1
  input  wire  [CodeW-1:0]      code_i,
  // Cycle a
  input  wire                   valid_i,
  input  wire                   tag_i,
  input  wire  [RowW-1:0]       row_i,
  input  wire  [ActW-1:0]       value_i,
  // Cycle a+1
  input  wire  [FactorW-1:0]    weight_i,
`ifdef EMCC_SPLIT
  // Of a tile that splits, rows from border_i on are the other bank's.
  input  wire  [1:0]            split_i,
  input  wire  [RowW-1:0]       border_i,
`endif
  // Drain: the row is cleared two cycles after drain_i, in the bank that drain_bank_i names; its sum comes three cycles
  // after drain_i.
  input  wire                   drain_i,
  input  wire                   drain_bank_i,
  input  wire  [RowW-1:0]       drain_row_i,
  output logic signed [AccW-1:0] drain_data_o
);
  localparam int WeightW = 16;
  localparam int ProdW   = ActW + WeightW;
  localparam bit Block   = AccRows > LutWords;

  // Operands in cycle b
  logic            valid, tag;
  logic [RowW-1:0] row;
  logic [ActW-1:0] value;

`ifdef EMCC_SPLIT
  // The steps of both tiles are the same then: from here on a tag is a bank.
  logic bank;

  assign bank = tag_i ^ (split_i[tag_i] && row_i >= border_i);

`endif
  if (Block) begin : gen_now
`ifdef EMCC_SPLIT
    assign {valid, tag, row, value} = {valid_i, bank, row_i, value_i};
`else
    assign {valid, tag, row, value} = {valid_i, tag_i, row_i, value_i};
`endif
  end else begin : gen_later
    logic            valid_q, tag_q;
    logic [RowW-1:0] row_q;
    logic [ActW-1:0] value_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_q <= 1'b0;
      else valid_q <= valid_i;
    end

`ifdef EMCC_SPLIT
    always_ff @(posedge clk_i) {tag_q, row_q, value_q} <= {bank, row_i, value_i};
`else
    always_ff @(posedge clk_i) {tag_q, row_q, value_q} <= {tag_i, row_i, value_i};
`endif

    assign {valid, tag, row, value} = {valid_q, tag_q, row_q, value_q};
  end

  logic               valid1_q, valid2_q, valid3_q, tag1_q, tag2_q, tag3_q;
  logic [RowW-1:0]    row1_q, row2_q;
  logic [ActW-1:0]    value1_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else begin
      valid1_q <= valid;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    row1_q   <= row;
    row2_q   <= row1_q;
    tag1_q   <= tag;
    tag2_q   <= tag1_q;
    tag3_q   <= tag2_q;
    value1_q <= value;
  end

  // The weight, in cycle a+1: what the codebook says; the code itself; or the direct step's
  logic [WeightW-1:0] book, own, coded, chosen, weight;
  logic               tag_a1;

  assign tag_a1 = Block ? tag1_q : tag;

  if (HasBook) begin : gen_book
    // A small codebook is made of LUTs and has its first register before it, for the way from the Spmat memory is long.
    // A large one is block RAM and has both registers behind.
    localparam bit SmallBook = BookDepth <= 64;
    logic [BookAddrW-1:0] book_base_q, book_addr, book_addr_read;

    always_ff @(posedge clk_i) book_base_q <= book_base_i[next_code_tag_i];
    assign book_addr = book_base_q | BookAddrW'(code_i);

    if (SmallBook) begin : gen_small_book
      logic [BookAddrW-1:0] book_addr_q;
      always_ff @(posedge clk_i) book_addr_q <= book_addr;
      assign book_addr_read = book_addr_q;
    end else begin : gen_large_book
      assign book_addr_read = book_addr;
    end

    emcc_rom #(
      .Width   (WeightW),
      .Depth   (BookDepth),
      .AddrW   (BookAddrW),
      .OutReg  (!SmallBook),
      .InitFile("rom/codebook.hex")
    ) u_book (
      .clk_i,
      .addr_i(book_addr_read),
      .data_o(book)
    );
  end else begin : gen_no_book
    logic unused;
    assign unused = ^{book_base_i, code_i, next_code_tag_i};
    assign book = '0;
  end

  if (HasIdent) begin : gen_own
    logic [WeightW-1:0] padded, own0, own0_q, own1_q;
    logic [4:0]         pick_q;

    assign padded = WeightW'(code_i);

    // A code of 2**k bits, its sign spread over what is above
    always_comb begin
      own0 = '0;
      for (int k = 0; k < 5; k++) begin
        if (pick_q[k]) begin
          for (int i = 0; i < WeightW; i++) own0[i] = padded[i < (1 << k) ? i : (1 << k) - 1];
        end
      end
    end

    always_ff @(posedge clk_i) begin
      for (int k = 0; k < 5; k++) begin
        pick_q[k] <= IdentWidths[k] && (IdentWidths == (5'b1 << k) || code_sel_i[next_code_tag_i] == 3'(k));
      end
      own0_q <= own0;
      own1_q <= own0_q;
    end
    assign own = own1_q;
  end else begin : gen_no_own
    logic unused;
    assign unused = ^code_sel_i;
    assign own = '0;
  end

  assign coded  = HasIdent && (!HasBook || ident_i[tag_a1]) ? own : book;
  assign chosen = HasDirect && direct_i[tag_a1] ? WeightW'($signed(weight_i)) : coded;

  if (Block) begin : gen_weight_now
    assign weight = chosen;
  end else begin : gen_weight_later
    logic [WeightW-1:0] weight_q;
    always_ff @(posedge clk_i) weight_q <= chosen;
    assign weight = weight_q;
  end

  // Multiplier, two registers. Yosys 0.70 makes zeros of the product where iCE40's multiplier takes both in but not the
  // adder behind, which has 32 bits there: then the first is kept, and the second stays in the fabric. With operands of 8
  // bits it does so with narrower sums too: emcc's iCE40 flow defines EMCC_KEEP_PRODUCT.
`ifdef EMCC_KEEP_PRODUCT
  (* keep *)
`elsif YOSYS
  (* keep = AccW > 32 *)
`endif
  logic signed [ProdW-1:0] product2_q;
  logic signed [ProdW-1:0] product3_q;

  always_ff @(posedge clk_i) begin
    product2_q <= $signed(value1_q) * $signed(weight);
    product3_q <= product2_q;
  end

  // Accumulate with forwarding. An operand comes from its bank or from a younger sum: each has a register here, the one
  // not chosen is reset to zero, and choosing is an OR. A register's reset costs no logic. In accumulators of LUTs the lower
  // half, from which carries go farthest, is chosen in front of one register instead, for a LUT a bit.
  localparam int Chosen = Block ? 0 : AccW / 2;

  logic [AccW-1:0] rdata0, rdata1, operand3, sum3, younger, sum_write;
  logic            live0, live1, near_q, old, young, write, next_write, write_tag, next_write_tag, fresh, fresh3_q, larger;
  logic [RowW-1:0] next_row_write;

  assign young    = near_q || old;
  assign fresh    = !young && !(tag2_q ? live1 : live0);
  assign larger   = fresh3_q || $signed(product3_q[ActW-1:0]) > $signed(operand3[ActW-1:0]);

  assign sum3 = !HasMax || !largest_i[tag3_q] ? operand3 + AccW'(product3_q) :
      larger ? AccW'($signed(product3_q[ActW-1:0])) : operand3;

  always_ff @(posedge clk_i) near_q <= valid2_q && row2_q == row1_q && tag2_q == tag1_q;

  always_ff @(posedge clk_i) begin
    fresh3_q <= fresh;
  end

  for (genvar i = 0; i < AccW; i++) begin : gen_operand
    if (i < Chosen) begin : gen_chosen
      logic operand_q;

      always_ff @(posedge clk_i) begin
        if (fresh) operand_q <= 1'b0;
        else operand_q <= young ? younger[i] : tag2_q ? rdata1[i] : rdata0[i];
      end

      assign operand3[i] = operand_q;
    end else begin : gen_or
      logic bank0_q, bank1_q, young_q;

      always_ff @(posedge clk_i) begin
        if (!live0 || young || tag2_q) bank0_q <= 1'b0;
        else bank0_q <= rdata0[i];
        if (!live1 || young || !tag2_q) bank1_q <= 1'b0;
        else bank1_q <= rdata1[i];
        if (!young) young_q <= 1'b0;
        else young_q <= younger[i];
      end

      assign operand3[i] = bank0_q | bank1_q | young_q;
    end
  end

  if (Block) begin : gen_block
    logic [AccW-1:0] sum4_q, sum5_q, older_q;
    logic [RowW-1:0] row3_q, row4_q, row5_q;
    logic            valid4_q, valid5_q, tag4_q, tag5_q, far_q, third, old_q;

    assign third = valid4_q && row4_q == row1_q && tag4_q == tag1_q;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        valid4_q <= 1'b0;
        valid5_q <= 1'b0;
      end else begin
        valid4_q <= valid3_q;
        valid5_q <= valid4_q;
      end
    end

    always_ff @(posedge clk_i) begin
      row3_q  <= row2_q;
      row4_q  <= row3_q;
      row5_q  <= row4_q;
      tag4_q  <= tag3_q;
      tag5_q  <= tag4_q;
      sum4_q  <= sum3;
      sum5_q  <= sum4_q;
      far_q   <= valid3_q && row3_q == row1_q && tag3_q == tag1_q;
      old_q   <= third || (valid5_q && row5_q == row1_q && tag5_q == tag1_q);
      older_q <= third ? sum4_q : sum5_q;
    end

    assign old       = far_q || old_q;
    assign younger   = near_q ? sum3 : far_q ? sum4_q : older_q;
    assign write     = valid4_q;
    assign write_tag = tag4_q;
    assign sum_write = sum4_q;

    assign next_write     = valid3_q;
    assign next_write_tag = tag3_q;
    assign next_row_write = row3_q;
  end else begin : gen_no_block
    assign old       = 1'b0;
    assign younger   = sum3;
    assign write     = valid3_q;
    assign write_tag = tag3_q;
    assign sum_write = sum3;

    assign next_write     = valid2_q;
    assign next_write_tag = tag2_q;
    assign next_row_write = row2_q;
  end

  // The draining bank: the row is read, and then cleared.
  logic            drain1_q, drain2_q, drain_bank1_q, drain_bank2_q;
  logic [RowW-1:0] drain_row1_q;
  logic [AccW-1:0] drained_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      drain1_q <= 1'b0;
      drain2_q <= 1'b0;
    end else begin
      drain1_q <= drain_i;
      drain2_q <= drain1_q;
    end
  end

  always_ff @(posedge clk_i) begin
    drain_bank1_q <= drain_bank_i;
    drain_bank2_q <= drain_bank1_q;
    drain_row1_q  <= drain_row_i;
    if (drain_bank2_q ? live1 : live0) drained_q <= drain_bank2_q ? rdata1 : rdata0;
    else drained_q <= '0;
  end

  assign drain_data_o = drained_q;

  // A bank drains while drain_i, or the row's third cycle, is for it; then nothing accumulates in it. What a bank's ports see
  // is chosen the cycle before, but for what block RAM reads.
  logic            next_clear0, next_clear1, clear0_q, clear1_q, we0_q, we1_q;
  logic [RowW-1:0] waddr0_q, waddr1_q, raddr0, raddr1;

  assign next_clear0 = drain1_q && !drain_bank1_q;
  assign next_clear1 = drain1_q && drain_bank1_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clear0_q <= 1'b0;
      clear1_q <= 1'b0;
      we0_q    <= 1'b0;
      we1_q    <= 1'b0;
    end else begin
      clear0_q <= next_clear0;
      clear1_q <= next_clear1;
      we0_q    <= next_clear0 || (next_write && !next_write_tag);
      we1_q    <= next_clear1 || (next_write && next_write_tag);
    end
  end

  always_ff @(posedge clk_i) begin
    waddr0_q <= next_clear0 ? drain_row1_q : next_row_write;
    waddr1_q <= next_clear1 ? drain_row1_q : next_row_write;
  end

  if (Block) begin : gen_read_now
    assign raddr0 = drain_i && !drain_bank_i ? drain_row_i : row;
    assign raddr1 = drain_i && drain_bank_i ? drain_row_i : row;
  end else begin : gen_read_later
    logic [RowW-1:0] raddr0_q, raddr1_q;

    always_ff @(posedge clk_i) begin
      raddr0_q <= next_clear0 ? drain_row1_q : row1_q;
      raddr1_q <= next_clear1 ? drain_row1_q : row1_q;
    end

    assign raddr0 = raddr0_q;
    assign raddr1 = raddr1_q;
  end

  emcc_ram #(
    .Width   (AccW + 1),
    .Depth   (AccRows),
    .AddrW   (RowW),
    .LutWords(LutWords),
    .ReadReg (Block),
    .OutReg  (Block)
  ) u_bank0 (
    .clk_i,
    .we_i   (we0_q),
    .waddr_i(waddr0_q),
    .wdata_i({!clear0_q, sum_write}),
    .raddr_i(raddr0),
    .rdata_o({live0, rdata0})
  );

  emcc_ram #(
    .Width   (AccW + 1),
    .Depth   (AccRows),
    .AddrW   (RowW),
    .LutWords(LutWords),
    .ReadReg (Block),
    .OutReg  (Block)
  ) u_bank1 (
    .clk_i,
    .we_i   (we1_q),
    .waddr_i(waddr1_q),
    .wdata_i({!clear1_q, sum_write}),
    .raddr_i(raddr1),
    .rdata_o({live1, rdata1})
  );

  // The compiler has proven that no sum overflows: signed overflow of an addition is a bug.
  logic overflow;
  assign overflow = valid3_q && !(HasMax && largest_i[tag3_q]) && operand3[AccW-1] == product3_q[ProdW-1] &&
      sum3[AccW-1] != operand3[AccW-1];

  `EMCC_ASSERT(!overflow, "accumulator overflow")
  `EMCC_ASSERT(!(drain2_q && write && drain_bank2_q == write_tag), "drain of the bank in use")
  `EMCC_ASSERT(!valid_i || 32'(row_i) < AccRows, "a product for a row that is not there")
  `EMCC_ASSERT(!drain_i || 32'(drain_row_i) < AccRows, "a drained row that is not there")
endmodule

`default_nettype wire
