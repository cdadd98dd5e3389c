// Read-only memory with a registered read, and a second (output) register where OutReg is set.
// Contents come from InitFile ($readmemh, one word a line), relative to the simulator's working folder.
module emcc_rom #(
  parameter int Width    = 8,
  parameter int Depth    = 16,
  parameter int AddrW    = 4,
  parameter bit          OutReg   = 1'b1,
  parameter              InitFile = ""
) (
  input  logic             clk_i,
  input  logic [AddrW-1:0] addr_i,
  output logic [Width-1:0] data_o
);
  logic [Width-1:0] mem [0:Depth-1];
  logic [Width-1:0] data_q;

  if (InitFile != "") begin : gen_init
    initial $readmemh(InitFile, mem);
  end

  always_ff @(posedge clk_i) data_q <= mem[addr_i];

  if (OutReg) begin : gen_out_reg
    logic [Width-1:0] out_q;
    always_ff @(posedge clk_i) out_q <= data_q;
    assign data_o = out_q;
  end else begin : gen_no_out_reg
    assign data_o = data_q;
  end
endmodule
