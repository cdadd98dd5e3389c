// SPDX-License-Identifier: Apache-2.0
// Models of ECP5's block RAM and multiplier, which Yosys keeps as black boxes, for netlists in a simulator. After Lattice's
// ECP5 memory usage guide (FPGA-TN-02204) and sysDSP usage guide (FPGA-TN-02205), for what a netlist of emcc uses: one clock,
// no chip selects, no cascades. What a block leaves open is wrong here: a read beside the other port's write of the same bits
// gives their opposite. The other cells are Yosys's own.
`include "common_sim.vh"
`include "ccu2c_sim.vh"
`default_nettype none

// 2,048 bytes of 9 bits. Words of 1, 2 and 4 bits lie in the lower 8 of a byte; 18 and 36 bits are two and four bytes, and
// their address's low bits say which of them are written. Words of 36 bits have the lower half at port A, the upper at port B.
module DP16KD #(
  parameter     DATA_WIDTH_A = 18,
  parameter     DATA_WIDTH_B = 18,
  parameter     REGMODE_A    = "NOREG",
  parameter     REGMODE_B    = "NOREG",
  parameter     WRITEMODE_A  = "NORMAL",
  parameter     WRITEMODE_B  = "NORMAL",
  parameter     RESETMODE    = "SYNC",
  parameter     ASYNC_RESET_RELEASE = "SYNC",
  parameter     CSDECODE_A   = "0b000",
  parameter     CSDECODE_B   = "0b000",
  parameter     CLKAMUX      = "CLKA",
  parameter     CLKBMUX      = "CLKB",
  parameter     GSR          = "AUTO",
  parameter [319:0] INITVAL_00 = 320'd0,
  parameter [319:0] INITVAL_01 = 320'd0,
  parameter [319:0] INITVAL_02 = 320'd0,
  parameter [319:0] INITVAL_03 = 320'd0,
  parameter [319:0] INITVAL_04 = 320'd0,
  parameter [319:0] INITVAL_05 = 320'd0,
  parameter [319:0] INITVAL_06 = 320'd0,
  parameter [319:0] INITVAL_07 = 320'd0,
  parameter [319:0] INITVAL_08 = 320'd0,
  parameter [319:0] INITVAL_09 = 320'd0,
  parameter [319:0] INITVAL_0A = 320'd0,
  parameter [319:0] INITVAL_0B = 320'd0,
  parameter [319:0] INITVAL_0C = 320'd0,
  parameter [319:0] INITVAL_0D = 320'd0,
  parameter [319:0] INITVAL_0E = 320'd0,
  parameter [319:0] INITVAL_0F = 320'd0,
  parameter [319:0] INITVAL_10 = 320'd0,
  parameter [319:0] INITVAL_11 = 320'd0,
  parameter [319:0] INITVAL_12 = 320'd0,
  parameter [319:0] INITVAL_13 = 320'd0,
  parameter [319:0] INITVAL_14 = 320'd0,
  parameter [319:0] INITVAL_15 = 320'd0,
  parameter [319:0] INITVAL_16 = 320'd0,
  parameter [319:0] INITVAL_17 = 320'd0,
  parameter [319:0] INITVAL_18 = 320'd0,
  parameter [319:0] INITVAL_19 = 320'd0,
  parameter [319:0] INITVAL_1A = 320'd0,
  parameter [319:0] INITVAL_1B = 320'd0,
  parameter [319:0] INITVAL_1C = 320'd0,
  parameter [319:0] INITVAL_1D = 320'd0,
  parameter [319:0] INITVAL_1E = 320'd0,
  parameter [319:0] INITVAL_1F = 320'd0,
  parameter [319:0] INITVAL_20 = 320'd0,
  parameter [319:0] INITVAL_21 = 320'd0,
  parameter [319:0] INITVAL_22 = 320'd0,
  parameter [319:0] INITVAL_23 = 320'd0,
  parameter [319:0] INITVAL_24 = 320'd0,
  parameter [319:0] INITVAL_25 = 320'd0,
  parameter [319:0] INITVAL_26 = 320'd0,
  parameter [319:0] INITVAL_27 = 320'd0,
  parameter [319:0] INITVAL_28 = 320'd0,
  parameter [319:0] INITVAL_29 = 320'd0,
  parameter [319:0] INITVAL_2A = 320'd0,
  parameter [319:0] INITVAL_2B = 320'd0,
  parameter [319:0] INITVAL_2C = 320'd0,
  parameter [319:0] INITVAL_2D = 320'd0,
  parameter [319:0] INITVAL_2E = 320'd0,
  parameter [319:0] INITVAL_2F = 320'd0,
  parameter [319:0] INITVAL_30 = 320'd0,
  parameter [319:0] INITVAL_31 = 320'd0,
  parameter [319:0] INITVAL_32 = 320'd0,
  parameter [319:0] INITVAL_33 = 320'd0,
  parameter [319:0] INITVAL_34 = 320'd0,
  parameter [319:0] INITVAL_35 = 320'd0,
  parameter [319:0] INITVAL_36 = 320'd0,
  parameter [319:0] INITVAL_37 = 320'd0,
  parameter [319:0] INITVAL_38 = 320'd0,
  parameter [319:0] INITVAL_39 = 320'd0,
  parameter [319:0] INITVAL_3A = 320'd0,
  parameter [319:0] INITVAL_3B = 320'd0,
  parameter [319:0] INITVAL_3C = 320'd0,
  parameter [319:0] INITVAL_3D = 320'd0,
  parameter [319:0] INITVAL_3E = 320'd0,
  parameter [319:0] INITVAL_3F = 320'd0
) (
  input wire CLKA, CEA, OCEA, WEA, RSTA, CSA2, CSA1, CSA0,
  input wire ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input wire DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  output wire DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
  output wire DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input wire CLKB, CEB, OCEB, WEB, RSTB, CSB2, CSB1, CSB0,
  input wire ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input wire DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  output wire DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
  output wire DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  localparam [64*320-1:0] Init = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38, INITVAL_37,
    INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30, INITVAL_2F, INITVAL_2E,
    INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28, INITVAL_27, INITVAL_26, INITVAL_25,
    INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20, INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C,
    INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18, INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13,
    INITVAL_12, INITVAL_11, INITVAL_10, INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A,
    INITVAL_09, INITVAL_08, INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01,
    INITVAL_00
  };

  reg [8:0] bytes [0:2047];

  initial begin
    for (int i = 0; i < 1024; i++) begin
      bytes[2*i]   = Init[20*i +: 9];
      bytes[2*i+1] = Init[20*i+9 +: 9];
    end
  end

  // Port A is 0, port B is 1
  localparam int Width [2] = '{DATA_WIDTH_A, DATA_WIDTH_B};
  localparam bit [1:0] ReadsFirst = {WRITEMODE_B == "READBEFOREWRITE", WRITEMODE_A == "READBEFOREWRITE"};
  localparam bit [1:0] OutReg = {REGMODE_B == "OUTREG", REGMODE_A == "OUTREG"};

  wire [1:0] enable = {CEB, CEA}, out_enable = {OCEB, OCEA}, reset = {RSTB, RSTA}, write = {WEB, WEA};
  wire [13:0] address [2];
  wire [17:0] in [2];

  assign address[0] = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  assign address[1] = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  assign in[0] = {
    DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0
  };
  assign in[1] = {
    DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0
  };

  // Which of a word's (up to) four bytes are written, the first of them, and which bits of a byte
  function automatic [3:0] enables(input int width, input [13:0] at);
    enables = width == 36 ? at[3:0] : width == 18 ? {2'b00, at[1:0]} : 4'b0001;
  endfunction

  function automatic [10:0] first(input int width, input [13:0] at);
    first = width == 36 ? {at[13:5], 2'b00} : width == 18 ? {at[13:4], 1'b0} : at[13:3];
  endfunction

  function automatic [8:0] mask(input int width, input [13:0] at);
    mask = width >= 9 ? 9'h1ff : 9'(((1 << width) - 1) << at[2:0]);
  endfunction

  // The bits of a byte that a port writes in this cycle
  function automatic [8:0] written(input int width, input writes, input [13:0] at, input [10:0] index);
    written = '0;
    for (int i = 0; i < 4; i++) begin
      if (writes && enables(width, at)[i] && index == first(width, at) + 11'(i)) written = mask(width, at);
    end
  endfunction

  function automatic [8:0] part(input int width, input [13:0] at, input [35:0] data, input int index);
    part = width >= 9 ? data[9*index +: 9] : 9'(data[8:0] << at[2:0]);
  endfunction

  // A word as a port sees it, `flips` being the bits that the other port writes
  function automatic [35:0] word(input int width, input [13:0] at, input [35:0] flips);
    for (int i = 0; i < 4; i++) word[9*i +: 9] = bytes[first(width, at) + 11'(i)] ^ flips[9*i +: 9];
    if (width < 9) word = {27'd0, word[8:0] >> at[2:0]};
  endfunction

  logic [35:0] flips [2], data [2], read_q [2], out_q [2];

  always_comb begin
    for (int p = 0; p < 2; p++) begin
      for (int i = 0; i < 4; i++) begin
        flips[p][9*i +: 9] = written(
            Width[1-p], enable[1-p] && write[1-p], address[1-p], first(Width[p], address[p]) + 11'(i));
      end
      data[p] = Width[p] == 36 ? {in[1], in[0]} : {18'd0, in[p]};
    end
  end

  initial for (int p = 0; p < 2; p++) {read_q[p], out_q[p]} = '0;

  always @(posedge CLKA) begin
    for (int p = 0; p < 2; p++) begin
      for (int i = 0; i < 4; i++) begin
        if (enable[p] && write[p] && enables(Width[p], address[p])[i]) begin
          bytes[first(Width[p], address[p]) + 11'(i)] <=
              (bytes[first(Width[p], address[p]) + 11'(i)] & ~mask(Width[p], address[p])) |
              (part(Width[p], address[p], data[p], i) & mask(Width[p], address[p]));
        end
      end
      if (reset[p]) read_q[p] <= '0;
      else if (enable[p] && (!write[p] || ReadsFirst[p])) read_q[p] <= word(Width[p], address[p], flips[p]);
      if (reset[p]) out_q[p] <= '0;
      else if (out_enable[p]) out_q[p] <= read_q[p];
    end
  end

  // The lower half of a word of 36 bits, which port B reads, has port A's output register
  wire [35:0] seen_a = OutReg[0] ? out_q[0] : read_q[0];
  wire [35:0] seen_b = OutReg[1] ? out_q[1] : read_q[1];
  logic [17:0] half_q;

  always @(posedge CLKA) if (OCEA) half_q <= read_q[1][17:0];

  wire [17:0] a = DATA_WIDTH_B != 36 ? seen_a[17:0] : OutReg[0] ? half_q : read_q[1][17:0];
  wire [17:0] b = DATA_WIDTH_B == 36 ? seen_b[35:18] : seen_b[17:0];

  assign {
    DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0
  } = a;
  assign {
    DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
  } = b;

  initial begin
    if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || CLKAMUX == "INV" || CLKBMUX == "INV") $fatal(1, "DP16KD: no model");
    if (WRITEMODE_A == "WRITETHROUGH" || WRITEMODE_B == "WRITETHROUGH") $fatal(1, "DP16KD: no model of WRITETHROUGH");
  end
  always @(posedge CLKA) if ({CSA2, CSA1, CSA0, CSB2, CSB1, CSB0} != '0) $fatal(1, "DP16KD: no model of chip selects");
endmodule

// 18x18 bits. A register of the operands, one of the product and one behind it, each there or not.
module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE",
  parameter REG_INPUTA_CE = "CE0",
  parameter REG_INPUTA_RST = "RST0",
  parameter REG_INPUTB_CLK = "NONE",
  parameter REG_INPUTB_CE = "CE0",
  parameter REG_INPUTB_RST = "RST0",
  parameter REG_INPUTC_CLK = "NONE",
  parameter REG_INPUTC_CE = "CE0",
  parameter REG_INPUTC_RST = "RST0",
  parameter REG_PIPELINE_CLK = "NONE",
  parameter REG_PIPELINE_CE = "CE0",
  parameter REG_PIPELINE_RST = "RST0",
  parameter REG_OUTPUT_CLK = "NONE",
  parameter REG_OUTPUT_CE = "CE0",
  parameter REG_OUTPUT_RST = "RST0"
) (
  input wire A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input wire B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input wire C17, C16, C15, C14, C13, C12, C11, C10, C9, C8, C7, C6, C5, C4, C3, C2, C1, C0,
  input wire SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
  output wire P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
  output wire P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire signed [18:0] a = {SIGNEDA && A17, A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire signed [18:0] b = {SIGNEDB && B17, B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  reg signed [18:0] a_q, b_q;
  reg signed [37:0] pipeline_q, output_q;

  initial {a_q, b_q, pipeline_q, output_q} = '0;

  wire signed [18:0] a1 = REG_INPUTA_CLK == "NONE" ? a : a_q;
  wire signed [18:0] b1 = REG_INPUTB_CLK == "NONE" ? b : b_q;
  wire signed [37:0] product = a1 * b1;
  wire signed [37:0] p1 = REG_PIPELINE_CLK == "NONE" ? product : pipeline_q;
  wire signed [37:0] p2 = REG_OUTPUT_CLK == "NONE" ? p1 : output_q;

  always @(posedge CLK0) begin
    if (CE0) begin
      a_q        <= a;
      b_q        <= b;
      pipeline_q <= product;
      output_q   <= p1;
    end
  end

  assign {
    P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18, P17, P16, P15, P14, P13,
    P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
  } = p2[35:0];

  always @(posedge CLK0) if (RST0 || SOURCEA || SOURCEB) $fatal(1, "MULT18X18D: no model of resets and cascades");
endmodule

`default_nettype wire
