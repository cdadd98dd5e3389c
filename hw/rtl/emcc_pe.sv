// Processing element: pointer read, activation queue, sparse-matrix read, arithmetic unit and drain. The read-only
// memories with its slice of the weights, and the activations, are outside, beside it.
// Kept whole by synthesis: flattened, Yosys would merge the PEs' copies of a register into one that drives all of them.
(* keep_hierarchy *)
module emcc_pe #(
  parameter int ActW        = 16,
  parameter int ColW        = 4,
  parameter int StartW      = 4,
  parameter int CountW      = 4,
  parameter int EntryW      = 8,
  parameter int CodeW       = 4,
  parameter bit [3:0]    CodeWidths  = 4'b0100,
  parameter bit          DropEmpty   = 1'b1,
  parameter bit          Overlap     = 1'b1,
  parameter int Rows        = 16,
  parameter int RowW        = 4,
  parameter int BiasAddrW   = 4,
  parameter int LogQueue    = 5,
  parameter int AccW        = 40,
  parameter int SumLutWords = 0,
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
  input  logic                     clk_i,
  input  logic                     rst_ni,
  // Descriptor of the layer that accumulates
  input  logic                     bank_i,
  input  logic [1:0]               code_sel_i,
  input  logic [BookAddrW-1:0]     book_base_i,
  // Broadcast
  input  logic                     col_valid_i,
  input  logic [ColW-1:0]          col_i,
  input  logic [ActW-1:0]          value_i,
  output logic                     near_full_o,
  output logic                     idle_o,
  // Descriptor of the layer that drains, and its rows
  input  logic [ShiftW-1:0]        shift_i,
  input  logic                     relu_i,
  input  logic                     table_i,
  input  logic [CoarseAddrW-1:0]   coarse_base_i,
  input  logic [FineAddrW-1:0]     fine_base_i,
  input  logic                     drain_i,
  input  logic                     drain_bank_i,
  input  logic [RowW-1:0]          drain_row_i,
  input  logic [BiasAddrW-1:0]     drain_bias_i,
  // This lane's activation to write: the drained row, or the input
  input  logic                     we_input_i,
  input  logic                     lane_en_i,
  input  logic [ActW-1:0]          input_i,
  output logic                     nonzero_o,
  output logic [ActW-1:0]          drained_o,
  output logic [ActW-1:0]          wdata_o,
  // Memories of this PE, two cycles from address to data
  output logic [ColW-1:0]          ptr_addr_o,
  input  logic [StartW+CountW-1:0] ptr_data_i,
  output logic [StartW-1:0]        spmat_addr_o,
  input  logic [EntryW-1:0]        spmat_data_i,
  output logic [BiasAddrW-1:0]     bias_addr_o,
  input  logic [AccW-1:0]          bias_data_i
);
  localparam int QueueW = ActW + StartW + CountW;

  // Both descriptors are constant where they are used: this PE's copy of them keeps their nets short.
  logic                   bank_q, relu_q, table_q;
  logic [1:0]             code_sel_q;
  logic [BookAddrW-1:0]   book_base_q;
  logic [ShiftW-1:0]      shift_q;
  logic [CoarseAddrW-1:0] coarse_base_q;
  logic [FineAddrW-1:0]   fine_base_q;

  always_ff @(posedge clk_i) begin
    bank_q        <= bank_i;
    code_sel_q    <= code_sel_i;
    book_base_q   <= book_base_i;
    shift_q       <= shift_i;
    relu_q        <= relu_i;
    table_q       <= table_i;
    coarse_base_q <= coarse_base_i;
    fine_base_q   <= fine_base_i;
  end

  logic              ptr_valid;
  logic [ActW-1:0]   ptr_value;
  logic [StartW-1:0] ptr_start;
  logic [CountW-1:0] ptr_count;

  emcc_ptr_read #(
    .ActW     (ActW),
    .ColW     (ColW),
    .StartW   (StartW),
    .CountW   (CountW),
    .DropEmpty(DropEmpty)
  ) u_ptr_read (
    .clk_i,
    .rst_ni,
    .col_valid_i,
    .col_i,
    .value_i,
    .ptr_addr_o,
    .ptr_data_i,
    .valid_o(ptr_valid),
    .value_o(ptr_value),
    .start_o(ptr_start),
    .count_o(ptr_count)
  );

  logic              queue_valid, queue_pop;
  logic [QueueW-1:0] queue_data;

  emcc_act_queue #(
    .Width   (QueueW),
    .LogDepth(LogQueue)
  ) u_act_queue (
    .clk_i,
    .rst_ni,
    .push_i (ptr_valid),
    .data_i ({ptr_value, ptr_start, ptr_count}),
    .pop_i  (queue_pop),
    .data_o (queue_data),
    .valid_o(queue_valid),
    .near_full_o
  );

  logic             mac_valid, spmat_busy, arith_busy;
  logic [CodeW-1:0] mac_code;
  logic [RowW-1:0]  mac_row;
  logic [ActW-1:0]  mac_value;

  emcc_spmat_read #(
    .ActW      (ActW),
    .StartW    (StartW),
    .CountW    (CountW),
    .EntryW    (EntryW),
    .CodeW     (CodeW),
    .RowW      (RowW),
    .CodeWidths(CodeWidths),
    .DropEmpty (DropEmpty)
  ) u_spmat_read (
    .clk_i,
    .rst_ni,
    .code_sel_i  (code_sel_q),
    .valid_i     (queue_valid),
    .value_i     (queue_data[StartW+CountW +: ActW]),
    .start_i     (queue_data[CountW +: StartW]),
    .count_i     (queue_data[0 +: CountW]),
    .pop_o       (queue_pop),
    .spmat_addr_o,
    .spmat_data_i,
    .code_o      (mac_code),
    .valid_o     (mac_valid),
    .row_o       (mac_row),
    .value_o     (mac_value),
    .busy_o      (spmat_busy)
  );

  logic [BiasAddrW-1:0] drain_bias_q;
  logic [AccW-1:0]      drain_acc;

  always_ff @(posedge clk_i) drain_bias_q <= drain_bias_i;

  assign bias_addr_o = drain_bias_q;

  emcc_arith #(
    .ActW     (ActW),
    .CodeW    (CodeW),
    .BookDepth(BookDepth),
    .BookAddrW(BookAddrW),
    .BookFile (BookFile),
    .AccW     (AccW),
    .Overlap  (Overlap),
    .Rows     (Rows),
    .RowW     (RowW),
    .LutWords (SumLutWords)
  ) u_arith (
    .clk_i,
    .rst_ni,
    .bank_i      (bank_q),
    .book_base_i (book_base_q),
    .code_i      (mac_code),
    .valid_i     (mac_valid),
    .row_i       (mac_row),
    .value_i     (mac_value),
    .busy_o      (arith_busy),
    .drain_i,
    .drain_bank_i,
    .drain_row_i,
    .drain_data_o(drain_acc)
  );

  logic [ActW-1:0] drained;

  emcc_drain #(
    .AccW       (AccW),
    .ActW       (ActW),
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
  ) u_drain (
    .clk_i,
    .shift_i      (shift_q),
    .relu_i       (relu_q),
    .table_i      (table_q),
    .coarse_base_i(coarse_base_q),
    .fine_base_i  (fine_base_q),
    .acc_i        (drain_acc),
    .bias_i       (bias_data_i),
    .lane_en_i,
    .act_o        (drained)
  );

  // What this lane writes
  logic            we_input_q, lane_en_q;
  logic [ActW-1:0] input_q, wdata;

  always_ff @(posedge clk_i) begin
    we_input_q <= we_input_i;
    lane_en_q  <= lane_en_i;
    input_q    <= input_i;
  end

  assign wdata     = we_input_q ? input_q : drained;
  assign nonzero_o = lane_en_q && wdata != '0;
  assign drained_o = drained;
  assign wdata_o   = wdata;

  logic idle_q;

  always_ff @(posedge clk_i) idle_q <= !(queue_valid || spmat_busy || arith_busy);

  assign idle_o = idle_q;
endmodule
