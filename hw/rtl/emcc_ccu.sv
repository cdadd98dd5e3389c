// Central control unit: runs the layer table. It takes an input, lets LNZD scan each layer's source as its words become
// available (a layer's scan starts while the layer before it still drains), waits until every PE is idle, swaps the
// accumulator banks and drains the layer into the activation banks, or to the output after the last layer.
//
// Timing (cycle numbers as in docs/architecture.md): a word of non-zero flags read in cycle r is pushed in r+1 and can
// emit its first lane in r+3; a drained row issued in cycle g is written in cycle g+DrainLatency.
module emcc_ccu #(
  parameter int Lanes        = 4,
  parameter int LaneCntW     = 3,
  parameter int Layers       = 1,
  parameter int LayerW       = 1,
  parameter              LayersFile   = "",
  parameter int WordW        = 4,
  parameter int ActWords     = 16,
  parameter int ActAddrW     = 4,
  parameter int ColW         = 4,
  parameter int Rows         = 16,
  parameter int RowW         = 4,
  parameter int BiasAddrW    = 4,
  parameter int BookAddrW    = 4,
  parameter int ShiftW       = 1,
  parameter int CoarseAddrW  = 1,
  parameter int FineAddrW    = 1,
  parameter int DrainLatency = 7,
  parameter int LogOut       = 4,
  // See emcc_ram
  parameter int FlagLutWords = 0,
  // Scan a layer while its source is still being written; read words of flags ahead
  parameter bit Overlap      = 1'b1,
  parameter bit Prefetch     = 1'b1
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  // Input words
  input  logic                   in_valid_i,
  output logic                   in_ready_o,
  // Output words
  output logic                   out_push_o,
  input  logic                   out_pop_i,
  output logic                   out_last_o,
  // LNZD and broadcast
  output logic                   scan_push_o,
  output logic [Lanes-1:0]       scan_flags_o,
  output logic [ActAddrW-1:0]    scan_addr_o,
  output logic [ColW-1:0]        scan_col_o,
  input  logic                   scan_ready_i,
  input  logic                   scan_idle_i,
  input  logic                   scan_emit_i,
  output logic                   stall_o,
  // PEs: the layer that accumulates
  output logic                   bank_o,
  output logic [1:0]             code_sel_o,
  output logic [BookAddrW-1:0]   book_base_o,
  input  logic [Lanes-1:0]       near_full_i,
  input  logic [Lanes-1:0]       idle_i,
  // PEs: the layer that drains
  output logic [ShiftW-1:0]      shift_o,
  output logic                   relu_o,
  output logic                   table_o,
  output logic [CoarseAddrW-1:0] coarse_base_o,
  output logic [FineAddrW-1:0]   fine_base_o,
  output logic                   drain_o,
  output logic                   drain_bank_o,
  output logic [RowW-1:0]        drain_row_o,
  output logic [BiasAddrW-1:0]   drain_bias_o,
  // PEs: writes of activations
  output logic                   we_o,
  output logic                   we_input_o,
  output logic [Lanes-1:0]       lane_en_o,
  output logic [ActAddrW-1:0]    waddr_o,
  input  logic [Lanes-1:0]       nonzero_i,
  output logic                   layer_done_o
);
  logic [emcc_desc_pkg::DescW-1:0] layer_table [0:Layers-1];
  logic [emcc_desc_pkg::DescW-1:0] desc_q;
  // The drain needs some of the fields
  /* verilator lint_off UNUSEDSIGNAL */
  logic [emcc_desc_pkg::DescW-1:0] drain_desc_q;
  /* verilator lint_on UNUSEDSIGNAL */
  logic [LayerW-1:0]               layer_q;
  logic                            last_layer, done;

  if (LayersFile != "") begin : gen_init
    initial $readmemh(LayersFile, layer_table);
  end

  assign last_layer = layer_q == LayerW'(Layers - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) layer_q <= '0;
    else if (done) layer_q <= last_layer ? '0 : layer_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    desc_q <= layer_table[layer_q];
    if (done) drain_desc_q <= desc_q;
  end

  logic [WordW-1:0]    in_words, in_words_less_q, desc_words_less_q, out_words_less_q;
  logic [ActAddrW-1:0] src_base, dst_base;

  assign in_words      = desc_q[emcc_desc_pkg::InWordsAt +: emcc_desc_pkg::InWordsW];
  assign src_base      = desc_q[emcc_desc_pkg::SrcBaseAt +: emcc_desc_pkg::SrcBaseW];
  assign code_sel_o    = desc_q[emcc_desc_pkg::CodeSelAt +: emcc_desc_pkg::CodeSelW];
  assign book_base_o   = desc_q[emcc_desc_pkg::BookBaseAt +: emcc_desc_pkg::BookBaseW];
  assign dst_base      = drain_desc_q[emcc_desc_pkg::DstBaseAt +: emcc_desc_pkg::DstBaseW];
  assign shift_o       = drain_desc_q[emcc_desc_pkg::ShiftAt +: emcc_desc_pkg::ShiftW];
  assign relu_o        = drain_desc_q[emcc_desc_pkg::ReluAt +: emcc_desc_pkg::ReluW];
  assign table_o       = drain_desc_q[emcc_desc_pkg::TableAt +: emcc_desc_pkg::TableW];
  assign coarse_base_o = drain_desc_q[emcc_desc_pkg::CoarseBaseAt +: emcc_desc_pkg::CoarseBaseW];
  assign fine_base_o   = drain_desc_q[emcc_desc_pkg::FineBaseAt +: emcc_desc_pkg::FineBaseW];

  // One less, for comparisons
  always_ff @(posedge clk_i) begin
    in_words_less_q   <= in_words - 1'b1;
    desc_words_less_q <= desc_q[emcc_desc_pkg::OutWordsAt +: emcc_desc_pkg::OutWordsW] - 1'b1;
    if (done) out_words_less_q <= desc_words_less_q;
  end

  // Accumulators are cleared once after reset; later the drain clears every row it reads.
  localparam int ClearW = RowW < 2 ? 2 : RowW;

  logic              clear_q, clear_bank_q, clear_end;
  logic [ClearW-1:0] clear_row_q;

  // No fewer than six cycles: what follows from the first descriptor is not there before.
  assign clear_end = clear_row_q == ClearW'(Rows < 3 ? 2 : Rows - 1);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      clear_q      <= 1'b1;
      clear_bank_q <= 1'b0;
      clear_row_q  <= '0;
    end else if (clear_q) begin
      clear_row_q <= clear_end ? '0 : clear_row_q + 1'b1;
      if (clear_end) begin
        clear_bank_q <= 1'b1;
        clear_q      <= !clear_bank_q;
      end
    end
  end

  // Input: from the last output word of one inference to the last input word of the next
  logic load_q, in_take, in_last_q, out_end;

  assign in_ready_o = load_q;
  assign in_take    = load_q && in_valid_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) load_q <= 1'b0;
    else if ((clear_q && clear_bank_q && clear_end) || out_end) load_q <= 1'b1;
    else if (in_take && in_last_q) load_q <= 1'b0;
  end

  // Scan: read the words of non-zero flags as they become available
  logic [WordW-1:0]    scan_word_q, avail_q, unread_q;
  logic [ColW-1:0]     col_q, col;
  logic                scan_go, scan_read_q, scan_some_q, scan_all_q, scan_done;
  logic [Lanes-1:0]    flags;
  logic [ActAddrW-1:0] scan_addr, scan_addr_q;
  logic [ColW-1:0]     scan_col_q;
  logic                written_q;
  logic [ActAddrW-1:0] waddr_q;

  assign scan_go   = scan_some_q && (Overlap || avail_q == in_words) &&
                     (Prefetch ? scan_ready_i : scan_idle_i && !scan_read_q);
  assign col       = scan_word_q == '0 ? desc_q[emcc_desc_pkg::ColBaseAt +: emcc_desc_pkg::ColBaseW] : col_q;
  assign scan_addr = src_base + ActAddrW'(scan_word_q);

  emcc_ram #(
    .Width   (Lanes),
    .Depth   (ActWords),
    .AddrW   (ActAddrW),
    .LutWords(FlagLutWords)
  ) u_flags (
    .clk_i,
    .we_i   (written_q),
    .waddr_i(waddr_q),
    .wdata_i(nonzero_i),
    .raddr_i(scan_addr),
    .rdata_o(flags)
  );

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      scan_word_q <= '0;
      scan_some_q <= 1'b0;
      scan_all_q  <= 1'b0;
      unread_q    <= '0;
      avail_q     <= '0;
      scan_read_q <= 1'b0;
      written_q   <= 1'b0;
    end else begin
      // Comparisons are registered, made with what will be: what depends on them comes early in the cycle.
      if (done) begin
        scan_word_q <= '0;
        scan_all_q  <= 1'b0;
      end else if (scan_go) begin
        scan_word_q <= scan_word_q + 1'b1;
        scan_all_q  <= scan_word_q == in_words_less_q;
      end
      if (written_q != scan_go) begin
        unread_q    <= unread_q + (scan_go ? '1 : WordW'(1));
        scan_some_q <= written_q || unread_q != WordW'(1);
      end
      if (done) avail_q <= '0;
      else if (written_q) avail_q <= avail_q + 1'b1;
      scan_read_q <= scan_go;
      written_q   <= we_o;
    end
  end

  always_ff @(posedge clk_i) begin
    waddr_q     <= waddr_o;
    scan_addr_q <= scan_addr;
    scan_col_q  <= col;
    if (scan_go) col_q <= col + ColW'(Lanes);
  end

  assign scan_push_o  = scan_read_q && flags != '0;
  assign scan_flags_o = flags;
  assign scan_addr_o  = scan_addr_q;
  assign scan_col_o   = scan_col_q;
  assign scan_done    = scan_all_q && !scan_read_q && scan_idle_i;

  // A layer is done when nothing is on its way to a PE and every PE is idle.
  localparam int OnTheWay = 8;
  logic [OnTheWay-2:0] on_the_way_q;
  logic                quiet_q, idle_q, stall_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      on_the_way_q <= '0;
      stall_q      <= 1'b0;
    end else begin
      on_the_way_q <= {on_the_way_q[OnTheWay-3:0], scan_emit_i};
      stall_q      <= |near_full_i;
    end
  end

  always_ff @(posedge clk_i) begin
    quiet_q <= {on_the_way_q, scan_emit_i} == '0;
    idle_q  <= &idle_i;
  end

  assign stall_o      = stall_q;
  assign done         = scan_done && quiet_q && idle_q;
  assign layer_done_o = done;

  // Drain of the finished layer
  logic                    bank_q, draining_q, drain_last_q, drain_go, drain_out, credit_some_q;
  logic [WordW-1:0]        drain_row_q;
  logic [BiasAddrW-1:0]    drain_bias_q;
  logic [LogOut:0]         credit_q;
  logic [DrainLatency-2:0] drained_q;

  assign drain_go  = draining_q && (!drain_last_q || credit_some_q);
  assign drain_out = draining_q && drain_last_q && credit_some_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bank_q        <= 1'b0;
      draining_q    <= 1'b0;
      drain_last_q  <= 1'b0;
      credit_q      <= (LogOut+1)'(1 << LogOut);
      credit_some_q <= 1'b1;
      drained_q     <= '0;
    end else begin
      if (done) begin
        bank_q       <= !bank_q;
        draining_q   <= 1'b1;
        drain_last_q <= last_layer;
      end else if (drain_go && drain_row_q == out_words_less_q) begin
        draining_q <= 1'b0;
      end
      if (drain_out != out_pop_i) begin
        credit_q      <= credit_q + (drain_out ? '1 : (LogOut+1)'(1));
        credit_some_q <= out_pop_i || credit_q != (LogOut+1)'(1);
      end
      drained_q <= {drained_q[DrainLatency-3:0], drain_go};
    end
  end

  always_ff @(posedge clk_i) begin
    if (done) begin
      drain_row_q  <= '0;
      drain_bias_q <= desc_q[emcc_desc_pkg::BiasBaseAt +: emcc_desc_pkg::BiasBaseW];
    end else if (drain_go) begin
      drain_row_q  <= drain_row_q + 1'b1;
      drain_bias_q <= drain_bias_q + 1'b1;
    end
  end

  // Commands to the PEs, registered here and once more there
  logic                 pe_drain_q, pe_bank_q;
  logic [RowW-1:0]      pe_row_q;
  logic [BiasAddrW-1:0] pe_bias_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) pe_drain_q <= 1'b0;
    else pe_drain_q <= drain_go || clear_q;
  end

  always_ff @(posedge clk_i) begin
    pe_bank_q <= clear_q ? clear_bank_q : !bank_q;
    pe_row_q  <= clear_q ? RowW'(clear_row_q) : RowW'(drain_row_q);
    pe_bias_q <= drain_bias_q;
  end

  assign bank_o       = bank_q;
  assign drain_o      = pe_drain_q;
  assign drain_bank_o = pe_bank_q;
  assign drain_row_o  = pe_row_q;
  assign drain_bias_o = pe_bias_q;

  // Writes: input words as they come, drained words after the drain's latency. The lanes above the last element
  // of a tensor are switched off.
  logic             drained;
  logic [WordW-1:0] in_word_d, in_word_q, drained_word_d, drained_word_q;
  logic             in_last, drained_last, drained_last_q;
  logic [Lanes-1:0] in_lanes_q, in_en_q, out_lanes_q, out_en_q;

  assign drained        = drained_q[DrainLatency-2];
  assign in_word_d      = !in_take ? in_word_q : in_last_q ? '0 : in_word_q + 1'b1;
  assign drained_word_d = !drained ? drained_word_q : drained_last_q ? '0 : drained_word_q + 1'b1;
  assign in_last        = in_word_d == in_words_less_q;
  assign drained_last   = drained_word_d == out_words_less_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      in_word_q      <= '0;
      drained_word_q <= '0;
    end else begin
      in_word_q      <= in_word_d;
      drained_word_q <= drained_word_d;
    end
  end

  always_ff @(posedge clk_i) begin
    in_last_q      <= in_last;
    drained_last_q <= drained_last;
    for (int i = 0; i < Lanes; i++) begin
      in_lanes_q[i]  <= LaneCntW'(i) < desc_q[emcc_desc_pkg::InLastAt +: emcc_desc_pkg::InLastW];
      out_lanes_q[i] <= LaneCntW'(i) < drain_desc_q[emcc_desc_pkg::OutLastAt +: emcc_desc_pkg::OutLastW];
      in_en_q[i]     <= !in_last || in_lanes_q[i];
      out_en_q[i]    <= !drained_last || out_lanes_q[i];
    end
  end

  logic out_push_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_push_q <= 1'b0;
    else out_push_q <= drained && drain_last_q;
  end

  assign we_o       = in_take || (drained && !drain_last_q);
  assign we_input_o = load_q;
  assign lane_en_o  = load_q ? in_en_q : out_en_q;
  assign waddr_o    = load_q ? src_base + ActAddrW'(in_word_q) : dst_base + ActAddrW'(drained_word_q);
  assign out_push_o = out_push_q;

  // Output: the last word ends the inference.
  logic [WordW-1:0] out_word_q;

  assign out_last_o = out_word_q == out_words_less_q;
  assign out_end    = out_pop_i && out_last_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_word_q <= '0;
    else if (out_pop_i) out_word_q <= out_last_o ? '0 : out_word_q + 1'b1;
  end
endmodule
