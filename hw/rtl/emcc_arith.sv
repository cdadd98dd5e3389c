// Arithmetic unit: one multiply-accumulate a cycle into one of two accumulator banks; the other bank drains.
//
// Row and value come in cycle a (codes one cycle earlier). Codebook: cycles a-1 to a+1. Multiply: a+1, a+2. The
// accumulator is read in a+1, forwarded in a+2 and written in a+3, so two younger sums are forwarded:
// the one being added and the one written last.
//
// Accumulators that are not certain to be made of LUTs are taken for block RAM, which is far away and slow. They have an
// output register and are read in cycle a, and the sum is registered before it is written, in a+4. So two more sums are
// forwarded; the choice between those is made in a+1.
//
// A word of a bank is a sum and a bit that says whether it is live. Draining a row takes that bit away, and a row that
// is not live counts as zero: that needs no multiplexer in front of the memory.
//
// With Overlap 0 no layer accumulates while another drains, and there is one bank.
module emcc_arith #(
  parameter int ActW         = 16,
  parameter int WeightW      = 16,
  parameter int CodeW        = 4,
  parameter int BookDepth    = 16,
  parameter int BookAddrW    = 4,
  parameter              BookFile     = "",
  parameter int AccW         = 40,
  parameter bit Overlap      = 1'b1,
  parameter int Rows         = 16,
  parameter int RowW         = 4,
  // See emcc_ram
  parameter int LutWords     = 0
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 bank_i,
  input  logic [BookAddrW-1:0] book_base_i,
  input  logic [CodeW-1:0]     code_i,
  input  logic                 valid_i,
  input  logic [RowW-1:0]      row_i,
  input  logic [ActW-1:0]      value_i,
  output logic                 busy_o,
  // Drain: the row is cleared two cycles after drain_i, in the bank that drain_bank_i names. Its sum, in the bank that
  // bank_i does not name, comes three cycles after drain_i.
  input  logic                 drain_i,
  input  logic                 drain_bank_i,
  input  logic [RowW-1:0]      drain_row_i,
  output logic [AccW-1:0]      drain_data_o
);
  localparam int ProdW  = ActW + WeightW;
  localparam bit Block  = Rows > LutWords;

  // Codebook and operands
  logic [WeightW-1:0] weight;
  logic               valid1_q, valid2_q, valid3_q;
  logic [RowW-1:0]    row1_q, row2_q, row3_q;
  logic [ActW-1:0]    value1_q;

  // A small codebook is made of LUTs and has its first register before it, for the way from the Spmat memory is long. A
  // large one is block RAM and has both registers behind.
  localparam bit SmallBook = BookDepth <= 64;

  logic [BookAddrW-1:0] book_addr, book_addr_read;

  assign book_addr = book_base_i | BookAddrW'(code_i);

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
    .InitFile(BookFile)
  ) u_book (
    .clk_i,
    .addr_i(book_addr_read),
    .data_o(weight)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else begin
      valid1_q <= valid_i;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    row1_q   <= row_i;
    row2_q   <= row1_q;
    row3_q   <= row2_q;
    value1_q <= value_i;
  end

  // Multiplier, two registers. Yosys 0.70 makes zeros of the product where iCE40's multiplier takes both in but not the
  // adder behind, which has 32 bits there: then the first is kept, and the second stays in the fabric.
`ifdef YOSYS
  (* keep = AccW > 32 *)
`endif
  logic signed [ProdW-1:0] product2_q;
  logic signed [ProdW-1:0] product3_q;

  always_ff @(posedge clk_i) begin
    product2_q <= $signed(value1_q) * $signed(weight);
    product3_q <= product2_q;
  end

  // Accumulate with forwarding. An operand comes from its bank or from a younger sum: each has a register here, the one
  // not chosen is reset to zero, and choosing is an OR. A register's reset costs no logic.
  logic [AccW-1:0] rdata0, rdata1, bank0_q, bank1_q, young_q, operand3, sum3, sum4_q, older, sum_write;
  logic            live0, live1, near_q, far_q, old, young, write;
  logic [RowW-1:0] row_write;

  assign young    = near_q || far_q || old;
  assign operand3 = (Overlap && bank_i ? bank1_q : bank0_q) | young_q;
  assign sum3     = operand3 + AccW'(product3_q);

  always_ff @(posedge clk_i) begin
    near_q <= valid2_q && row2_q == row1_q;
    far_q  <= valid3_q && row3_q == row1_q;
  end

  always_ff @(posedge clk_i) begin
    if (!live0 || (young && !(Overlap && bank_i))) bank0_q <= '0;
    else bank0_q <= rdata0;
    if (!live1 || (young && bank_i)) bank1_q <= '0;
    else bank1_q <= rdata1;
    if (!young) young_q <= '0;
    else young_q <= near_q ? sum3 : !Block || far_q ? sum4_q : older;
    sum4_q <= sum3;
  end

  if (Block) begin : gen_block
    logic [AccW-1:0] sum5_q, older_q;
    logic [RowW-1:0] row4_q, row5_q;
    logic            valid4_q, valid5_q, third, old_q;

    assign third = valid4_q && row4_q == row1_q;

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
      row4_q  <= row3_q;
      row5_q  <= row4_q;
      sum5_q  <= sum4_q;
      old_q   <= third || (valid5_q && row5_q == row1_q);
      older_q <= third ? sum4_q : sum5_q;
    end

    assign old       = old_q;
    assign older     = older_q;
    assign write     = valid4_q;
    assign row_write = row4_q;
    assign sum_write = sum4_q;
  end else begin : gen_no_block
    assign old       = 1'b0;
    assign older     = '0;
    assign write     = valid3_q;
    assign row_write = row3_q;
    assign sum_write = sum3;
  end

  assign drain_data_o = Overlap && !bank_i ? bank1_q : bank0_q;
  assign busy_o       = valid1_q || valid2_q || valid3_q;

  // The draining bank: the row is read, and then cleared.
  logic            drain1_q, drain2_q, drain_bank1_q, drain_bank2_q;
  logic [RowW-1:0] drain_row1_q, drain_row2_q, row_read, drain_row_read;

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
    drain_row2_q  <= drain_row1_q;
  end

  assign row_read       = Block ? row_i : row1_q;
  assign drain_row_read = Block ? drain_row_i : drain_row1_q;

  if (Overlap) begin : gen_two_banks
    logic clear0, clear1;
    assign clear0 = drain2_q && !drain_bank2_q;
    assign clear1 = drain2_q && drain_bank2_q;

    emcc_ram #(
      .Width   (AccW + 1),
      .Depth   (Rows),
      .AddrW   (RowW),
      .LutWords(LutWords),
      .OutReg  (Block)
    ) u_bank0 (
      .clk_i,
      .we_i   (clear0 || (write && !bank_i)),
      .waddr_i(clear0 ? drain_row2_q : row_write),
      .wdata_i({!clear0, sum_write}),
      .raddr_i(bank_i ? drain_row_read : row_read),
      .rdata_o({live0, rdata0})
    );

    emcc_ram #(
      .Width   (AccW + 1),
      .Depth   (Rows),
      .AddrW   (RowW),
      .LutWords(LutWords),
      .OutReg  (Block)
    ) u_bank1 (
      .clk_i,
      .we_i   (clear1 || (write && bank_i)),
      .waddr_i(clear1 ? drain_row2_q : row_write),
      .wdata_i({!clear1, sum_write}),
      .raddr_i(bank_i ? row_read : drain_row_read),
      .rdata_o({live1, rdata1})
    );
  end else begin : gen_one_bank
    emcc_ram #(
      .Width   (AccW + 1),
      .Depth   (Rows),
      .AddrW   (RowW),
      .LutWords(LutWords),
      .OutReg  (Block)
    ) u_bank (
      .clk_i,
      .we_i   (drain2_q || write),
      .waddr_i(drain2_q ? drain_row2_q : row_write),
      .wdata_i({!drain2_q, sum_write}),
      .raddr_i((Block ? drain_i : drain1_q) ? drain_row_read : row_read),
      .rdata_o({live0, rdata0})
    );

    assign {live1, rdata1} = '0;
  end

`ifndef SYNTHESIS
  always @(posedge clk_i) begin
    if (rst_ni && drain2_q && write && (!Overlap || drain_bank2_q == bank_i)) $error("%m: drain of the bank in use");
  end

  // The compiler has proven that no sum overflows: signed overflow of an addition is a bug.
  always @(posedge clk_i) begin
    if (rst_ni && valid3_q && operand3[AccW-1] == product3_q[ProdW-1] && sum3[AccW-1] != operand3[AccW-1]) begin
      $error("%m: accumulator overflow in row %0d", row3_q);
    end
  end
`endif
endmodule
