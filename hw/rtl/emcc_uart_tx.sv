// SPDX-License-Identifier: Apache-2.0
// A serial line's transmitter: 8 data bits, no parity, a stop bit.
`include "emcc_assert.svh"
`default_nettype none

module emcc_uart_tx #(
  parameter int Div = 8  // Clocks a bit
) (
  input  wire       clk_i,
  input  wire       rst_ni,
  input  wire [7:0] data_i,
  input  wire       valid_i,
  output logic      ready_o,
  output logic      tx_o
);
  localparam int CntW = $clog2(Div);

  `EMCC_REQUIRE(Div >= 2, "emcc_uart_tx: %0d clocks a bit are less than %0d", Div, 2)

  logic [CntW-1:0] cnt_q;
  logic [3:0]      left_q;  // Bits that are still to come, the one on the line among them
  logic [8:0]      shift_q;

  assign ready_o = left_q == '0;
  assign tx_o    = shift_q[0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      cnt_q   <= '0;
      left_q  <= '0;
      shift_q <= '1;
    end else if (ready_o) begin
      cnt_q <= CntW'(Div - 1);
      if (valid_i) begin
        left_q  <= 4'd10;
        shift_q <= {data_i, 1'b0};
      end
    end else if (cnt_q != '0) begin
      cnt_q <= cnt_q - 1'b1;
    end else begin
      cnt_q   <= CntW'(Div - 1);
      left_q  <= left_q - 1'b1;
      shift_q <= {1'b1, shift_q[8:1]};
    end
  end

  `EMCC_STABLE(gen_stable, valid_i && !ready_o, ({valid_i, data_i}), "a byte did not stay")
endmodule

`default_nettype wire
