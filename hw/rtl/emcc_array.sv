// The array: PEs, CCU, LNZD and the broadcast between them. Words of Lanes activations come in and go out as
// AXI4-Stream; each PE's read-only memories (pointers, Spmat entries, biases) are outside, two cycles from address to
// data.
module emcc_array #(
  parameter int Lanes       = 4,
  parameter int LaneCntW    = 3,
  parameter int ActW        = 16,
  parameter int Layers      = 1,
  parameter int LayerW      = 1,
  parameter              LayersFile  = "",
  parameter int WordW       = 4,
  parameter int ActWords    = 16,
  parameter int ActAddrW    = 4,
  parameter int ColW        = 4,
  parameter int StartW      = 4,
  parameter int CountW      = 4,
  parameter int EntryW      = 8,
  parameter int CodeW       = 4,
  parameter bit [3:0]    CodeWidths  = 4'b0100,
  // What the array does to save cycles; each can be switched off to see what it is worth
  parameter bit          DropEmpty   = 1'b1,
  parameter bit          Overlap     = 1'b1,
  parameter bit          Prefetch    = 1'b1,
  parameter int Rows        = 16,
  parameter int RowW        = 4,
  parameter int BiasAddrW   = 4,
  parameter int LogQueue    = 5,
  parameter int LogOut      = 4,
  parameter int AccW        = 40,
  // Up to so many words the non-zero flags, and the accumulators, are in memories made of LUTs: see emcc_ram
  parameter int FlagLutWords = 0,
  parameter int SumLutWords  = 0,
  parameter int BookDepth   = 16,
  parameter int BookAddrW   = 4,
  parameter              BookFile    = "",
  parameter int ShiftMin    = 0,
  parameter int ShiftW      = 1,
  parameter bit          HasTable    = 1'b0,
  parameter int LoBits      = 0,
  parameter int HiBits      = 0,
  parameter int CoarseDepth = 1,
  parameter int CoarseAddrW = 1,
  parameter              CoarseFile  = "",
  parameter int FineDepth   = 1,
  parameter int FineAddrW   = 1,
  parameter              FineFile    = ""
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic [Lanes*ActW-1:0]            s_axis_tdata,
  input  logic                             s_axis_tvalid,
  output logic                             s_axis_tready,
  output logic [Lanes*ActW-1:0]            m_axis_tdata,
  output logic                             m_axis_tvalid,
  input  logic                             m_axis_tready,
  output logic                             m_axis_tlast,
  output logic [Lanes*ColW-1:0]            ptr_addr_o,
  input  logic [Lanes*(StartW+CountW)-1:0] ptr_data_i,
  output logic [Lanes*StartW-1:0]          spmat_addr_o,
  input  logic [Lanes*EntryW-1:0]          spmat_data_i,
  output logic [Lanes*BiasAddrW-1:0]       bias_addr_o,
  input  logic [Lanes*AccW-1:0]            bias_data_i,
  output logic                             layer_done_o,
  output logic                             bcast_o,
  output logic                             stall_o
);
  localparam int DrainLatency = HasTable ? 10 : 7;

`ifdef __ICARUS__
  // Icarus 11 has no elaboration tasks.
  initial begin
    if (LogQueue < 4) $fatal(1, "LogQueue is %0d; an activation queue needs at least 16 entries", LogQueue);
    if (ShiftMin >= AccW) $fatal(1, "ShiftMin is %0d; it must be below AccW, %0d", ShiftMin, AccW);
  end
`else
  if (LogQueue < 4) begin : gen_check_queue
    $error("LogQueue is %0d; an activation queue needs at least 16 entries", LogQueue);
  end
  if (ShiftMin >= AccW) begin : gen_check_shift
    $error("ShiftMin is %0d; it must be below AccW, %0d", ShiftMin, AccW);
  end
`endif

  logic                   scan_push, scan_ready, scan_idle, emit, pending, stall;
  logic [Lanes-1:0]       scan_flags, lane;
  logic [ActAddrW-1:0]    scan_addr, emit_addr, act_addr, waddr;
  logic [ColW-1:0]        scan_col, emit_col, col;
  logic                   col_valid;
  logic [ActW-1:0]        value;
  logic [Lanes-1:0]       near_full, idle, lane_en, nonzero;
  logic [Lanes*ActW-1:0]  wdata, act_data, act_data_q, drained;
  logic                   bank, relu, table_sel, drain, drain_bank, we, we_input, out_push, out_pop, out_valid, out_last;
  logic [1:0]             code_sel;
  logic [BookAddrW-1:0]   book_base;
  logic [ShiftW-1:0]      shift;
  logic [CoarseAddrW-1:0] coarse_base;
  logic [FineAddrW-1:0]   fine_base;
  logic [RowW-1:0]        drain_row;
  logic [BiasAddrW-1:0]   drain_bias;

  emcc_ccu #(
    .Lanes       (Lanes),
    .LaneCntW    (LaneCntW),
    .Layers      (Layers),
    .LayerW      (LayerW),
    .LayersFile  (LayersFile),
    .WordW       (WordW),
    .ActWords    (ActWords),
    .ActAddrW    (ActAddrW),
    .ColW        (ColW),
    .Rows        (Rows),
    .RowW        (RowW),
    .BiasAddrW   (BiasAddrW),
    .BookAddrW   (BookAddrW),
    .ShiftW      (ShiftW),
    .CoarseAddrW (CoarseAddrW),
    .FineAddrW   (FineAddrW),
    .DrainLatency(DrainLatency),
    .LogOut      (LogOut),
    .FlagLutWords(FlagLutWords),
    .Overlap     (Overlap),
    .Prefetch    (Prefetch)
  ) u_ccu (
    .clk_i,
    .rst_ni,
    .in_valid_i   (s_axis_tvalid),
    .in_ready_o   (s_axis_tready),
    .out_push_o   (out_push),
    .out_pop_i    (out_pop),
    .out_last_o   (out_last),
    .scan_push_o  (scan_push),
    .scan_flags_o (scan_flags),
    .scan_addr_o  (scan_addr),
    .scan_col_o   (scan_col),
    .scan_ready_i (scan_ready),
    .scan_idle_i  (scan_idle),
    .scan_emit_i  (emit),
    .stall_o      (stall),
    .bank_o       (bank),
    .code_sel_o   (code_sel),
    .book_base_o  (book_base),
    .near_full_i  (near_full),
    .idle_i       (idle),
    .shift_o      (shift),
    .relu_o       (relu),
    .table_o      (table_sel),
    .coarse_base_o(coarse_base),
    .fine_base_o  (fine_base),
    .drain_o      (drain),
    .drain_bank_o (drain_bank),
    .drain_row_o  (drain_row),
    .drain_bias_o (drain_bias),
    .we_o         (we),
    .we_input_o   (we_input),
    .lane_en_o    (lane_en),
    .waddr_o      (waddr),
    .nonzero_i    (nonzero),
    .layer_done_o
  );

  emcc_lnzd #(
    .Lanes(Lanes),
    .AddrW(ActAddrW),
    .ColW (ColW)
  ) u_lnzd (
    .clk_i,
    .rst_ni,
    .push_i   (scan_push),
    .flags_i  (scan_flags),
    .addr_i   (scan_addr),
    .col_i    (scan_col),
    .ready_o  (scan_ready),
    .stall_i  (stall),
    .emit_o   (emit),
    .lane_o   (lane),
    .addr_o   (emit_addr),
    .col_o    (emit_col),
    .pending_o(pending),
    .idle_o   (scan_idle)
  );

  emcc_bcast #(
    .Lanes(Lanes),
    .ActW (ActW),
    .AddrW(ActAddrW),
    .ColW (ColW)
  ) u_bcast (
    .clk_i,
    .rst_ni,
    .emit_i     (emit),
    .lane_i     (lane),
    .addr_i     (emit_addr),
    .col_i      (emit_col),
    .act_addr_o (act_addr),
    .act_data_i (act_data_q),
    .col_valid_o(col_valid),
    .col_o      (col),
    .value_o    (value)
  );

  for (genvar p = 0; p < Lanes; p++) begin : gen_pe
    emcc_pe #(
      .ActW       (ActW),
      .ColW       (ColW),
      .StartW     (StartW),
      .CountW     (CountW),
      .EntryW     (EntryW),
      .CodeW      (CodeW),
      .CodeWidths (CodeWidths),
      .DropEmpty  (DropEmpty),
      .Overlap    (Overlap),
      .Rows       (Rows),
      .RowW       (RowW),
      .BiasAddrW  (BiasAddrW),
      .LogQueue   (LogQueue),
      .AccW       (AccW),
      .SumLutWords(SumLutWords),
      .BookDepth  (BookDepth),
      .BookAddrW  (BookAddrW),
      .BookFile   (BookFile),
      .ShiftMin   (ShiftMin),
      .ShiftW     (ShiftW),
      .HasTable   (HasTable),
      .LoBits     (LoBits),
      .HiBits     (HiBits),
      .CoarseDepth(CoarseDepth),
      .CoarseAddrW(CoarseAddrW),
      .CoarseFile (CoarseFile),
      .FineDepth  (FineDepth),
      .FineAddrW  (FineAddrW),
      .FineFile   (FineFile)
    ) u_pe (
      .clk_i,
      .rst_ni,
      .bank_i       (bank),
      .code_sel_i   (code_sel),
      .book_base_i  (book_base),
      .col_valid_i  (col_valid),
      .col_i        (col),
      .value_i      (value),
      .near_full_o  (near_full[p]),
      .idle_o       (idle[p]),
      .shift_i      (shift),
      .relu_i       (relu),
      .table_i      (table_sel),
      .coarse_base_i(coarse_base),
      .fine_base_i  (fine_base),
      .drain_i      (drain),
      .drain_bank_i (drain_bank),
      .drain_row_i  (drain_row),
      .drain_bias_i (drain_bias),
      .we_input_i   (we_input),
      .lane_en_i    (lane_en[p]),
      .input_i      (s_axis_tdata[p*ActW +: ActW]),
      .nonzero_o    (nonzero[p]),
      .drained_o    (drained[p*ActW +: ActW]),
      .wdata_o      (wdata[p*ActW +: ActW]),
      .ptr_addr_o   (ptr_addr_o[p*ColW +: ColW]),
      .ptr_data_i   (ptr_data_i[p*(StartW+CountW) +: StartW+CountW]),
      .spmat_addr_o (spmat_addr_o[p*StartW +: StartW]),
      .spmat_data_i (spmat_data_i[p*EntryW +: EntryW]),
      .bias_addr_o  (bias_addr_o[p*BiasAddrW +: BiasAddrW]),
      .bias_data_i  (bias_data_i[p*AccW +: AccW])
    );
  end

  // Activations: a bank a lane, all with the same addresses, and so one memory as wide as a word.
  logic                we_q;
  logic [ActAddrW-1:0] waddr_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) we_q <= 1'b0;
    else we_q <= we;
  end

  always_ff @(posedge clk_i) begin
    waddr_q    <= waddr;
    act_data_q <= act_data;
  end

  emcc_ram #(
    .Width(Lanes * ActW),
    .Depth(ActWords),
    .AddrW(ActAddrW)
  ) u_act (
    .clk_i,
    .we_i   (we_q),
    .waddr_i(waddr_q),
    .wdata_i(wdata),
    .raddr_i(act_addr),
    .rdata_o(act_data)
  );

  // Output words; the CCU's credits keep this from overflowing while m_axis_tready is low.
  logic [LogOut:0] unused_count;

  emcc_fifo #(
    .Width   (Lanes * ActW),
    .LogDepth(LogOut)
  ) u_out (
    .clk_i,
    .rst_ni,
    .push_i (out_push),
    .data_i (drained),
    .pop_i  (out_pop),
    .data_o (m_axis_tdata),
    .valid_o(out_valid),
    .count_o(unused_count)
  );

  assign m_axis_tvalid = out_valid;
  assign m_axis_tlast  = out_last;
  assign out_pop       = out_valid && m_axis_tready;
  assign bcast_o       = emit;
  assign stall_o       = pending && stall;
endmodule
