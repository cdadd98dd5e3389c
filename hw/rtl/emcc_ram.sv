// SPDX-License-Identifier: Apache-2.0
// One write port and one registered read port. What a read in the cycle of a write to the same word gives is left open,
// so that synthesis can use block RAM as it is; nobody may use such a word.
//
// With LutWords a memory of up to so many words is made of LUTs (of two words: of registers), a deeper one of block RAM;
// with 0 synthesis chooses. OutReg adds a second (output) register: a block RAM's first one is slow. Without ReadReg the
// read has no register at all, and no block RAM does that.
`include "emcc_assert.svh"
`default_nettype none

module emcc_ram #(
  parameter int Width    = 8,
  parameter int Depth    = 16,
  parameter int AddrW    = 4,
  parameter int LutWords = 0,
  parameter bit ReadReg  = 1'b1,
  parameter bit OutReg   = 1'b0
) (
  input  wire              clk_i,
  input  wire              we_i,
  input  wire  [AddrW-1:0] waddr_i,
  input  wire  [Width-1:0] wdata_i,
  input  wire  [AddrW-1:0] raddr_i,
  output logic [Width-1:0] rdata_o
);
  `EMCC_REQUIRE(Depth <= (1 << AddrW), "emcc_ram: %0d words are more than %0d bits of address reach", Depth, AddrW)
  `EMCC_REQUIRE(Width >= 1 && Depth >= 1, "emcc_ram: there is no memory of %0d words of %0d bits", Depth, Width)

  // An attribute is invisible to Verilator, and so is the use of its value.
  // verilator lint_off UNUSEDPARAM
  localparam Style = LutWords == 0 ? "auto" : Depth > LutWords ? "block" : Depth <= 2 ? "logic" : "distributed";
  // verilator lint_on UNUSEDPARAM

  (* no_rw_check, ram_style = Style *) logic [Width-1:0] mem [0:Depth-1];
  logic [Width-1:0] rdata;

  always_ff @(posedge clk_i) if (we_i) mem[waddr_i] <= wdata_i;

  if (ReadReg) begin : gen_read_reg
    logic [Width-1:0] rdata_q;
    always_ff @(posedge clk_i) rdata_q <= mem[raddr_i];
    assign rdata = rdata_q;
  end else begin : gen_no_read_reg
    assign rdata = mem[raddr_i];
  end

  if (OutReg) begin : gen_out_reg
    logic [Width-1:0] out_q;
    always_ff @(posedge clk_i) out_q <= rdata;
    assign rdata_o = out_q;
  end else begin : gen_no_out_reg
    assign rdata_o = rdata;
  end
endmodule

`default_nettype wire
