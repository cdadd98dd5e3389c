// Pointer read: looks up {start, count} of a broadcast column in this PE's slice and passes the activation on only if
// the column is not empty here.
//
// The column comes in cycle t+3 of the broadcast, the value in cycle t+5, the pointer memory answers two cycles after
// its address; an entry for the activation queue leaves in cycle t+6. With DropEmpty 0 empty columns are passed on too.
module emcc_ptr_read #(
  parameter int ActW      = 16,
  parameter int ColW      = 4,
  parameter int StartW    = 4,
  parameter int CountW    = 4,
  parameter bit DropEmpty = 1'b1
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     col_valid_i,
  input  logic [ColW-1:0]          col_i,
  input  logic [ActW-1:0]          value_i,
  output logic [ColW-1:0]          ptr_addr_o,
  input  logic [StartW+CountW-1:0] ptr_data_i,
  output logic                     valid_o,
  output logic [ActW-1:0]          value_o,
  output logic [StartW-1:0]        start_o,
  output logic [CountW-1:0]        count_o
);
  logic            valid4_q, valid5_q, valid6_q;
  logic [ColW-1:0] col4_q;
  logic [ActW-1:0] value6_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid4_q <= 1'b0;
      valid5_q <= 1'b0;
      valid6_q <= 1'b0;
    end else begin
      valid4_q <= col_valid_i;
      valid5_q <= valid4_q;
      valid6_q <= valid5_q;
    end
  end

  always_ff @(posedge clk_i) begin
    col4_q   <= col_i;
    value6_q <= value_i;
  end

  assign ptr_addr_o = col4_q;
  assign start_o    = ptr_data_i[CountW +: StartW];
  assign count_o    = ptr_data_i[0 +: CountW];
  assign value_o    = value6_q;
  assign valid_o    = valid6_q && (!DropEmpty || count_o != '0);
endmodule
