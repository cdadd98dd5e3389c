// SPDX-License-Identifier: Apache-2.0
// The array of column groups: the walk, a scan a group, PEs, a drain a lane, and the memory of activations between them.
// docs/array.md says what lies where, and in which cycle things happen.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

module emcc_core #(
  // Up to so many words accumulators and activations are in memories made of LUTs, and beyond in block RAM; 0 leaves it to
  // synthesis
  parameter int SumLutWords = 0
) (
  input  wire                           clk_i,
  input  wire                           rst_ni,
  input  wire  [ActW-1:0]               s_axis_tdata,
  input  wire                           s_axis_tvalid,
  output logic                          s_axis_tready,
  output logic [ActW-1:0]               m_axis_tdata,
  output logic                          m_axis_tvalid,
  input  wire                           m_axis_tready,
  output logic                          m_axis_tlast,
  // A cycle that counts; a pass's last write; groups that emit, and that wait for a queue
  output logic                          run_o,
  output logic                          step_done_o,
  output logic [Groups-1:0]             bcast_o,
  output logic [Groups-1:0]             stall_o,
  // Memories, two cycles from address to data
  output logic [Pes*ColW-1:0]           ptr_addr_o,
  input  wire  [Pes*(StartW+CountW)-1:0] ptr_data_i,
  output logic [Pes*StartW-1:0]         spmat_addr_o,
  input  wire  [Pes*EntryW-1:0]         spmat_data_i,
  output logic [(Lanes+7)/8*BiasAddrW-1:0] bias_addr_o,
  input  wire  [Lanes*AccW-1:0]         bias_data_i,
  output logic [(Lanes+7)/8*ScaleAddrW-1:0] scale_addr_o,
  input  wire  [Lanes*16-1:0]           scale_data_i
);
  localparam int Levels  = $clog2(Groups);
  localparam int Latency = 6 + Levels + (HasScale ? 4 : 0) + (HasTable ? 3 : 0);

  localparam int Eights  = (Pes + 7) / 8;

  // Reset comes a cycle later to all but the host, and to each part by a register of its own: its ways are long. Before the
  // first clock edge they are in reset as well.
  logic              rows_rst_nq, walk_rst_nq, own_rst_nq;
  logic [Groups-1:0] scan_rst_nq;

  initial {rows_rst_nq, walk_rst_nq, own_rst_nq, scan_rst_nq} = '0;

  (* keep *) always @(posedge clk_i) rows_rst_nq <= rst_ni;
  (* keep *) always @(posedge clk_i) walk_rst_nq <= rst_ni;
  (* keep *) always @(posedge clk_i) own_rst_nq <= rst_ni;

  for (genvar g = 0; g < Groups; g++) begin : gen_reset
    (* keep *) always @(posedge clk_i) scan_rst_nq[g] <= rst_ni;
  end

  // The host
  logic              start, done, host_we, host_busy, ready, ready_q;
  logic [AddrW-1:0]  host_addr, host_next_addr;
  logic [GroupW-1:0] host_group;
  logic [LaneW-1:0]  host_lane;
  logic [ActW-1:0]   host_data, read_q;

`ifdef EMCC_NEXT_INPUT
  // Two of them: one receives, and then waits until the walk is through with the inputs' words; one runs and sends.
  logic              hold_q, in_ready, in_full, in_free, there_q, out_start, wants_q;
  logic [GroupW-1:0] out_group;
  logic [LaneW-1:0]  out_lane;

  emcc_host u_in (
    .clk_i,
    .rst_ni (rst_ni && ready_q),
    .s_axis_tdata,
    .s_axis_tvalid(s_axis_tvalid && s_axis_tready),
    .s_axis_tready(in_ready),
    .m_axis_tdata (unused_m_tdata),
    .m_axis_tvalid(unused_m_tvalid),
    .m_axis_tready(1'b0),
    .m_axis_tlast (unused_m_tlast),
    .start_o(in_full),
    .done_i (in_free),
    .we_o   (host_we),
    .addr_o (host_addr),
    .next_addr_o(unused_next_addr),
    .group_o(host_group),
    .lane_o (host_lane),
    .data_o (host_data),
    .busy_o (unused_busy),
    .data_i (ActW'(0))
  );

  emcc_host #(.First(OutRow)) u_out (
    .clk_i,
    .rst_ni (rst_ni && ready_q),
    .s_axis_tdata (ActW'(0)),
    .s_axis_tvalid(1'b0),
    .s_axis_tready(unused_s_tready),
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready,
    .m_axis_tlast,
    .start_o(out_start),
    .done_i (done),
    .we_o   (unused_we),
    .addr_o (unused_addr),
    .next_addr_o(host_next_addr),
    .group_o(out_group),
    .lane_o (out_lane),
    .data_o (unused_data),
    .busy_o (host_busy),
    .data_i (read_q)
  );

  // A run starts when its input is there and the answer before it has left.
  assign start         = (in_full || there_q) && (out_start || wants_q);
  assign s_axis_tready = in_ready && hold_q;

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq) begin
      there_q <= 1'b0;
      wants_q <= 1'b0;
    end else begin
      there_q <= (in_full || there_q) && !start;
      wants_q <= (out_start || wants_q) && !start;
    end
  end

  logic              unused_m_tvalid, unused_m_tlast, unused_busy, unused_s_tready, unused_we;
  logic [ActW-1:0]   unused_m_tdata, unused_data;
  logic [AddrW-1:0]  unused_next_addr, unused_addr;
`else
  emcc_host u_host (
    .clk_i,
    .rst_ni (rst_ni && ready_q),
    .s_axis_tdata,
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready,
    .m_axis_tlast,
    .start_o(start),
    .done_i (done),
    .we_o   (host_we),
    .addr_o (host_addr),
    .next_addr_o(host_next_addr),
    .group_o(host_group),
    .lane_o (host_lane),
    .data_o (host_data),
    .busy_o (host_busy),
    .data_i (read_q)
  );
`endif

  // What the host writes goes through the lanes' last stages, which do nothing then.
  localparam int HostLatency = 2 + (HasTable ? 3 : 0);

`ifndef EMCC_NEXT_INPUT
  logic                              hold_q;
`endif
  logic [ActW-1:0]                   host_data_q;
  logic [HostLatency-1:0]            host_we_way_q;
  logic [HostLatency-2:0][AddrW-1:0] host_addr_way_q;
  logic [HostLatency-2:0][Pes-1:0]   host_pe_way_q;
  logic [Pes-1:0]                    host_pe;

  for (genvar g = 0; g < Groups; g++) begin : gen_host_group
    for (genvar i = 0; i < Lanes; i++) begin : gen_host_lane
      assign host_pe[g*Lanes+i] = host_group == GroupW'(g) && host_lane == LaneW'(i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq) host_we_way_q <= '0;
    else host_we_way_q <= {host_we_way_q[HostLatency-2:0], host_we};
  end

  always_ff @(posedge clk_i) begin
`ifndef EMCC_NEXT_INPUT
    hold_q          <= host_busy;
`endif
    host_data_q     <= host_we ? host_data : '0;
    host_addr_way_q <= ((HostLatency-1)*AddrW)'({host_addr_way_q, host_addr});
    host_pe_way_q   <= ((HostLatency-1)*Pes)'({host_pe_way_q, host_pe});
  end

  // Nothing comes in before the accumulators are clear.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || !own_rst_nq) ready_q <= 1'b0;
    else ready_q <= ready;
  end

  // The walk
  logic                 walk_idle, take, take_tag, walk_done, full_q, word_valid, next_inside, next_last_word, next_all;
  logic                 word_end, word_tag, word_local, word_load, word_use, step_local, step_direct, step_largest, step_ident;
  logic                 seen_q, release_tile, release_tag, written;
  logic [1:0]           ahead_q, free_q;
  logic [2:0]           step_code_sel;
  logic [BookAddrW-1:0] step_book_base;
`ifdef EMCC_SPLIT
  logic                 step_split, drain_keep;
  logic [RowW-1:0]      step_border;
`endif
  logic [LanesW-1:0]  word_lanes;
  logic [AddrW-1:0]     next_seen_addr_q;
  logic [Eights*AddrW-1:0] raddr;
  logic [InfoW-1:0]     word_info;
  logic [RowW-1:0]      word_row;

  emcc_walk u_walk (
    .clk_i,
    .rst_ni     (walk_rst_nq),
    .start_i    (start),
    .idle_o     (walk_idle),
    .free_i     (free_q),
    .take_o     (take),
    .tag_o      (take_tag),
    .ahead_i    (ahead_q),
    .seen_i     (seen_q),
    .next_seen_addr_i(next_seen_addr_q),
    .done_o     (walk_done),
    .local_o    (step_local),
    .direct_o   (step_direct),
    .largest_o  (step_largest),
    .ident_o    (step_ident),
    .code_sel_o (step_code_sel),
    .book_base_o(step_book_base),
`ifdef EMCC_SPLIT
    .split_o    (step_split),
    .border_o   (step_border),
`endif
    .lanes_o    (word_lanes),
    .full_i     (full_q),
    .read_i     (host_busy),
    .read_addr_i(host_next_addr),
    .addr_o     (raddr),
    .next_inside_o   (next_inside),
    .next_last_word_o(next_last_word),
    .next_all_o      (next_all),
    .valid_o    (word_valid),
    .tile_end_o (word_end),
    .word_tag_o (word_tag),
    .word_local_o(word_local),
    .load_o     (word_load),
    .use_o      (word_use),
    .info_o     (word_info),
    .row_o      (word_row)
  );

  // Tiles: a bank is free until the walk takes it, and again when its last row is issued.
  logic [1:0]                local_q, direct_q, largest_q, ident_q;
  logic [1:0][2:0]           code_sel_q;
  logic [1:0][BookAddrW-1:0] book_base_q;

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq) begin
      free_q <= '1;
    end else begin
      if (take) free_q[take_tag] <= 1'b0;
      if (release_tile) free_q[release_tag] <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take) begin
      local_q[take_tag]     <= step_local;
      direct_q[take_tag]    <= step_direct;
      largest_q[take_tag]   <= step_largest;
      ident_q[take_tag]     <= step_ident;
      code_sel_q[take_tag]  <= step_code_sel;
      book_base_q[take_tag] <= step_book_base;
    end
`ifdef EMCC_SPLIT
    // Sums in the other bank are of the same step.
    if (take && step_split) begin
      local_q     <= {2{step_local}};
      direct_q    <= {2{step_direct}};
      largest_q   <= {2{step_largest}};
      ident_q     <= {2{step_ident}};
      code_sel_q  <= {2{step_code_sel}};
      book_base_q <= {2{step_book_base}};
    end
`endif
  end
`ifdef EMCC_SPLIT

  logic [1:0]      split_q;
  logic [RowW-1:0] border_q;

  always_ff @(posedge clk_i) begin
    if (take) split_q[take_tag] <= step_split;
    if (take && step_split) border_q <= step_border;
  end
`endif

  // Passes that are walked and not written; what of the first of them is written
  logic              we, word_written, next_we, next_word_end;
  logic [GroupW-1:0] next_turn;
  logic [AddrW-1:0]  next_waddr;
  logic             running_q;

  assign done        = running_q && walk_idle && ahead_q == 2'd1 && written;
  assign run_o       = running_q;
  assign step_done_o = written && own_rst_nq;

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq) begin
      ahead_q <= '0;
      seen_q  <= 1'b0;
    end else begin
      if (walk_done && !written) ahead_q <= ahead_q + 1'b1;
      else if (!walk_done && written) ahead_q <= ahead_q - 1'b1;
`ifdef EMCC_SPLIT
      if (written) seen_q <= drain_keep;
`else
      if (written) seen_q <= 1'b0;
`endif
      else if (word_written) seen_q <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) running_q <= 1'b0;
    else if (start) running_q <= 1'b1;
    else if (done) running_q <= 1'b0;
  end

  always_ff @(posedge clk_i) if (next_word_end) next_seen_addr_q <= next_waddr;

  // Which lanes of a position's last word are in use
  logic [Pes-1:0] mask_q;

  for (genvar g = 0; g < Groups; g++) begin : gen_mask
    for (genvar i = 0; i < Lanes; i++) begin : gen_lane
      always_ff @(posedge clk_i) begin
        mask_q[g*Lanes+i] <= LanesW'((g - i + Lanes * Groups) % Groups * Lanes + i) < word_lanes;
      end
    end
  end

  // The groups
  logic [Groups-1:0]         fulls;
  logic [Groups-1:0]         left0, left1;
  logic [Pes-1:0]            near_full;
  logic [Pes-1:0]            holds0, holds1;
  logic [Eights-1:0]         drain, drain_bank;
  logic [Eights*RowW-1:0]    drain_row;
  logic [Pes*AccW-1:0]       drained;
  logic [Pes*ActW-1:0]       words;
  logic [Lanes*ActW-1:0]     acts;
  logic [Pes-1:0]            we_lanes_q;
  logic [Eights-1:0][AddrW-1:0] waddr_q;

  always_ff @(posedge clk_i) full_q <= |fulls;

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    logic                  stall_q, valid, is_local, is_load, is_use, tag;
    logic [ColW-1:0]       col;
    logic [InfoW-1:0]      info;
    logic [RowW-1:0]       row;
    logic [ActW-1:0]       value;
    logic [Lanes-1:0]      lanes;
    logic [Lanes*ActW-1:0] own;

    always_ff @(posedge clk_i) stall_q <= |near_full[g*Lanes +: Lanes];

    emcc_scan u_scan (
      .clk_i,
      .rst_ni     (scan_rst_nq[g]),
      .inside_i   (next_inside),
      .last_word_i(next_last_word),
      .all_i      (next_all),
      .lanes_i    (mask_q[g*Lanes +: Lanes]),
      .valid_i    (word_valid),
      .tile_end_i (word_end),
      .tag_i      (word_tag),
      .local_i    (word_local),
      .load_i     (word_load),
      .use_i      (word_use),
      .info_i     (word_info),
      .row_i      (word_row),
      .data_i     (words[g*Lanes*ActW +: Lanes*ActW]),
      .full_o     (fulls[g]),
      .stall_i    (stall_q),
      .emit_o     (bcast_o[g]),
      .wait_o     (stall_o[g]),
      .left_o     ({left1[g], left0[g]}),
      .col_o      (col),
      .valid_o    (valid),
      .local_o    (is_local),
      .load_o     (is_load),
      .use_o      (is_use),
      .tag_o      (tag),
      .info_o     (info),
      .row_o      (row),
      .value_o    (value),
      .lanes_o    (lanes),
      .data_o     (own)
    );

    for (genvar i = 0; i < Lanes; i++) begin : gen_pe
      localparam int P = g * Lanes + i;

      emcc_slice #(
        .Behind     ((g - i + Lanes * Groups) % Groups),
        .SumLutWords(SumLutWords)
      ) u_slice (
        .clk_i,
        .rst_ni,
        .local_i     (local_q),
        .direct_i    (direct_q),
        .largest_i   (largest_q),
        .ident_i     (ident_q),
        .code_sel_i  (code_sel_q),
        .book_base_i (book_base_q),
`ifdef EMCC_SPLIT
        .split_i     (split_q),
        .border_i    (border_q),
`endif
        .col_i       (col),
        .valid_i     (valid),
        .word_local_i(is_local),
        .load_i      (is_load),
        .use_i       (is_use),
        .tag_i       (tag),
        .info_i      (info),
        .row_i       (row),
        .value_i     (value),
        .lane_i      (lanes[i]),
        .own_i       (own[i*ActW +: ActW]),
        .near_full_o (near_full[P]),
        .holds_o     ({holds1[P], holds0[P]}),
        .drain_i     (drain[P/8]),
        .drain_bank_i(drain_bank[P/8]),
        .drain_row_i (drain_row[P/8*RowW +: RowW]),
        .drained_o   (drained[P*AccW +: AccW]),
        .ptr_addr_o  (ptr_addr_o[P*ColW +: ColW]),
        .ptr_data_i  (ptr_data_i[P*(StartW+CountW) +: StartW+CountW]),
        .spmat_addr_o(spmat_addr_o[P*StartW +: StartW]),
        .spmat_data_i(spmat_data_i[P*EntryW +: EntryW])
      );

      emcc_ram #(
        .Width   (ActW),
        .Depth   (ActWords),
        .AddrW   (AddrW),
        .LutWords(SumLutWords),
        .OutReg  (1'b1)
      ) u_act (
        .clk_i,
        .we_i   (we_lanes_q[P]),
        .waddr_i(waddr_q[P/8]),
        .wdata_i(acts[i*ActW +: ActW]),
        .raddr_i(raddr[P/8*AddrW +: AddrW]),
        .rdata_o(words[P*ActW +: ActW])
      );
    end
  end

  // A tile is left when all groups have left it, until it is drained.
  logic [Groups-1:0] left0_q, left1_q;
  logic [1:0]        holds_q;

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq || (release_tile && !release_tag)) left0_q <= '0;
    else left0_q <= left0_q | left0;
    if (!own_rst_nq || (release_tile && release_tag)) left1_q <= '0;
    else left1_q <= left1_q | left1;
    holds_q <= {|holds1, |holds0};
  end

  // The drain
  logic                   scaled, relu, tabled;
  logic [ShiftW-1:0]      shift;
  logic [CoarseAddrW-1:0] coarse_base;
  logic [FineAddrW-1:0]   fine_base;
  logic [Lanes-1:0]       lane_en;

  emcc_rows #(
    .Latency(Latency)
  ) u_rows (
    .clk_i,
    .rst_ni       (rows_rst_nq),
    .ready_o      (ready),
    .left_i       ({&left1_q, &left0_q}),
    .holds_i      (holds_q),
    .release_o    (release_tile),
    .tag_o        (release_tag),
    .drain_o      (drain),
    .drain_bank_o (drain_bank),
    .drain_row_o  (drain_row),
    .bias_addr_o,
    .scale_addr_o,
    .scaled_o     (scaled),
    .shift_o      (shift),
    .relu_o       (relu),
    .table_o      (tabled),
    .coarse_base_o(coarse_base),
    .fine_base_o  (fine_base),
`ifdef EMCC_SPLIT
    .keep_o       (drain_keep),
`endif
    .lane_en_o    (lane_en),
    .next_we_o    (next_we),
    .next_turn_o  (next_turn),
    .next_waddr_o (next_waddr),
    .next_word_end_o(next_word_end),
    .we_o         (we),
    .word_end_o   (word_written),
    .pass_end_o   (written)
  );

`ifdef EMCC_NEXT_INPUT
  // What is received in this cycle is written in HostLatency, unless a row is: the drain goes first. Rows that are cleared after
  // reset are written nowhere.
  localparam int Ahead = Latency - HostLatency;

  logic [Ahead-2:0]       rows_way_q;
  logic [HostLatency-2:0] late_way_q;

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq) rows_way_q <= '0;
    else rows_way_q <= {rows_way_q[Ahead-3:0], drain[0] && ready_q};
    hold_q     <= !rows_way_q[Ahead-2];
    late_way_q <= (HostLatency-1)'({late_way_q, hold_q});
  end

  // The inputs' words are free when the last pass that reads them is walked.
  logic [PassW-1:0] reads_q;
  logic             reading_q;

  assign in_free = reading_q && walk_done && (InputPasses == 1 || reads_q == '0);

  always_ff @(posedge clk_i) begin
    if (!own_rst_nq) reading_q <= 1'b0;
    else reading_q <= start || (reading_q && !in_free);
    if (start) reads_q <= PassW'(InputPasses - 1);
    else if (walk_done) reads_q <= reads_q - 1'b1;
  end

`endif
  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [Groups*AccW-1:0] parts;

    for (genvar g = 0; g < Groups; g++) begin : gen_part
      assign parts[g*AccW +: AccW] = drained[(g*Lanes+i)*AccW +: AccW];
      always_ff @(posedge clk_i) begin
        we_lanes_q[g*Lanes+i] <= (host_we_way_q[HostLatency-2] && host_pe_way_q[HostLatency-2][g*Lanes+i]) ||
            (next_we && next_turn == GroupW'((g - i + Lanes * Groups) % Groups));
      end
    end

    emcc_sum u_sum (
      .clk_i,
      .acc_i        (parts),
      .bias_i       (bias_data_i[i*AccW +: AccW]),
      .scale_i      (scale_data_i[i*16 +: 16]),
      .scaled_i     (scaled),
      .shift_i      (shift),
      .relu_i       (relu),
      .table_i      (tabled),
      .coarse_base_i(coarse_base),
      .fine_base_i  (fine_base),
      .lane_en_i    (lane_en[i]),
`ifdef EMCC_NEXT_INPUT
      .host_first_i (hold_q),
      .host_busy_i  (late_way_q[HostLatency-2]),
`else
      .host_busy_i  (hold_q),
`endif
      .host_i       (host_data_q),
      .act_o        (acts[i*ActW +: ActW])
    );
  end

  // Where a word is written: a copy for every eight PEs
  for (genvar i = 0; i < Eights; i++) begin : gen_waddr
    (* keep *) always_ff @(posedge clk_i) begin
      waddr_q[i] <= host_we_way_q[HostLatency-2] ? host_addr_way_q[HostLatency-2] : next_waddr;
    end
  end

  // What the host reads: registers that are reset, but for one
  logic [Pes-1:0]      asked_pe, asked_pe_q, shown_pe_q;
  logic [Pes*ActW-1:0] shown_q;
  logic [ActW-1:0]     picked;

`ifdef EMCC_NEXT_INPUT
  for (genvar g = 0; g < Groups; g++) begin : gen_out_group
    for (genvar i = 0; i < Lanes; i++) begin : gen_out_lane
      assign asked_pe[g*Lanes+i] = out_group == GroupW'(g) && out_lane == LaneW'(i);
    end
  end

`else
  assign asked_pe = host_pe;

`endif
  always_ff @(posedge clk_i) begin
    asked_pe_q <= asked_pe;
    shown_pe_q <= asked_pe_q;
  end

  for (genvar p = 0; p < Pes; p++) begin : gen_shown
    always_ff @(posedge clk_i) begin
      if (!shown_pe_q[p]) shown_q[p*ActW +: ActW] <= '0;
      else shown_q[p*ActW +: ActW] <= words[p*ActW +: ActW];
    end
  end

  always_comb begin
    picked = '0;
    for (int p = 0; p < Pes; p++) picked = picked | shown_q[p*ActW +: ActW];
  end

  always_ff @(posedge clk_i) read_q <= picked;

  `EMCC_ASSERT(!take || free_q[take_tag], "a tag that is not free is taken")
  `EMCC_ASSERT(!take || !holds_q[take_tag], "a tag that a PE holds is taken")
  `EMCC_ASSERT(!release_tile || !free_q[release_tag], "a tag that is free is released")
`ifdef EMCC_SPLIT
  `EMCC_ASSERT(!take || !step_split || free_q == '1, "a tile splits into a bank that is not free")
  `EMCC_ASSERT(!take || !step_split || !step_local, "a tile splits whose lanes take their own activations")
`endif
  `EMCC_ASSERT(!own_rst_nq || !host_busy || (!we && !word_valid), "the host and the array are at work at once")
  `EMCC_ASSERT(!we || !host_we_way_q[HostLatency-1], "the host and a row write at once")
`ifdef EMCC_NEXT_INPUT
  `EMCC_STABLE(gen_stable_in, s_axis_tvalid && !s_axis_tready, ({s_axis_tvalid, s_axis_tdata}), "a beat in did not stay")
  `EMCC_ASSERT(!host_we || walk_idle || 32'(u_walk.pass_q) >= InputPasses, "a word is received that a step still reads")
`endif
  `EMCC_ASSERT(!written || ahead_q != 2'd0, "a pass is written that was not walked")
endmodule

`default_nettype wire
