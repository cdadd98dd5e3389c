// SPDX-License-Identifier: Apache-2.0
// The drain's control: takes tiles in order, each when no PE holds anything of it, and issues its rows one a cycle; says
// where the results of a row are written.
//
// A row seen on drain_o in cycle g is written in cycle g+Latency. A pass's descriptor changes when all of the pass before
// is written. After reset all rows of both banks are drained to nowhere, since accumulators are a memory; then ready_o is up.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_rows #(
  parameter int Latency = 6,
  // Not to be set
  parameter int Eights     = (Pes + 7) / 8,
  parameter int LaneEights = (Lanes + 7) / 8
) (
  input  wire                   clk_i,
  input  wire                   rst_ni,
  output logic                  ready_o,
  // Tile by tag: all groups have left it; a PE holds something of it
  input  wire  [1:0]            left_i,
  input  wire  [1:0]            holds_i,
  // The tile is drained as far as the walk is concerned
  output logic                  release_o,
  output logic                  tag_o,
  // To the PEs, a copy for every eight
  output logic [Eights-1:0]      drain_o,
  output logic [Eights-1:0]      drain_bank_o,
  output logic [Eights*RowW-1:0] drain_row_o,
  // To the lanes: the addresses, a copy for every eight, come when the ROMs must see them
  output logic [LaneEights*BiasAddrW-1:0]  bias_addr_o,
  output logic [LaneEights*ScaleAddrW-1:0] scale_addr_o,
  output logic                  scaled_o,
  output logic [ShiftW-1:0]     shift_o,
  output logic                  relu_o,
  output logic                  table_o,
  output logic [CoarseAddrW-1:0] coarse_base_o,
  output logic [FineAddrW-1:0]  fine_base_o,
`ifdef EMCC_SPLIT
  // Beside pass_end_o: the pass's words may be read, while the next pass writes the rest of the same tensor.
  output logic                  keep_o,
`endif
  output logic [Lanes-1:0]      lane_en_o,
  // The write; next_* is what it will be in the next cycle
  output logic                  next_we_o,
  output logic [GroupW-1:0]     next_turn_o,
  output logic [AddrW-1:0]      next_waddr_o,
  output logic                  next_word_end_o,
  output logic                  we_o,
  output logic                  word_end_o,
  output logic                  pass_end_o
);
  localparam int Levels = $clog2(Groups);
  localparam int Settle = 3;

  typedef enum logic [2:0] {Clear, Load0, Load1, Wait, Settled, Rows, Flush} state_e;

  state_e           state_q;
  logic [1:0]       settle_q;
  logic [PassW-1:0] pass_q;
  logic [DrainBits-1:0] d_q;
  logic [DrainRowsW-1:0] d_rows;
  logic [DrainOutWW-1:0] d_out_w;
  logic [DrainOutHW-1:0] d_out_h;
  logic [DrainTileW-1:0] d_tile;
  logic [DrainDstW-1:0] d_dst;
  logic [DrainBiasBaseW-1:0] d_bias_base;
  logic [DrainScaleBaseW-1:0] d_scale_base;
  logic [DrainDstRowW-1:0] d_dst_row;
  logic [DrainDstXW-1:0] d_dst_x;
  logic [DrainFullW-1:0] d_full;
  logic [DrainLanesW-1:0] d_lanes;
  logic d_scaled;
  logic [DrainShiftW-1:0] d_shift;
  logic d_relu;
  logic d_has_table;
  logic [DrainCoarseBaseW-1:0] d_coarse_base;
  logic [DrainFineBaseW-1:0] d_fine_base;

  assign d_rows        = d_q[DrainRowsAt +: DrainRowsW];
  assign d_out_w       = d_q[DrainOutWAt +: DrainOutWW];
  assign d_out_h       = d_q[DrainOutHAt +: DrainOutHW];
  assign d_tile        = d_q[DrainTileAt +: DrainTileW];
  assign d_dst         = d_q[DrainDstAt +: DrainDstW];
  assign d_bias_base   = d_q[DrainBiasBaseAt +: DrainBiasBaseW];
  assign d_scale_base  = d_q[DrainScaleBaseAt +: DrainScaleBaseW];
  assign d_dst_row     = d_q[DrainDstRowAt +: DrainDstRowW];
  assign d_dst_x       = d_q[DrainDstXAt +: DrainDstXW];
  assign d_full        = d_q[DrainFullAt +: DrainFullW];
  assign d_lanes       = d_q[DrainLanesAt +: DrainLanesW];
  assign d_scaled      = d_q[DrainScaledAt];
  assign d_shift       = d_q[DrainShiftAt +: DrainShiftW];
  assign d_relu        = d_q[DrainReluAt];
  assign d_has_table      = d_q[DrainHasTableAt];
  assign d_coarse_base = d_q[DrainCoarseBaseAt +: DrainCoarseBaseW];
  assign d_fine_base   = d_q[DrainFineBaseAt +: DrainFineBaseW];
  logic [DrainBits-1:0] drain_rom [0:Passes-1];
  initial $readmemh("rom/drain.hex", drain_rom);

  always_ff @(posedge clk_i) d_q <= drain_rom[pass_q];
`ifdef EMCC_SPLIT

  logic            d_keep;
  logic [RowW-1:0] d_first;

  assign d_keep  = d_q[DrainKeepAt];
  assign d_first = d_q[DrainFirstAt +: DrainFirstW];
`endif

  logic [PosW-1:0]       ox_q, oy_q;
  logic [TileW-1:0]      tile_q;
  logic [AddrW-1:0]      row_addr_q, addr_q, word_q;
  logic [RowW-1:0]       acc_q;
  logic [RowsW-1:0]      k_q;
  logic [GroupW-1:0]     turn_q;
  logic [BiasAddrW-1:0]  bias_q;
  logic [ScaleAddrW-1:0] scale_q;
  logic                  last_row_q, last_x_q, last_y_q, last_place_q, one_row_q, one_wide_q, one_place_q;
  logic [RowsW-1:0]      before_row_q;
  logic [PosW-1:0]       before_x_q, before_y_q;
  logic [TileW-1:0]      before_place_q;
  logic                  tag_q, tile_end, pass_end, word_end, issue, clear, clear_end, written, next_x, next_y;

  // Whether this is a position's last row, a line's last position, the last line, a tile's last position, is known a cycle
  // before; a pass's first row waits for longer than that.
  always_ff @(posedge clk_i) begin
    one_row_q      <= d_rows == '0;
    one_wide_q     <= d_out_w == '0;
    one_place_q    <= d_tile == '0;
    before_row_q   <= RowsW'(d_rows) - 1'b1;
    before_x_q     <= d_out_w - 1'b1;
    before_y_q     <= d_out_h - 1'b1;
    before_place_q <= d_tile - 1'b1;
    if (!issue) last_row_q <= k_q == RowsW'(d_rows);
    else last_row_q <= last_row_q ? one_row_q : k_q == before_row_q;
    if (!next_x) last_x_q <= ox_q == d_out_w;
    else last_x_q <= last_x_q ? one_wide_q : ox_q == before_x_q;
    if (!next_y) last_y_q <= oy_q == d_out_h;
    else last_y_q <= oy_q == before_y_q;
    if (!next_x) last_place_q <= tile_q == d_tile;
    else last_place_q <= tile_end ? one_place_q : tile_q == before_place_q;
  end

  assign issue     = state_q == Rows;
  assign clear     = state_q == Clear;
  assign clear_end = clear && acc_q == RowW'(AccRows - 1);

  assign next_x   = issue && last_row_q;
  assign next_y   = next_x && last_x_q;
  assign pass_end = last_row_q && last_x_q && last_y_q;
  assign tile_end = last_row_q && (last_place_q || (last_x_q && last_y_q));
  assign word_end = last_row_q || turn_q == GroupW'(Groups - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Clear;
      pass_q  <= '0;
      tag_q   <= 1'b0;
    end else begin
      case (state_q)
        Clear: begin
          if (clear_end) tag_q <= !tag_q;
          if (clear_end && tag_q) state_q <= Load0;
        end
        Load0: state_q <= Load1;
        Load1: state_q <= Wait;
        Wait: if (left_i[tag_q] && !holds_i[tag_q]) state_q <= Settled;
        Settled: if (settle_q == 2'(Settle - 1)) state_q <= Rows;
        Rows: begin
          if (tile_end) begin
            state_q <= pass_end ? Flush : Wait;
            tag_q   <= !tag_q;
`ifdef EMCC_SPLIT
            // The next pass is of the same step: nothing changes for the rows that are on their way.
            if (pass_end && d_keep) begin
              state_q <= Load0;
              pass_q  <= pass_q + 1'b1;
            end
`endif
          end
        end
        default: begin
`ifdef EMCC_SPLIT
          if (written && !keep_way_q[Latency]) begin
`else
          if (written) begin
`endif
            state_q <= Load0;
            pass_q  <= pass_q == PassW'(Passes - 1) ? '0 : pass_q + 1'b1;
          end
        end
      endcase
    end
  end

  assign ready_o   = !clear;
  assign release_o = issue && tile_end;
  assign tag_o     = tag_q;

  always_ff @(posedge clk_i) begin
    settle_q <= state_q == Settled ? settle_q + 1'b1 : '0;
    if (!rst_ni || clear) begin
      acc_q <= !rst_ni || clear_end ? '0 : acc_q + 1'b1;
    end else if (state_q == Load1) begin
      ox_q       <= '0;
      oy_q       <= '0;
      tile_q     <= '0;
`ifdef EMCC_SPLIT
      acc_q      <= d_first;
`else
      acc_q      <= '0;
`endif
      k_q        <= '0;
      turn_q     <= '0;
      row_addr_q <= d_dst;
      addr_q     <= d_dst;
      word_q     <= d_dst;
      bias_q     <= d_bias_base;
      scale_q    <= d_scale_base;
    end else if (issue) begin
      acc_q   <= tile_end ? '0 : acc_q + 1'b1;
      k_q     <= k_q + 1'b1;
      turn_q  <= turn_q == GroupW'(Groups - 1) ? '0 : turn_q + 1'b1;
      word_q  <= turn_q == GroupW'(Groups - 1) ? word_q + 1'b1 : word_q;
      bias_q  <= bias_q + 1'b1;
      scale_q <= scale_q + 1'b1;
      if (last_row_q) begin
        k_q     <= '0;
        turn_q  <= '0;
        bias_q  <= d_bias_base;
        scale_q <= d_scale_base;
        tile_q  <= tile_end ? '0 : tile_q + 1'b1;
        if (last_x_q) begin
          ox_q       <= '0;
          oy_q       <= oy_q + 1'b1;
          row_addr_q <= row_addr_q + d_dst_row;
          addr_q     <= row_addr_q + d_dst_row;
          word_q     <= row_addr_q + d_dst_row;
        end else begin
          ox_q   <= ox_q + 1'b1;
          addr_q <= addr_q + d_dst_x;
          word_q <= addr_q + d_dst_x;
        end
      end
    end
  end

  // What of the row is in use: all of it, a part, nothing
  logic whole, part;

  assign whole = k_q < d_full;
  assign part  = k_q == d_full;

  // A row on its way. Stage 0 is drain_o, which has copies; the addresses leave two cycles before the ROMs' data are wanted.
  localparam int PlaceW = 2 + GroupW + AddrW;

  logic [Latency:0]                    valid_way_q;
  logic [Latency-1:0]                  whole_way_q, part_way_q;
  logic [Latency-1:0][PlaceW-1:0]      way_q;
  logic [Levels:0][BiasAddrW-1:0]      bias_way_q;
  logic [Levels:0][ScaleAddrW-1:0]     scale_way_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) valid_way_q <= '0;
    else valid_way_q <= {valid_way_q[Latency-1:0], issue};
  end

`ifdef EMCC_SPLIT
  logic [Latency:0] keep_way_q;

  always_ff @(posedge clk_i) keep_way_q <= {keep_way_q[Latency-1:0], d_keep};

  assign keep_o = keep_way_q[Latency];

`endif
  for (genvar i = 0; i < Eights; i++) begin : gen_drain
    logic            drain_q, bank_q;
    logic [RowW-1:0] row_q;

    (* keep *) always_ff @(posedge clk_i) drain_q <= rst_ni && (issue || clear);
    (* keep *) always_ff @(posedge clk_i) {bank_q, row_q} <= {tag_q, acc_q};

    assign drain_o[i]                   = drain_q;
    assign drain_bank_o[i]              = bank_q;
    assign drain_row_o[i*RowW +: RowW]  = row_q;
  end

  always_ff @(posedge clk_i) begin
    way_q       <= {way_q[Latency-2:0], {word_end, pass_end, turn_q, word_q}};
    whole_way_q <= {whole_way_q[Latency-2:0], whole};
    part_way_q  <= {part_way_q[Latency-2:0], part};
    bias_way_q  <= ((Levels+1)*BiasAddrW)'({bias_way_q, bias_q});
    scale_way_q <= ((Levels+1)*ScaleAddrW)'({scale_way_q, scale_q});
  end

  for (genvar i = 0; i < LaneEights; i++) begin : gen_addr
    logic [BiasAddrW-1:0]  bias_addr_q;
    logic [ScaleAddrW-1:0] scale_addr_q;

    (* keep *) always_ff @(posedge clk_i) begin
      bias_addr_q  <= bias_way_q[Levels];
      scale_addr_q <= scale_way_q[Levels];
    end

    assign bias_addr_o[i*BiasAddrW +: BiasAddrW]    = bias_addr_q;
    assign scale_addr_o[i*ScaleAddrW +: ScaleAddrW] = scale_addr_q;
  end

  // The pass's own
  logic [Lanes-1:0] in_part_q;

  always_ff @(posedge clk_i) begin
    for (int i = 0; i < Lanes; i++) in_part_q[i] <= LaneW'(i) < d_lanes;
  end

  assign scaled_o      = d_scaled;
  assign shift_o       = d_shift;
  assign relu_o        = d_relu;
  assign table_o       = d_has_table;
  assign coarse_base_o = d_coarse_base;
  assign fine_base_o   = d_fine_base;

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane_en
    assign lane_en_o[i] = whole_way_q[Latency-1] || (part_way_q[Latency-1] && in_part_q[i]);
  end

  logic next_word_end, next_pass_end, word_end_q, pass_end_q;

  assign {next_word_end, next_pass_end, next_turn_o, next_waddr_o} = way_q[Latency-1];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      word_end_q <= 1'b0;
      pass_end_q <= 1'b0;
    end else begin
      word_end_q <= next_we_o && next_word_end;
      pass_end_q <= next_we_o && next_pass_end;
    end
  end

  assign next_we_o       = valid_way_q[Latency-1];
  assign next_word_end_o = next_we_o && next_word_end;
  assign we_o       = valid_way_q[Latency];
  assign word_end_o = word_end_q;
  assign pass_end_o = pass_end_q;
  assign written    = pass_end_q;

  `EMCC_ASSERT(!issue || last_row_q == (k_q == RowsW'(d_rows)), "a position ends where it does not")
  `EMCC_ASSERT(!issue || last_x_q == (ox_q == d_out_w), "a line ends where it does not")
  `EMCC_ASSERT(!issue || last_y_q == (oy_q == d_out_h), "the last line is another one")
  `EMCC_ASSERT(!issue || last_place_q == (tile_q == d_tile), "a tile ends where it does not")
  `EMCC_ASSERT(!issue || left_i[tag_q], "a row of a tile that is not left")
  `EMCC_ASSERT(!issue || !holds_i[tag_q], "a row of a tile that a PE holds")
  `EMCC_ASSERT(!next_we_o || 32'(next_waddr_o) < ActWords, "a word that is not there")
  `EMCC_ASSERT(!issue || 32'(bias_q) < Biases, "a bias that is not there")
  `EMCC_ASSERT(!issue || !d_scaled || 32'(scale_q) < Scales, "a multiplier that is not there")
endmodule

`default_nettype wire
