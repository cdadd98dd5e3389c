// First-word-fall-through FIFO of 2**LogDepth words. count_o is the number of words held.
module emcc_fifo #(
  parameter int Width    = 8,
  parameter int LogDepth = 4
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic              push_i,
  input  logic [Width-1:0]  data_i,
  input  logic              pop_i,
  output logic [Width-1:0]  data_o,
  output logic              valid_o,
  output logic [LogDepth:0] count_o
);
  localparam int Depth = 1 << LogDepth;

  logic [Width-1:0]    mem [0:Depth-1];
  logic [LogDepth-1:0] rptr_q, wptr_q;
  logic [LogDepth:0]   count_q;
  logic                valid_q;

  assign data_o  = mem[rptr_q];
  assign valid_o = valid_q;
  assign count_o = count_q;

  always_ff @(posedge clk_i) if (push_i) mem[wptr_q] <= data_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      rptr_q  <= '0;
      wptr_q  <= '0;
      count_q <= '0;
      valid_q <= 1'b0;
    end else begin
      if (push_i) wptr_q <= wptr_q + 1'b1;
      if (pop_i) rptr_q <= rptr_q + 1'b1;
      if (push_i != pop_i) begin
        // Plus one, or minus one: one adder
        count_q <= count_q + (pop_i ? '1 : (LogDepth+1)'(1));
        valid_q <= push_i || count_q != 1;
      end
    end
  end

`ifndef SYNTHESIS
  always @(posedge clk_i) begin
    if (rst_ni) begin
      if (push_i && !pop_i && count_q == (LogDepth+1)'(Depth)) $error("%m: push when full");
      if (pop_i && !valid_q) $error("%m: pop when empty");
    end
  end
`endif
endmodule
