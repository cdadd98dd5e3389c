// SPDX-License-Identifier: Apache-2.0
// The walk: output positions row by row, of each the taps, of each the words of the source. It fetches those that are on
// the map from the activation memory, and says what each is for.
//
// Four stages without feedback, S0 (counters) to S3 (issue), stop and go together: a word waits in S3 until its tile's bank
// is free, its source is written, and the groups' queues have room. Data of a word issued in cycle c is there in c+2.
// A pass's first word comes to S3 five cycles after start_i, or six after the last one of the pass before.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_walk #(
  // Not to be set
  parameter int Eights = (Pes + 7) / 8
) (
  input  wire                clk_i,
  input  wire                rst_ni,
  // Runs the passes up to one that stops
  input  wire                start_i,
  output logic               idle_o,
  // Banks of accumulators that may take a tile
  input  wire  [1:0]         free_i,
  output logic               take_o,
  output logic               tag_o,
  // Passes that are walked and not yet written; of the one before, the last word that will be written in the next cycle
  input  wire  [1:0]         ahead_i,
  input  wire                seen_i,
  input  wire  [AddrW-1:0]   next_seen_addr_i,
  output logic               done_o,
  // The tile's step, for the PEs
  output logic               local_o,
  output logic               direct_o,
  output logic               largest_o,
  output logic               ident_o,
  output logic [2:0]         code_sel_o,
  output logic [BookAddrW-1:0] book_base_o,
`ifdef EMCC_SPLIT
  // It has both banks: rows from border_o on are in the one that the next pass drains.
  output logic               split_o,
  output logic [RowW-1:0]    border_o,
`endif
  output logic [LanesW-1:0] lanes_o,
  // A word: its address now, a copy for every eight PEs, and what it is for in two cycles, beside its data
  // (next_*: in one). While nothing is
  // walked the host reads: what read_addr_i is while read_i is the address one cycle later.
  input  wire                full_i,
  input  wire                read_i,
  input  wire  [AddrW-1:0]   read_addr_i,
  output logic [Eights*AddrW-1:0] addr_o,
  output logic               next_inside_o,
  output logic               next_last_word_o,
  output logic               next_all_o,
  output logic               valid_o,
  output logic               tile_end_o,
  output logic               word_tag_o,
  output logic               word_local_o,
  output logic               load_o,
  output logic               use_o,
  output logic [InfoW-1:0]   info_o,
  output logic [RowW-1:0]    row_o
);
  typedef enum logic [1:0] {Idle, Next, Init, Run} state_e;

  state_e state_q;

  // A table is made of LUTs unless it is large: a block RAM without a register of its own behind it is slow.
  // verilator lint_off UNUSEDPARAM
  localparam WalkStyle = WalkBits * Passes > 16384 ? "block" : "logic";
  localparam TapStyle  = TapBits * Taps > 16384 ? "block" : "logic";
  // verilator lint_on UNUSEDPARAM

  (* rom_style = WalkStyle *) logic [WalkBits-1:0] walk_rom [0:Passes-1];
  (* rom_style = TapStyle *) logic [TapBits-1:0]  tap_rom [0:Taps-1];
  initial begin
    $readmemh("rom/walk.hex", walk_rom);
    $readmemh("rom/taps.hex", tap_rom);
  end

  logic [PassW-1:0] pass_q;
  logic [WalkBits-1:0] d_q;
  logic [WalkWordsW-1:0] d_words;
  logic [WalkTapsW-1:0] d_taps;
  logic [WalkOutWW-1:0] d_out_w;
  logic [WalkOutHW-1:0] d_out_h;
  logic [WalkTileW-1:0] d_tile;
  logic d_stop;
  logic signed [WalkY0W-1:0] d_y0;
  logic signed [WalkX0W-1:0] d_x0;
  logic [WalkABaseW-1:0] d_a_base;
  logic [WalkBBaseW-1:0] d_b_base;
  logic [WalkTapBaseW-1:0] d_tap_base;
  logic [WalkColBaseW-1:0] d_col_base;
  logic d_is_local;
  logic [WalkRowsW-1:0] d_rows;
  logic signed [WalkStepYW-1:0] d_step_y;
  logic [WalkARowW-1:0] d_a_row;
  logic [WalkBRowW-1:0] d_b_row;
  logic signed [WalkStepXW-1:0] d_step_x;
  logic [WalkAXW-1:0] d_a_x;
  logic [WalkBXW-1:0] d_b_x;
  logic d_direct;
  logic signed [WalkMapHW-1:0] d_map_h;
  logic signed [WalkMapWW-1:0] d_map_w;
  logic d_dep_b;
  logic d_dep_a;
  logic d_largest;
  logic d_ident;
  logic [WalkCodeSelW-1:0] d_code_sel;
  logic [WalkBookBaseW-1:0] d_book_base;
  logic [WalkLanesW-1:0] d_lanes;

  assign d_words     = d_q[WalkWordsAt +: WalkWordsW];
  assign d_taps      = d_q[WalkTapsAt +: WalkTapsW];
  assign d_out_w     = d_q[WalkOutWAt +: WalkOutWW];
  assign d_out_h     = d_q[WalkOutHAt +: WalkOutHW];
  assign d_tile      = d_q[WalkTileAt +: WalkTileW];
  assign d_stop      = d_q[WalkStopAt];
  assign d_y0        = d_q[WalkY0At +: WalkY0W];
  assign d_x0        = d_q[WalkX0At +: WalkX0W];
  assign d_a_base    = d_q[WalkABaseAt +: WalkABaseW];
  assign d_b_base    = d_q[WalkBBaseAt +: WalkBBaseW];
  assign d_tap_base  = d_q[WalkTapBaseAt +: WalkTapBaseW];
  assign d_col_base  = d_q[WalkColBaseAt +: WalkColBaseW];
  assign d_is_local  = d_q[WalkIsLocalAt];
  assign d_rows      = d_q[WalkRowsAt +: WalkRowsW];
  assign d_step_y    = d_q[WalkStepYAt +: WalkStepYW];
  assign d_a_row     = d_q[WalkARowAt +: WalkARowW];
  assign d_b_row     = d_q[WalkBRowAt +: WalkBRowW];
  assign d_step_x    = d_q[WalkStepXAt +: WalkStepXW];
  assign d_a_x       = d_q[WalkAXAt +: WalkAXW];
  assign d_b_x       = d_q[WalkBXAt +: WalkBXW];
  assign d_direct    = d_q[WalkDirectAt];
  assign d_map_h     = d_q[WalkMapHAt +: WalkMapHW];
  assign d_map_w     = d_q[WalkMapWAt +: WalkMapWW];
  assign d_dep_b     = d_q[WalkDepBAt];
  assign d_dep_a     = d_q[WalkDepAAt];
  assign d_largest   = d_q[WalkLargestAt];
  assign d_ident     = d_q[WalkIdentAt];
  assign d_code_sel  = d_q[WalkCodeSelAt +: WalkCodeSelW];
  assign d_book_base = d_q[WalkBookBaseAt +: WalkBookBaseW];
  assign d_lanes     = d_q[WalkLanesAt +: WalkLanesW];  logic             en, fire, blocked, end_fired;

  always_ff @(posedge clk_i) d_q <= walk_rom[pass_q];
`ifdef EMCC_SPLIT

  logic [RowW-1:0] d_split, d_first;
  logic            splits_q;

  assign d_split = d_q[WalkSplitAt +: WalkSplitW];
  assign d_first = d_q[WalkFirstAt +: WalkFirstW];

  always_ff @(posedge clk_i) splits_q <= d_split != '0;

  assign split_o  = splits_q;
  assign border_o = d_split;
`endif

  // A position that fills the bank begins at row 0 anyway.
  logic unused;
  assign unused = ^d_rows;

  // S0: counters
  logic                     valid0_q, first0_q, tag_q;
  logic [PosW-1:0]          ox_q, oy_q;
  logic [TileW-1:0]         tile_q;
  logic signed [CoordW-1:0] y_q, x_q;
  logic [AddrW-1:0]         a_q, a_row_q, b_q, b_row_q;
  logic [TapW-1:0]          tap_q, tap_addr_q;
  logic [WordsW-1:0]        word_q;
  logic [InfoW-1:0]         info_q;
  logic [RowW-1:0]          base_q, row_q;
  logic                     last_word, last_tap, last_x, last_y, last_place, tile_end, pass_end;

  assign last_word  = word_q == d_words;
  assign last_tap   = tap_q == d_taps;
  assign last_x     = ox_q == d_out_w;
  assign last_y     = oy_q == d_out_h;
  assign last_place = last_word && last_tap;
  assign tile_end   = last_place && (tile_q == d_tile || (last_x && last_y));
  assign pass_end   = last_place && last_x && last_y;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q  <= Idle;
      pass_q   <= '0;
      valid0_q <= 1'b0;
    end else begin
      case (state_q)
        Idle: if (start_i) state_q <= Init;
        Next: state_q <= Init;
        Init: begin
          state_q  <= Run;
          valid0_q <= 1'b1;
        end
        default: begin
          if (en && pass_end) valid0_q <= 1'b0;
          if (end_fired) begin
            state_q <= d_stop ? Idle : Next;
            pass_q  <= pass_q == PassW'(Passes - 1) ? '0 : pass_q + 1'b1;
          end
        end
      endcase
    end
  end

  assign idle_o = state_q == Idle;
  assign done_o = end_fired;

  always_ff @(posedge clk_i) begin
    if (state_q == Init) begin
      first0_q   <= 1'b1;
      ox_q       <= '0;
      oy_q       <= '0;
      tile_q     <= '0;
      y_q        <= d_y0;
      x_q        <= d_x0;
      a_q        <= d_a_base;
      a_row_q    <= d_a_base;
      b_q        <= d_b_base;
      b_row_q    <= d_b_base;
      tap_q      <= '0;
      tap_addr_q <= d_tap_base;
      word_q     <= '0;
      info_q     <= InfoW'(d_col_base);
`ifdef EMCC_SPLIT
      base_q     <= d_first;
      row_q      <= d_first;
`else
      base_q     <= '0;
      row_q      <= '0;
`endif
    end else if (en && valid0_q) begin
      first0_q <= tile_end;
      word_q   <= last_word ? '0 : word_q + 1'b1;
      info_q   <= last_place ? InfoW'(d_col_base) : info_q + (d_is_local ? InfoW'(1) : InfoW'(Lanes));
      row_q    <= d_is_local ? row_q + RowW'(Groups) : base_q;
      if (last_word) begin
        row_q      <= base_q;
        tap_q      <= tap_q + 1'b1;
        tap_addr_q <= tap_addr_q + 1'b1;
      end
      if (last_place) begin
        tap_q      <= '0;
        tap_addr_q <= d_tap_base;
        tile_q     <= tile_end ? '0 : tile_q + 1'b1;
        base_q     <= tile_end ? '0 : base_q + RowW'(d_rows);
        row_q      <= tile_end ? '0 : base_q + RowW'(d_rows);
        if (last_x) begin
          ox_q    <= '0;
          oy_q    <= oy_q + 1'b1;
          x_q     <= d_x0;
          y_q     <= y_q + d_step_y;
          a_q     <= a_row_q + d_a_row;
          a_row_q <= a_row_q + d_a_row;
          b_q     <= b_row_q + d_b_row;
          b_row_q <= b_row_q + d_b_row;
        end else begin
          ox_q <= ox_q + 1'b1;
          x_q  <= x_q + d_step_x;
          a_q  <= a_q + d_a_x;
          b_q  <= b_q + d_b_x;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) tag_q <= 1'b0;
    else if (en && valid0_q && tile_end) tag_q <= !tag_q;
  end

  // S1: the tap; S2: where it is; S3: issue
  logic [TapBits-1:0]       tap1_q;
  logic tap1_load;
  logic tap1_sel;
  logic signed [TapDyW-1:0] tap1_dy;
  logic signed [TapDxW-1:0] tap1_dx;
  logic [TapOffsetW-1:0] tap1_offset;
  logic signed [TapWeightW-1:0] tap1_weight;

  assign tap1_load   = tap1_q[TapLoadAt];
  assign tap1_sel    = tap1_q[TapSelAt];
  assign tap1_dy     = tap1_q[TapDyAt +: TapDyW];
  assign tap1_dx     = tap1_q[TapDxAt +: TapDxW];
  assign tap1_offset = tap1_q[TapOffsetAt +: TapOffsetW];
  assign tap1_weight = tap1_q[TapWeightAt +: TapWeightW];  logic                     valid1_q, valid2_q, valid3_q, first1_q, first2_q, first3_q, last1_q, last2_q, last3_q;
  logic                     end1_q, end2_q, end3_q, pass1_q, pass2_q, pass3_q, tag1_q, tag2_q, tag3_q;
  logic                     load2_q, load3_q, use2_q, use3_q, inside3_q, sel2_q;
  logic signed [CoordW-1:0] y1_q, x1_q, y2_q, x2_q;
  logic [AddrW-1:0]         a1_q, b1_q, addr2_q, addr3_q;
  logic [WordsW-1:0]        word1_q;
  logic [InfoW-1:0]         info1_q, info2_q, info3_q;
  logic [RowW-1:0]          row1_q, row2_q, row3_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else if (en) begin
      valid1_q <= valid0_q;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      tap1_q   <= tap_rom[tap_addr_q];
      first1_q <= first0_q;
      last1_q  <= last_word;
      end1_q   <= tile_end;
      pass1_q  <= pass_end;
      tag1_q   <= tag_q;
      y1_q     <= y_q;
      x1_q     <= x_q;
      a1_q     <= a_q;
      b1_q     <= b_q;
      word1_q  <= word_q;
      info1_q  <= info_q;
      row1_q   <= row_q;

      first2_q <= first1_q;
      last2_q  <= last1_q;
      end2_q   <= end1_q;
      pass2_q  <= pass1_q;
      tag2_q   <= tag1_q;
      load2_q  <= tap1_load;
      use2_q   <= valid2_q && load2_q;
      sel2_q   <= tap1_sel;
      y2_q     <= y1_q + tap1_dy;
      x2_q     <= x1_q + tap1_dx;
      addr2_q  <= (tap1_sel ? b1_q : a1_q) + tap1_offset + AddrW'(word1_q);
      info2_q  <= HasDirect && d_direct ? InfoW'($unsigned(tap1_weight)) : info1_q;
      row2_q   <= row1_q;

      first3_q  <= first2_q;
      last3_q   <= last2_q;
      end3_q    <= end2_q;
      pass3_q   <= pass2_q;
      tag3_q    <= tag2_q;
      load3_q   <= load2_q;
      use3_q    <= use2_q;
      inside3_q <= !y2_q[CoordW-1] && !x2_q[CoordW-1] && y2_q < d_map_h && x2_q < d_map_w;
      addr3_q   <= addr2_q;
      info3_q   <= info2_q;
      row3_q    <= row2_q;
    end
  end

  // What the memories are read at: addr3_q, near them
  for (genvar i = 0; i < Eights; i++) begin : gen_addr
    logic [AddrW-1:0] addr_q;
    (* keep *) always_ff @(posedge clk_i) if (en) addr_q <= read_i ? read_addr_i : addr2_q;
    assign addr_o[i*AddrW +: AddrW] = addr_q;
    `EMCC_ASSERT(!fire || addr_q == addr3_q, "a word is read elsewhere")
  end

  // Does it read what the pass before writes, and beyond the last word that is written? Compared before it is asked.
  logic waits, depends_q, beyond_q;

  always_ff @(posedge clk_i) begin
    if (en) depends_q <= sel2_q ? d_dep_b : d_dep_a;
    beyond_q <= en ? addr2_q > next_seen_addr_i : addr3_q > next_seen_addr_i;
  end

  assign waits   = ahead_i[1] || (ahead_i[0] && depends_q && (!seen_i || beyond_q));
`ifdef EMCC_SPLIT
  assign blocked = (first3_q && !(free_i[tag3_q] && (!splits_q || (&free_i)))) || full_i || (inside3_q && waits);
`else
  assign blocked = (first3_q && !free_i[tag3_q]) || full_i || (inside3_q && waits);
`endif
  assign fire      = valid3_q && !blocked;
  assign en        = !valid3_q || !blocked;
  assign end_fired = fire && pass3_q;
  assign take_o    = fire && first3_q;
  assign tag_o     = tag3_q;

  // The step of the tile that is walked
  assign local_o     = d_is_local;
  assign direct_o    = d_direct;
  assign largest_o   = d_largest;
  assign ident_o     = d_ident;
  assign code_sel_o  = d_code_sel;
  assign book_base_o = d_book_base;

  // Two cycles to the data
  logic             valid4_q, valid5_q, inside4_q, last4_q, end4_q, end5_q, tag4_q, tag5_q;
  logic             local4_q, local5_q, all4_q, load4_q, load5_q, use4_q, use5_q;
  logic [InfoW-1:0] info4_q, info5_q;
  logic [RowW-1:0]  row4_q, row5_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid4_q <= 1'b0;
      valid5_q <= 1'b0;
    end else begin
      valid4_q <= fire && (inside3_q || end3_q);
      valid5_q <= valid4_q;
    end
  end

  always_ff @(posedge clk_i) begin
    inside4_q <= inside3_q;
    last4_q   <= last3_q;
    end4_q    <= end3_q;
    tag4_q    <= tag3_q;
    local4_q  <= d_is_local;
    all4_q    <= (HasMax && d_largest) || (HasLoad && load3_q);
    load4_q   <= load3_q;
    use4_q    <= use3_q;
    info4_q   <= info3_q;
    row4_q    <= row3_q;
    end5_q    <= end4_q;
    tag5_q    <= tag4_q;
    local5_q  <= local4_q;
    load5_q   <= load4_q;
    use5_q    <= use4_q;
    info5_q   <= info4_q;
    row5_q    <= row4_q;
    // What lies in a position's last word, of the step whose word is two cycles behind: it changes between passes only
    lanes_o   <= d_lanes;
  end

  assign next_inside_o    = inside4_q;
  assign next_last_word_o = last4_q;
  assign next_all_o       = all4_q;

  assign valid_o      = valid5_q;
  assign tile_end_o   = end5_q;
  assign word_tag_o   = tag5_q;
  assign word_local_o = local5_q;
  assign load_o       = load5_q;
  assign use_o        = use5_q;
  assign info_o       = info5_q;
  assign row_o        = row5_q;

  `EMCC_ASSERT(!(fire && inside3_q) || 32'(addr3_q) < ActWords, "a word that is not there")
`ifdef EMCC_NEXT_INPUT
  `EMCC_ASSERT(!(fire && inside3_q) || 32'(addr3_q) < InputBase || 32'(pass_q) < InputPasses,
      "a word of the input is read after it was given up")
`endif
  `EMCC_ASSERT(!read_i || !valid3_q, "the host reads while a word is walked")
  `EMCC_ASSERT(!fire || !use3_q || !load3_q, "a factor of a factor")
endmodule

`default_nettype wire
