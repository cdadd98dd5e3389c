// SPDX-License-Identifier: Apache-2.0
// A memory of weights that is filled when the array is switched on, and then read as emcc_rom is: two cycles from address
// to data. With Spram it has one port and is made of memories that a bitstream cannot fill (iCE40 UP: 16 bits wide).
`default_nettype none

module emcc_boot_ram #(
  parameter int Width = 8,
  parameter int Depth = 16,
  parameter int AddrBits = 4,
  parameter bit Spram = 1'b0
) (
  input  wire              clk_i,
  input  wire              we_i,
  input  wire  [AddrBits-1:0] waddr_i,
  input  wire  [Width-1:0] wdata_i,
  input  wire  [AddrBits-1:0] addr_i,
  output logic [Width-1:0] data_o
);
  if (Spram) begin : gen_spram
    (* ram_style = "huge" *) logic [Width-1:0] mem [0:Depth-1];
    logic [Width-1:0] data_q, out_q;
    logic [AddrBits-1:0] addr;

    assign addr = we_i ? waddr_i : addr_i;

    always_ff @(posedge clk_i) begin
      if (we_i) mem[addr] <= wdata_i;
      else data_q <= mem[addr];
    end

    always_ff @(posedge clk_i) out_q <= data_q;
    assign data_o = out_q;
  end else begin : gen_ram
    emcc_ram #(
      .Width (Width),
      .Depth (Depth),
      .AddrW (AddrBits),
      .OutReg(1'b1)
    ) u_ram (
      .clk_i,
      .we_i,
      .waddr_i,
      .wdata_i,
      .raddr_i(addr_i),
      .rdata_o(data_o)
    );
  end
endmodule

`default_nettype wire
