// SPDX-License-Identifier: Apache-2.0
// Decoder of canonical Huffman codes: symbols of four bits in codewords of one to seven, four tables, a symbol a cycle.
//
// Each table has a row for each value of the next seven bits: {symbol, length}, length 0 where no codeword begins so. Rows
// are filled in the order of codewords, so a canonical table is its symbols, {symbol, 0, length} a byte, the shortest
// codeword first; length 0 leaves the rest of the table without codewords. The tables follow each other.
//
// A symbol takes three cycles, so three streams of codewords take turns: symbol n is of stream n mod 3. A stream that
// holds fewer than seven bits when its turn comes takes a byte first. Bytes come in that order, the highest bit first.
`include "emcc_assert.svh"
`default_nettype none

module emcc_huffman (
  input  wire        clk_i,
  input  wire        rst_ni,
  // Rows of the tables; filled_o with the last row's last cycle
  input  wire        row_valid_i,
  input  wire  [7:0] row_i,
  output logic       row_ready_o,
  output logic       filled_o,
  // While it is up all streams are empty
  input  wire        clear_i,
  // Codewords
  input  wire        valid_i,
  input  wire  [7:0] data_i,
  output logic       ready_o,
  // A symbol of that table is wanted; its turn comes in this cycle. The tag comes out with it.
  input  wire        want_i,
  input  wire  [1:0] table_i,
  input  wire        tag_i,
  output logic       take_o,
  output logic       valid_o,
  output logic       tag_o,
  output logic [3:0] symbol_o,
  // A row that is out of order, a codeword that does not exist: until reset
  output logic       error_o
);
  localparam int Peek = 7, Most = 14;

  (* no_rw_check *) logic [Peek-1:0] mem [0:511];

  // Filling: a codeword of n bits has 2**(7-n) rows, one without any has what is left of the table. Its byte stays so long.
  logic       first_q, last_q, misplaced;
  logic [8:0] at_q;
  logic [6:0] mask;

  assign mask        = row_i[2:0] == '0 ? '1 : 7'h7f >> row_i[2:0];
  assign misplaced   = first_q && row_i[2:0] != '0 && (at_q[6:0] & mask) != '0;
  assign row_ready_o = last_q;
  assign filled_o    = last_q && at_q == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) at_q <= '0;
    else if (row_valid_i && !last_q) at_q <= at_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    first_q <= !row_valid_i || last_q;
    last_q  <= row_valid_i && !last_q && (at_q[6:0] & mask) == mask;
  end

  // The three streams go round: the one whose turn it is, the table's data, its output register.
  logic            error_q, wrong_row_q, few_q, need, move, valid2_q, valid3_q, tag2_q, tag3_q;
  logic [3:0]      held1_q, held2_q, held3_q, held0;
  logic [Most-1:0] bits1_q, bits2_q, bits3_q, placed, full;
  logic [Peek-1:0] entry2_q, entry3_q;

  assign held0   = held3_q - 4'(entry3_q[2:0]);
  assign need    = want_i && few_q;
  assign move    = !need || valid_i;
  assign take_o  = want_i && move;
  assign ready_o = need;
  assign placed  = {data_i, 6'b0} >> held1_q[2:0];
  assign full    = need ? bits1_q | placed : bits1_q;

  always_ff @(posedge clk_i) begin
    if (row_valid_i && !last_q) mem[at_q] <= {row_i[7:4], row_i[2:0]};
    if (move) entry2_q <= mem[{table_i, full[Most-1 -: Peek]}];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      bits1_q <= '0;
      bits2_q <= '0;
      bits3_q <= '0;
      held1_q <= '0;
      held2_q <= '0;
      held3_q <= '0;
      few_q   <= 1'b1;
    end else if (move) begin
      bits2_q <= full;
      held2_q <= {held1_q[3] | need, held1_q[2:0]};
      bits3_q <= bits2_q;
      held3_q <= held2_q;
      bits1_q <= bits3_q << entry3_q[2:0];
      held1_q <= held0;
      few_q   <= held0 < 4'd7;
    end
  end

  // Where no symbol was wanted no bits are taken.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) entry3_q <= '0;
    else if (move) entry3_q <= valid2_q ? entry2_q : '0;
  end

  always_ff @(posedge clk_i) begin
    if (move) begin
      tag2_q <= tag_i;
      tag3_q <= tag2_q;
    end
  end

  logic bad;

  assign bad      = valid3_q && entry3_q[2:0] == '0;
  assign valid_o  = valid3_q && move && !bad && !error_q;
  assign tag_o    = tag3_q;
  assign symbol_o = entry3_q[6:3];
  assign error_o  = error_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else if (move) begin
      valid2_q <= want_i;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    wrong_row_q <= rst_ni && row_valid_i && (misplaced || row_i[3]);
    if (!rst_ni) error_q <= 1'b0;
    else if (bad || wrong_row_q) error_q <= 1'b1;
  end

  // tests/sim/test_boot_proof.py proves these of any stream and any table.
  `EMCC_ASSERT(held1_q <= 4'd14 && held2_q <= 4'd14 && held3_q <= 4'd14, "a stream holds more bits than there are")
  `EMCC_ASSERT(few_q == (held1_q < 4'd7), "it is not known whether a byte is needed")
  `EMCC_ASSERT(!valid2_q || held2_q >= 4'd7, "a symbol's turn with few bits")
  `EMCC_ASSERT(!valid3_q || held3_q >= 4'd7, "a symbol of few bits")
  `EMCC_ASSERT(valid3_q || entry3_q == '0, "bits are taken without a symbol")
  `EMCC_ASSERT((bits1_q << held1_q) == '0 && (bits2_q << held2_q) == '0 && (bits3_q << held3_q) == '0,
      "bits beyond those that are held")
  `EMCC_ASSERT(!(error_q && valid_o), "a symbol after an error")
endmodule

`default_nettype wire
