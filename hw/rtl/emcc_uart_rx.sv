// SPDX-License-Identifier: Apache-2.0
// A serial line's receiver: 8 data bits, no parity, a stop bit. A byte is there for one cycle, in the middle of its stop bit.
// A byte without a stop bit (a break, a cable that is pulled) is none, and nothing begins before the line is high again.
`include "emcc_assert.svh"
`default_nettype none

module emcc_uart_rx #(
  parameter int Div = 8  // Clocks a bit
) (
  input  wire        clk_i,
  input  wire        rst_ni,
  input  wire        rx_i,
  output logic [7:0] data_o,
  output logic       valid_o
);
  localparam int CntW = $clog2(Div);
  localparam logic [3:0] Wait = 4'd0, Start = 4'd1, Stop = 4'd10, Break = 4'd11;

  `EMCC_REQUIRE(Div >= 4, "emcc_uart_rx: %0d clocks a bit are less than %0d", Div, 4)

  logic [1:0]      sync_q;
  logic [CntW-1:0] cnt_q;
  logic [3:0]      bit_q;
  logic            rx, tick;

  assign rx   = sync_q[1];
  assign tick = cnt_q == '0;

  always_ff @(posedge clk_i) begin
    sync_q <= {sync_q[0], rx_i};
    // The first sample is half a bit behind the edge, each other one a bit behind the one before.
    if (bit_q == Wait) cnt_q <= CntW'(Div / 2 - 1);
    else cnt_q <= tick ? CntW'(Div - 1) : cnt_q - 1'b1;
    if (tick && bit_q != Stop) data_o <= {rx, data_o[7:1]};
  end

  always_ff @(posedge clk_i) begin
    valid_o <= 1'b0;
    if (!rst_ni) begin
      bit_q <= Break;
    end else begin
      case (bit_q)
        Wait:    if (!rx) bit_q <= Start;
        Start:   if (tick) bit_q <= rx ? Wait : Start + 1'b1;
        Stop: begin
          if (tick) bit_q <= rx ? Wait : Break;
          valid_o <= tick && rx;
        end
        Break:   if (rx) bit_q <= Wait;
        default: if (tick) bit_q <= bit_q + 1'b1;
      endcase
    end
  end
endmodule

`default_nettype wire
