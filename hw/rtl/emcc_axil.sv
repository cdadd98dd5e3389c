// SPDX-License-Identifier: Apache-2.0
// AXI4-Lite to a bus of 32-bit words: up to a write and a read a cycle, each answered at once. Addresses count bytes, their
// two lowest bits do not matter. All that leaves on AXI comes from registers.
`include "emcc_assert.svh"
`default_nettype none

module emcc_axil #(
  parameter int BusAddrW = 12
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  input  wire  [BusAddrW-1:0] s_axi_awaddr,
  input  wire                 s_axi_awvalid,
  output logic                s_axi_awready,
  input  wire  [31:0]         s_axi_wdata,
  input  wire  [3:0]          s_axi_wstrb,
  input  wire                 s_axi_wvalid,
  output logic                s_axi_wready,
  output logic [1:0]          s_axi_bresp,
  output logic                s_axi_bvalid,
  input  wire                 s_axi_bready,
  input  wire  [BusAddrW-1:0] s_axi_araddr,
  input  wire                 s_axi_arvalid,
  output logic                s_axi_arready,
  output logic [31:0]         s_axi_rdata,
  output logic [1:0]          s_axi_rresp,
  output logic                s_axi_rvalid,
  input  wire                 s_axi_rready,
  // Words; errors and data belong to the address of the same cycle
  output logic                we_o,
  output logic [BusAddrW-3:0] waddr_o,
  output logic [31:0]         wdata_o,
  output logic [3:0]          wstrb_o,
  input  wire                 werror_i,
  output logic [BusAddrW-3:0] raddr_o,
  input  wire  [31:0]         rdata_i,
  input  wire                 rerror_i
);
  localparam logic [1:0] Okay = 2'b00, Slverr = 2'b10;

  logic        aw_valid, w_valid, ar_valid, re;
  logic        bvalid_q, rvalid_q;
  logic [1:0]  bresp_q, rresp_q;
  logic [31:0] rdata_q;

  emcc_skid #(.Width(BusAddrW - 2)) u_aw (
    .clk_i,
    .rst_ni,
    .flush_i(1'b0),
    .valid_i(s_axi_awvalid),
    .ready_o(s_axi_awready),
    .data_i (s_axi_awaddr[BusAddrW-1:2]),
    .valid_o(aw_valid),
    .ready_i(we_o),
    .data_o (waddr_o)
  );

  emcc_skid #(.Width(36)) u_w (
    .clk_i,
    .rst_ni,
    .flush_i(1'b0),
    .valid_i(s_axi_wvalid),
    .ready_o(s_axi_wready),
    .data_i ({s_axi_wstrb, s_axi_wdata}),
    .valid_o(w_valid),
    .ready_i(we_o),
    .data_o ({wstrb_o, wdata_o})
  );

  emcc_skid #(.Width(BusAddrW - 2)) u_ar (
    .clk_i,
    .rst_ni,
    .flush_i(1'b0),
    .valid_i(s_axi_arvalid),
    .ready_o(s_axi_arready),
    .data_i (s_axi_araddr[BusAddrW-1:2]),
    .valid_o(ar_valid),
    .ready_i(re),
    .data_o (raddr_o)
  );

  assign we_o         = aw_valid && w_valid && (!bvalid_q || s_axi_bready);
  assign re           = ar_valid && (!rvalid_q || s_axi_rready);
  assign s_axi_bvalid = bvalid_q;
  assign s_axi_bresp  = bresp_q;
  assign s_axi_rvalid = rvalid_q;
  assign s_axi_rresp  = rresp_q;
  assign s_axi_rdata  = rdata_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bvalid_q <= 1'b0;
      rvalid_q <= 1'b0;
    end else begin
      bvalid_q <= we_o || (bvalid_q && !s_axi_bready);
      rvalid_q <= re || (rvalid_q && !s_axi_rready);
    end
  end

  always_ff @(posedge clk_i) begin
    if (we_o) bresp_q <= werror_i ? Slverr : Okay;
    if (re) begin
      rresp_q <= rerror_i ? Slverr : Okay;
      rdata_q <= rdata_i;
    end
  end

  logic unused_low;
  assign unused_low = ^{s_axi_awaddr[1:0], s_axi_araddr[1:0]};

  `EMCC_STABLE(gen_stable_b, s_axi_bvalid && !s_axi_bready, ({s_axi_bvalid, s_axi_bresp}), "an answer did not stay")
  `EMCC_STABLE(gen_stable_r, s_axi_rvalid && !s_axi_rready, ({s_axi_rvalid, s_axi_rresp, s_axi_rdata}),
      "data did not stay")
endmodule

`default_nettype wire
