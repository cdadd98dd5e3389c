// One PE with its three memories, as emcc_top has them, and its drained accumulators made visible.
module emcc_pe_bench #(
  parameter int ActW        = 16,
  parameter int ColW        = 4,
  parameter int StartW      = 4,
  parameter int CountW      = 4,
  parameter int EntryW      = 8,
  parameter int CodeW       = 4,
  parameter bit [3:0] CodeWidths = 4'b0100,
  parameter bit DropEmpty = 1'b1,
  parameter int Rows        = 16,
  parameter int RowW        = 4,
  parameter int BiasAddrW   = 4,
  parameter int LogQueue    = 5,
  parameter int AccW        = 40,
  parameter int SumLutWords = 0,
  parameter int BookDepth   = 16,
  parameter int BookAddrW   = 4,
  parameter     BookFile    = "",
  parameter int ShiftMin    = 0,
  parameter int ShiftW      = 1,
  parameter bit HasTable    = 1'b0,
  parameter int LoBits      = 0,
  parameter int HiBits      = 0,
  parameter int CoarseDepth = 1,
  parameter int CoarseAddrW = 1,
  parameter     CoarseFile  = "",
  parameter int FineDepth   = 1,
  parameter int FineAddrW   = 1,
  parameter     FineFile    = "",
  parameter int Columns     = 16,
  parameter int Entries     = 16,
  parameter int Biases      = 16
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   bank_i,
  input  logic [1:0]             code_sel_i,
  input  logic [BookAddrW-1:0]   book_base_i,
  input  logic                   col_valid_i,
  input  logic [ColW-1:0]        col_i,
  input  logic [ActW-1:0]        value_i,
  output logic                   near_full_o,
  output logic                   idle_o,
  input  logic [ShiftW-1:0]      shift_i,
  input  logic                   relu_i,
  input  logic                   table_i,
  input  logic [CoarseAddrW-1:0] coarse_base_i,
  input  logic [FineAddrW-1:0]   fine_base_i,
  input  logic                   drain_i,
  input  logic                   drain_bank_i,
  input  logic [RowW-1:0]        drain_row_i,
  input  logic [BiasAddrW-1:0]   drain_bias_i,
  input  logic                   we_input_i,
  input  logic                   lane_en_i,
  input  logic [ActW-1:0]        input_i,
  output logic                   nonzero_o,
  output logic [ActW-1:0]        drained_o,
  output logic [ActW-1:0]        wdata_o,
  output logic [AccW-1:0]        acc_o
);
  logic [ColW-1:0]          ptr_addr;
  logic [StartW+CountW-1:0] ptr_data;
  logic [StartW-1:0]        spmat_addr;
  logic [EntryW-1:0]        spmat_data;
  logic [BiasAddrW-1:0]     bias_addr;
  logic [AccW-1:0]          bias_data;

  emcc_pe #(
    .ActW(ActW), .ColW(ColW), .StartW(StartW), .CountW(CountW), .EntryW(EntryW), .CodeW(CodeW),
    .CodeWidths(CodeWidths), .DropEmpty(DropEmpty), .Rows(Rows), .RowW(RowW), .BiasAddrW(BiasAddrW),
    .LogQueue(LogQueue), .AccW(AccW), .SumLutWords(SumLutWords), .BookDepth(BookDepth), .BookAddrW(BookAddrW),
    .BookFile(BookFile), .ShiftMin(ShiftMin), .ShiftW(ShiftW), .HasTable(HasTable), .LoBits(LoBits),
    .HiBits(HiBits), .CoarseDepth(CoarseDepth), .CoarseAddrW(CoarseAddrW), .CoarseFile(CoarseFile),
    .FineDepth(FineDepth), .FineAddrW(FineAddrW), .FineFile(FineFile)
  ) u_pe (
    .clk_i, .rst_ni, .bank_i, .code_sel_i, .book_base_i, .col_valid_i, .col_i, .value_i, .near_full_o, .idle_o,
    .shift_i, .relu_i, .table_i, .coarse_base_i, .fine_base_i, .drain_i, .drain_bank_i, .drain_row_i, .drain_bias_i,
    .we_input_i, .lane_en_i, .input_i, .nonzero_o, .drained_o, .wdata_o,
    .ptr_addr_o  (ptr_addr),
    .ptr_data_i  (ptr_data),
    .spmat_addr_o(spmat_addr),
    .spmat_data_i(spmat_data),
    .bias_addr_o (bias_addr),
    .bias_data_i (bias_data)
  );

  emcc_rom #(.Width(StartW + CountW), .Depth(Columns), .AddrW(ColW), .InitFile("rom/ptr.hex")) u_ptr (
    .clk_i,
    .addr_i(ptr_addr),
    .data_o(ptr_data)
  );

  emcc_rom #(.Width(EntryW), .Depth(Entries), .AddrW(StartW), .InitFile("rom/spmat.hex")) u_spmat (
    .clk_i,
    .addr_i(spmat_addr),
    .data_o(spmat_data)
  );

  emcc_rom #(.Width(AccW), .Depth(Biases), .AddrW(BiasAddrW), .InitFile("rom/bias.hex")) u_bias (
    .clk_i,
    .addr_i(bias_addr),
    .data_o(bias_data)
  );

  assign acc_o = u_pe.drain_acc;
endmodule
