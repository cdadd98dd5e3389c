// The broadcast pipeline: from the lane that LNZD chose to (column, value) for every PE.
//
// A lane emitted in cycle t reads its word of activations in cycle t+1; the column leaves in cycle t+3, so that the
// pointer memories can be read, and the value in cycle t+5.
module emcc_bcast #(
  parameter int Lanes = 4,
  parameter int ActW  = 16,
  parameter int AddrW = 4,
  parameter int ColW  = 4
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  emit_i,
  input  logic [Lanes-1:0]      lane_i,
  input  logic [AddrW-1:0]      addr_i,
  input  logic [ColW-1:0]       col_i,
  // Activation banks, one a lane: address in cycle t+1, data in cycle t+3.
  output logic [AddrW-1:0]      act_addr_o,
  input  logic [Lanes*ActW-1:0] act_data_i,
  output logic                  col_valid_o,
  output logic [ColW-1:0]       col_o,
  output logic [ActW-1:0]       value_o
);
  localparam int GroupSize = 8;
  localparam int Groups    = (Lanes + GroupSize - 1) / GroupSize;

  logic             valid1_q, valid2_q, valid3_q;
  logic [Lanes-1:0] lane1_q, lane2_q, lane3_q;
  logic [AddrW-1:0] addr1_q;
  logic [ColW-1:0]  col1_q, col2_q, col3_q, index2_q;
  logic [ColW-1:0]  index;

  // Binary index of the one-hot lane.
  always_comb begin
    index = '0;
    for (int i = 0; i < Lanes; i++) begin
      if (lane1_q[i]) index = index | ColW'(i);
    end
  end

  // Value: AND-OR over groups of lanes, then over the groups.
  logic [Groups*ActW-1:0] partial, partial_q;
  logic [ActW-1:0]        value, value_q;

  always_comb begin
    partial = '0;
    for (int i = 0; i < Lanes; i++) begin
      partial[(i/GroupSize)*ActW +: ActW] =
          partial[(i/GroupSize)*ActW +: ActW] | (act_data_i[i*ActW +: ActW] & {ActW{lane3_q[i]}});
    end
  end

  always_comb begin
    value = '0;
    for (int g = 0; g < Groups; g++) value = value | partial_q[g*ActW +: ActW];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid1_q <= 1'b0;
      valid2_q <= 1'b0;
      valid3_q <= 1'b0;
    end else begin
      valid1_q <= emit_i;
      valid2_q <= valid1_q;
      valid3_q <= valid2_q;
    end
  end

  always_ff @(posedge clk_i) begin
    lane1_q   <= lane_i;
    addr1_q   <= addr_i;
    col1_q    <= col_i;
    lane2_q   <= lane1_q;
    lane3_q   <= lane2_q;
    col2_q    <= col1_q;
    index2_q  <= index;
    col3_q    <= col2_q + index2_q;
    partial_q <= partial;
    value_q   <= value;
  end

  assign act_addr_o  = addr1_q;
  assign col_valid_o = valid3_q;
  assign col_o       = col3_q;
  assign value_o     = value_q;
endmodule
