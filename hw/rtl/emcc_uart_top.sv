// SPDX-License-Identifier: Apache-2.0
// The accelerator behind a serial line: what a board's top instantiates. rst_ni is synchronous to clk_i; rx_i need not be.
`include "emcc_assert.svh"
`default_nettype none

module emcc_uart_top #(
  parameter int ClkHz = 25_000_000,
  parameter int Baud  = 115_200
) (
  input  wire        clk_i,
  input  wire        rst_ni,
  input  wire        rx_i,
  output logic       tx_o,
  // There was a reset by the host; the array runs; the link sends; a frame came too early, and a reset is due
  output logic [3:0] led_o
);
  localparam int Div = (ClkHz + Baud / 2) / Baud;
  // A byte's last sample is 9.5 bits behind its first edge: 2 % are a fifth of a bit there.
  localparam int Off = Div * Baud > ClkHz ? Div * Baud - ClkHz : ClkHz - Div * Baud;

  `EMCC_REQUIRE(Div >= 4 && Off <= ClkHz / 50, "emcc_uart_top: a clock of %0d Hz cannot be divided to %0d baud", ClkHz,
      Baud)

  logic [7:0]                    rx_data, tx_data;
  logic                          rx_valid, tx_valid, tx_ready, core_rst_n;
  logic [emcc_cfg_pkg::ActW-1:0] in_tdata, out_tdata;
  logic                          in_tvalid, in_tready, out_tvalid, out_tready, run, open, late, sending;

  emcc_uart_rx #(.Div(Div)) u_rx (.clk_i, .rst_ni, .rx_i, .data_o(rx_data), .valid_o(rx_valid));

  emcc_uart_tx #(.Div(Div)) u_tx (
    .clk_i,
    .rst_ni,
    .data_i (tx_data),
    .valid_i(tx_valid),
    .ready_o(tx_ready),
    .tx_o
  );

  emcc_link #(.ClkHz(ClkHz)) u_link (
    .clk_i,
    .rst_ni,
    .rx_data_i    (rx_data),
    .rx_valid_i   (rx_valid),
    .tx_data_o    (tx_data),
    .tx_valid_o   (tx_valid),
    .tx_ready_i   (tx_ready),
    .core_rst_no  (core_rst_n),
    .m_axis_tdata (in_tdata),
    .m_axis_tvalid(in_tvalid),
    .m_axis_tready(in_tready),
    .s_axis_tdata (out_tdata),
    .s_axis_tvalid(out_tvalid),
    .s_axis_tready(out_tready),
    .run_i        (run),
    .open_o       (open),
    .late_o       (late),
    .sending_o    (sending)
  );

  // The link's host counts what comes out; the rest is for simulation.
  logic                            tlast, step_done, unused;
  logic [emcc_cfg_pkg::Groups-1:0] bcast, stall;

  assign unused = ^{tlast, step_done, bcast, stall};

  emcc_top u_top (
    .clk_i,
    .rst_ni       (core_rst_n),
    .s_axis_tdata (in_tdata),
    .s_axis_tvalid(in_tvalid),
    .s_axis_tready(in_tready),
    .m_axis_tdata (out_tdata),
    .m_axis_tvalid(out_tvalid),
    .m_axis_tready(out_tready),
    .m_axis_tlast (tlast),
    .run_o        (run),
    .step_done_o  (step_done),
    .bcast_o      (bcast),
    .stall_o      (stall)
  );

  assign led_o = {late, sending, run, open};
endmodule

`default_nettype wire
