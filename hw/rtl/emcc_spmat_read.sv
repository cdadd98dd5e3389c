// Sparse-matrix read: walks the entries of one column of this PE's slice, one a cycle, and starts the next column in
// the cycle after the last entry. Decodes an entry {run, code} into a local row and a code.
//
// A column taken from the queue in cycle s presents its first address in cycle s+1; the memory answers two cycles
// after that, and row and code leave in cycle s+4 and s+3: the code is early because the codebook is a memory too.
// An empty column, which DropEmpty keeps out of the queue, takes one cycle and gives nothing.
module emcc_spmat_read #(
  parameter int ActW       = 16,
  parameter int StartW     = 4,
  parameter int CountW     = 4,
  parameter int EntryW     = 8,
  parameter int CodeW      = 4,
  parameter int RowW       = 4,
  // Code widths in use: bit k for a width of 2**k.
  parameter bit [3:0]    CodeWidths = 4'b0100,
  parameter bit          DropEmpty  = 1'b1
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [1:0]        code_sel_i,
  // Activation queue
  input  logic              valid_i,
  input  logic [ActW-1:0]   value_i,
  input  logic [StartW-1:0] start_i,
  input  logic [CountW-1:0] count_i,
  output logic              pop_o,
  // Spmat memory
  output logic [StartW-1:0] spmat_addr_o,
  input  logic [EntryW-1:0] spmat_data_i,
  // Cycle s+3
  output logic [CodeW-1:0]  code_o,
  // Cycle s+4
  output logic              valid_o,
  output logic [RowW-1:0]   row_o,
  output logic [ActW-1:0]   value_o,
  output logic              busy_o
);
  logic              active_q, first_q;
  logic [StartW-1:0] addr_q;
  logic [CountW-1:0] left_q;
  logic [ActW-1:0]   value1_q;
  logic              last, empty, empty_q;

  assign last         = left_q == CountW'(1);
  assign pop_o        = valid_i && (!active_q || last);
  assign spmat_addr_o = addr_q;
  assign empty        = !DropEmpty && count_i == '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) active_q <= 1'b0;
    else if (pop_o) active_q <= 1'b1;
    else if (last) active_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (pop_o) begin
      addr_q   <= start_i;
      left_q   <= empty ? CountW'(1) : count_i;
      empty_q  <= empty;
      value1_q <= value_i;
      first_q  <= 1'b1;
    end else begin
      addr_q  <= addr_q + 1'b1;
      left_q  <= left_q - 1'b1;
      first_q <= 1'b0;
    end
  end

  // The memory's two cycles
  logic            valid2_q, valid3_q, valid4_q, first2_q, first3_q;
  logic [ActW-1:0] value2_q, value3_q, value4_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
      valid4_q <= 1'b0;
    end else begin
      valid2_q <= active_q && (DropEmpty || !empty_q);
      valid3_q <= valid2_q;
      valid4_q <= valid3_q;
    end
  end

  always_ff @(posedge clk_i) begin
    first2_q <= first_q;
    first3_q <= first2_q;
    value2_q <= value1_q;
    value3_q <= value2_q;
    value4_q <= value3_q;
  end

  // Entry: the code in the low bits, the zero run above it; the boundary is the layer's choice.
  logic [EntryW-1:0] code, run;

  always_comb begin
    code = '0;
    run  = '0;
    for (int k = 0; k < 4; k++) begin
      if (CodeWidths[k] && (CodeWidths == (4'b1 << k) || code_sel_i == 2'(k))) begin
        code = code | (spmat_data_i & EntryW'((32'd1 << (1 << k)) - 1));
        run  = run | (spmat_data_i >> (1 << k));
      end
    end
  end

  logic [RowW-1:0] row_q;

  always_ff @(posedge clk_i) begin
    if (first3_q) row_q <= RowW'(run);
    else row_q <= row_q + RowW'(run) + 1'b1;
  end

  assign code_o  = CodeW'(code);
  assign valid_o = valid4_q;
  assign row_o   = row_q;
  assign value_o = value4_q;
  assign busy_o  = active_q || valid2_q || valid3_q || valid4_q;
endmodule
