// SPDX-License-Identifier: Apache-2.0
// Fills memories from a boot image, a stream of bytes, and says when all are as the image wants them. docs/boot.md has
// the format. Anything that is not as it must be is an error until reset: done_o stays low.
//
// Memories are numbered by kind: pointers first, whose words are {start, count}, then three kinds of any words. Words are
// coded in digits of four bits, the highest first, with tables for digits 0, 1, 2 and the rest; of pointers the counts,
// for a start is the one before and its count.
`include "emcc_assert.svh"
`default_nettype none

module emcc_boot #(
  // What the image begins with, the first byte lowest
  parameter int                   HeadBytes = 18,
  parameter bit [8*HeadBytes-1:0] Head      = '0,
  parameter int                   SelBits   = 4,
  parameter int                   AddrBits  = 8,
  // The longest coded word, a pointer's count and start; the first start
  parameter int                   WordBits  = 16,
  parameter int                   CountBits = 4,
  parameter int                   StartBits = 8,
  parameter bit [StartBits-1:0]   Start     = '0,
  // By kind, the first lowest: memories up to its last (16 bits each), last address (24), digits less 1 (4)
  parameter bit [4*16-1:0]        Ends      = '0,
  parameter bit [4*24-1:0]        Lasts     = '0,
  parameter bit [4*4-1:0]         Digits    = '0
) (
  input  wire               clk_i,
  input  wire               rst_ni,
  input  wire  [7:0]        tdata_i,
  input  wire               tvalid_i,
  output logic              tready_o,
  // One word a cycle at most
  output logic              we_o,
  output logic [SelBits-1:0]   sel_o,
  output logic [AddrBits-1:0]  addr_o,
  output logic [StartBits-1:0] start_o,
  output logic [WordBits-1:0]  word_o,
  output logic              done_o,
  output logic              error_o
);
  // Bytes of the header that are not compared, of a segment's header, of the end: the length before it, the CRC
  localparam int Weights = 8, Segment = 8, Length = 3, Check = 4;
  localparam logic [31:0] Residue = 32'hdebb20e3;

  typedef enum logic [3:0] {Header, Describe, Rows, Begin, Words, Rest, End, Judge, Done, Failed} state_e;

  state_e      state_q;
  logic [4:0]  index_q;
  logic [7:0]  byte_q;
  logic        full_q, taken, parsing, seen_q;
  logic [23:0] count_q;
  logic [31:0] crc_q;

  // A byte waits here; states that parse take it at once.
  assign parsing  = state_q == Header || state_q == Describe || state_q == End;
  assign tready_o = !full_q || taken;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) full_q <= 1'b0;
    else if (tready_o) full_q <= tvalid_i;
  end

  always_ff @(posedge clk_i) if (tready_o) byte_q <= tdata_i;

  // CRC-32 as zlib has it, a byte at a time; bytes before the length
  function automatic logic [31:0] crc_of(input logic [31:0] crc, input logic [7:0] data);
    crc_of = crc ^ 32'(data);
    for (int i = 0; i < 8; i++) crc_of = crc_of[0] ? crc_of >> 1 ^ 32'hedb88320 : crc_of >> 1;
  endfunction

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      crc_q   <= '1;
      seen_q  <= 1'b0;
      count_q <= '0;
    end else begin
      if (taken) crc_q <= crc_of(crc_q, byte_q);
      seen_q <= taken && state_q != End;
      if (seen_q) count_q <= count_q + 1'b1;
    end
  end

  // What a byte must be: of the header, of a segment's description, of the length
  logic [1:0]      kind_q;
  logic [SelBits-1:0] sel_q;
  logic [7:0]      wanted;
  logic            compared;

  always_comb begin
    wanted   = '0;
    compared = 1'b0;
    case (state_q)
      Header: begin
        for (int i = 0; i < HeadBytes; i++) begin
          if (index_q == 5'(i)) begin
            wanted   = Head[8*i +: 8];
            compared = 1'b1;
          end
        end
      end
      Describe: begin
        compared = index_q[2:1] == 2'd0;
        wanted   = 8'(16'(sel_q) >> (index_q[0] ? 8 : 0));
      end
      End: begin
        compared = index_q[2:0] < 3'(Length);
        wanted   = 8'(count_q >> (8 * index_q[1:0]));
      end
      default: ;
    endcase
  end

  // The decoder
  logic       row_ready, filled, code_ready, take, valid, tag, code_error, run_q;
  logic [1:0] table_now;
  logic [3:0] symbol, digit_q, digit_top;

  assign taken = full_q && (parsing || (state_q == Rows && row_ready) || code_ready || state_q == Failed);

  emcc_huffman u_huffman (
    .clk_i,
    .rst_ni,
    .row_valid_i(full_q && state_q == Rows),
    .row_i      (byte_q),
    .row_ready_o(row_ready),
    .filled_o   (filled),
    .clear_i    (state_q == Begin),
    .valid_i    (full_q),
    .data_i     (byte_q),
    .ready_o    (code_ready),
    .want_i     (run_q),
    .table_i    (table_now),
    .tag_i      (digit_q == '0),
    .take_o     (take),
    .valid_o    (valid),
    .tag_o      (tag),
    .symbol_o   (symbol),
    .error_o    (code_error)
  );

  // Digits that are asked for: a word's highest first
  logic [AddrBits-1:0] asked_q;

  assign digit_top = Digits[4*kind_q +: 4];
  assign table_now = digit_q[3:2] != '0 ? 2'd3 : digit_q[1:0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) run_q <= 1'b0;
    else if (state_q == Begin) run_q <= 1'b1;
    else if (take && digit_q == '0 && asked_q == AddrBits'(Lasts[24*kind_q +: 24])) run_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (state_q == Begin) begin
      digit_q <= digit_top;
      asked_q <= '0;
    end else if (take) begin
      digit_q <= digit_q == '0 ? digit_top : digit_q - 1'b1;
      if (digit_q == '0) asked_q <= asked_q + 1'b1;
    end
  end

  // Words that come
  logic              we_q;
  logic [AddrBits-1:0]  addr_q;
  logic [StartBits-1:0] start_q;
  logic [WordBits-1:0]  word_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) we_q <= 1'b0;
    else we_q <= valid && tag;
  end

  always_ff @(posedge clk_i) if (valid) word_q <= WordBits'({word_q, symbol});

  always_ff @(posedge clk_i) begin
    if (state_q == Describe) begin
      addr_q  <= '0;
      start_q <= Start;
    end else if (we_q) begin
      addr_q  <= addr_q + 1'b1;
      start_q <= start_q + StartBits'(word_q[CountBits-1:0]);
    end
  end

  assign we_o    = we_q;
  assign sel_o   = sel_q;
  assign addr_o  = addr_q;
  assign start_o = start_q;
  assign word_o  = word_q;

  // From one part of the image to the next
  logic [1:0] pause_q;
  logic       last_sel, compare_q, wrong_q;
  logic [7:0] differs_q;

  assign last_sel = 16'(sel_q) == 16'(Ends[16*3 +: 16] - 16'd1);

  always_ff @(posedge clk_i) begin
    pause_q   <= state_q == Rest ? pause_q + 1'b1 : '0;
    differs_q <= byte_q ^ wanted;
    compare_q <= rst_ni && full_q && compared;
    wrong_q   <= compare_q && differs_q != '0;
    if (!rst_ni) begin
      state_q <= Header;
      index_q <= '0;
      sel_q   <= '0;
      kind_q  <= '0;
    end else begin
      if (parsing && taken) index_q <= index_q + 1'b1;
      case (state_q)
        Header: if (taken && index_q == 5'(HeadBytes + Weights - 1)) begin
          state_q <= Describe;
          index_q <= '0;
        end
        Describe: if (taken && index_q[2:0] == 3'(Segment - 1)) begin
          state_q <= byte_q[0] ? Rows : Begin;
          index_q <= '0;
        end
        Rows:  if (filled) state_q <= Begin;
        Begin: state_q <= Words;
        Words: if (!run_q) state_q <= Rest;
        // The last word comes and is written.
        Rest: if (pause_q == 2'd3) begin
          sel_q   <= sel_q + 1'b1;
          state_q <= last_sel ? End : Describe;
          if (16'(sel_q) == 16'(Ends[16*kind_q +: 16] - 16'd1)) kind_q <= kind_q + 1'b1;
        end
        End:   if (taken && index_q[2:0] == 3'(Length + Check - 1)) state_q <= Judge;
        Judge: state_q <= crc_q == Residue ? Done : Failed;
        default: ;
      endcase
      if (code_error || wrong_q) state_q <= Failed;
    end
  end

  assign done_o  = state_q == Done;
  assign error_o = state_q == Failed;

  `EMCC_ASSERT(!we_o || addr_o <= AddrBits'(Lasts[24*kind_q +: 24]), "a word that is not there")
  `EMCC_ASSERT(!(we_o && (done_o || error_o)), "a word after the end")
endmodule

`default_nettype wire
