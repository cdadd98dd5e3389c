// SPDX-License-Identifier: Apache-2.0
// Read-only memory with a registered read, and a second (output) register where OutReg is set.
// Contents come from InitFile ($readmemh, one word a line), relative to the simulator's working folder.
//
// A large one is block RAM, with nothing behind it. Yosys drops bits that are the same in all words, and may fold what is
// left of them, several words to a row and a multiplexer behind; a word of ones that is never read keeps it from that.
`include "emcc_assert.svh"
`default_nettype none

module emcc_rom #(
  parameter int Width    = 8,
  parameter int Depth    = 16,
  parameter int AddrW    = 4,
  parameter bit          OutReg   = 1'b1,
  parameter              InitFile = ""
) (
  input  wire              clk_i,
  input  wire  [AddrW-1:0] addr_i,
  output logic [Width-1:0] data_o
);
  localparam bit Large = Width * Depth > 4096;
  // No more words where that would take another bit of address
  localparam int Words = Large && (Depth & (Depth - 1)) != 0 ? Depth + 1 : Depth;

  `EMCC_REQUIRE(Depth <= (1 << AddrW), "emcc_rom: %0d words are more than %0d bits of address reach", Depth, AddrW)
  `EMCC_REQUIRE(Width >= 1 && Depth >= 1, "emcc_rom: there is no memory of %0d words of %0d bits", Depth, Width)

  // An attribute is invisible to Verilator, and so is the use of its value.
  // verilator lint_off UNUSEDPARAM
  localparam Style = Large ? "block" : "auto";
  // verilator lint_on UNUSEDPARAM

  (* rom_style = Style *) logic [Width-1:0] mem [0:Words-1];
  logic [Width-1:0] data_q;

  if (InitFile != "") begin : gen_init
    initial begin
      $readmemh(InitFile, mem, 0, Depth - 1);
      if (Words > Depth) mem[Words-1] = '1;
    end
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

`default_nettype wire
