// SPDX-License-Identifier: Apache-2.0
// The accelerator for a SoC: activations over AXI4-Stream, StreamW bits a beat; registers and an interrupt over AXI4-Lite.
// docs/axi.md says how to use it.
`include "emcc_assert.svh"
`default_nettype none

module emcc_axi_top #(
  parameter int StreamW  = 32,
  parameter int BusAddrW = 12
) (
  input  wire                  clk_i,
  input  wire                  rst_ni,
  // Activations in
  input  wire  [StreamW-1:0]   s_axis_tdata,
  input  wire  [StreamW/8-1:0] s_axis_tkeep,
  input  wire                  s_axis_tlast,
  input  wire                  s_axis_tvalid,
  output logic                 s_axis_tready,
  // Activations out
  output logic [StreamW-1:0]   m_axis_tdata,
  output logic [StreamW/8-1:0] m_axis_tkeep,
  output logic                 m_axis_tlast,
  output logic                 m_axis_tvalid,
  input  wire                  m_axis_tready,
  // Registers
  input  wire  [BusAddrW-1:0]  s_axi_awaddr,
  input  wire  [2:0]           s_axi_awprot,
  input  wire                  s_axi_awvalid,
  output logic                 s_axi_awready,
  input  wire  [31:0]          s_axi_wdata,
  input  wire  [3:0]           s_axi_wstrb,
  input  wire                  s_axi_wvalid,
  output logic                 s_axi_wready,
  output logic [1:0]           s_axi_bresp,
  output logic                 s_axi_bvalid,
  input  wire                  s_axi_bready,
  input  wire  [BusAddrW-1:0]  s_axi_araddr,
  input  wire  [2:0]           s_axi_arprot,
  input  wire                  s_axi_arvalid,
  output logic                 s_axi_arready,
  output logic [31:0]          s_axi_rdata,
  output logic [1:0]           s_axi_rresp,
  output logic                 s_axi_rvalid,
  input  wire                  s_axi_rready,
  output logic                 irq_o
);
  localparam int ItemW   = emcc_cfg_pkg::ActW;
  localparam int Items   = StreamW / ItemW;
  localparam int StreamB = StreamW / 8;

  `EMCC_REQUIRE(Items >= 1 && StreamW == Items * ItemW, "emcc_axi_top: %0d bits are no activations of %0d", StreamW, ItemW)

  logic soft_reset, inner_rst_n;

  assign inner_rst_n = rst_ni && !soft_reset;

  // In: an activation waits for its inference to begin, and then for the array.
  logic               in_valid, in_ready, item_valid, torn, take, open, core_ready;
  logic [StreamW-1:0] in_data;
  logic [StreamB-1:0] in_keep;
  logic [ItemW-1:0]   item;

  emcc_skid #(.Width(StreamB + StreamW)) u_in (
    .clk_i,
    .rst_ni (inner_rst_n),
    .flush_i(1'b0),
    .valid_i(s_axis_tvalid),
    .ready_o(s_axis_tready),
    .data_i ({s_axis_tkeep, s_axis_tdata}),
    .valid_o(in_valid),
    .ready_i(in_ready),
    .data_o ({in_keep, in_data})
  );

  emcc_axis_unpack #(.ItemW(ItemW), .Items(Items)) u_unpack (
    .clk_i,
    .rst_ni (inner_rst_n),
    .valid_i(in_valid),
    .ready_o(in_ready),
    .data_i (in_data),
    .keep_i (in_keep),
    .valid_o(item_valid),
    .ready_i(open && core_ready),
    .item_o (item),
    .torn_o (torn)
  );

  assign take = item_valid && open && core_ready;

  // The array
  logic                            out_valid, out_ready, out_last, run;
  logic [ItemW-1:0]                out_item;
  logic                            unused_step_done;
  logic [emcc_cfg_pkg::Groups-1:0] unused_bcast, unused_stall;

  emcc_top u_top (
    .clk_i,
    .rst_ni       (inner_rst_n),
    .s_axis_tdata (item),
    .s_axis_tvalid(take),
    .s_axis_tready(core_ready),
    .m_axis_tdata (out_item),
    .m_axis_tvalid(out_valid),
    .m_axis_tready(out_ready),
    .m_axis_tlast (out_last),
    .run_o        (run),
    .step_done_o  (unused_step_done),
    .bcast_o      (unused_bcast),
    .stall_o      (unused_stall)
  );

`ifdef EMCC_NEXT_INPUT
  // Out: an answer ends with its last activation, and the next one waits until the last beat has left.
  logic leaving, give_valid, give_ready;

  assign give_valid = out_valid && !leaving;
  assign out_ready  = give_ready && !leaving;
`else
  // Out: when the array waits for activations, what it gave is at an end.
`endif
  logic               beat_valid, beat_ready, beat_last, beat_final, m_final;
  logic [StreamW-1:0] beat_data;
  logic [StreamB-1:0] beat_keep;

  emcc_axis_pack #(.ItemW(ItemW), .Items(Items)) u_pack (
    .clk_i,
    .rst_ni (inner_rst_n),
`ifdef EMCC_NEXT_INPUT
    .valid_i(give_valid),
    .ready_o(give_ready),
`else
    .valid_i(out_valid),
    .ready_o(out_ready),
`endif
    .item_i (out_item),
    .last_i (out_last),
`ifdef EMCC_NEXT_INPUT
    .end_i  (1'b0),
`else
    .end_i  (core_ready),
`endif
    .valid_o(beat_valid),
    .ready_i(beat_ready),
    .data_o (beat_data),
    .keep_o (beat_keep),
    .last_o (beat_last),
    .final_o(beat_final)
  );

  // What is offered here stays offered, whatever the registers say.
  emcc_skid #(.Width(2 + StreamB + StreamW)) u_out (
    .clk_i,
    .rst_ni,
    .flush_i(soft_reset),
    .valid_i(beat_valid),
    .ready_o(beat_ready),
    .data_i ({beat_final, beat_last, beat_keep, beat_data}),
    .valid_o(m_axis_tvalid),
    .ready_i(m_axis_tready),
    .data_o ({m_final, m_axis_tlast, m_axis_tkeep, m_axis_tdata})
  );

  // The registers
  logic                we, werror, rerror, start, auto_run, busy, armed, done;
  logic [BusAddrW-3:0] waddr, raddr;
  logic [31:0]         wdata, rdata, cycles, total, count;
  logic [3:0]          wstrb;

  // A beat from before a soft reset ends no inference.
  logic stale_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || m_axis_tready) stale_q <= 1'b0;
    else if (soft_reset) stale_q <= m_axis_tvalid;
  end

  assign done = m_axis_tvalid && m_axis_tready && m_final && !stale_q;

  emcc_axi_run u_run (
    .clk_i,
    .rst_ni     (inner_rst_n),
    .start_i    (start),
    .auto_i     (auto_run),
    .take_i     (take),
    .run_i      (run),
    .give_last_i(out_valid && out_ready && out_last),
    .done_i     (done),
    .open_o     (open),
`ifdef EMCC_NEXT_INPUT
    .leaving_o  (leaving),
`endif
    .armed_o    (armed),
    .busy_o     (busy),
    .cycles_o   (cycles),
    .total_o    (total),
    .count_o    (count)
  );

  emcc_regs #(.BusAddrW(BusAddrW), .ItemW(ItemW), .BeatW(StreamW)) u_regs (
    .clk_i,
    .rst_ni,
    .we_i        (we),
    .waddr_i     (waddr),
    .wdata_i     (wdata),
    .wstrb_i     (wstrb),
    .werror_o    (werror),
    .raddr_i     (raddr),
    .rdata_o     (rdata),
    .rerror_o    (rerror),
    .start_o     (start),
    .auto_o      (auto_run),
    .soft_reset_o(soft_reset),
    .busy_i      (busy),
    .armed_i     (armed),
    .waits_i     (core_ready),
    .offers_i    (m_axis_tvalid),
    .done_i      (done),
    .torn_i      (torn),
    .cycles_i    (cycles),
    .total_i     (total),
    .count_i     (count),
    .irq_o
  );

  emcc_axil #(.BusAddrW(BusAddrW)) u_axil (
    .clk_i,
    .rst_ni,
    .s_axi_awaddr,
    .s_axi_awvalid,
    .s_axi_awready,
    .s_axi_wdata,
    .s_axi_wstrb,
    .s_axi_wvalid,
    .s_axi_wready,
    .s_axi_bresp,
    .s_axi_bvalid,
    .s_axi_bready,
    .s_axi_araddr,
    .s_axi_arvalid,
    .s_axi_arready,
    .s_axi_rdata,
    .s_axi_rresp,
    .s_axi_rvalid,
    .s_axi_rready,
    .we_o    (we),
    .waddr_o (waddr),
    .wdata_o (wdata),
    .wstrb_o (wstrb),
    .werror_i(werror),
    .raddr_o (raddr),
    .rdata_i (rdata),
    .rerror_i(rerror)
  );

  // The array counts its activations, and the port serves anybody.
  logic unused_in;
  assign unused_in = ^{s_axis_tlast, s_axi_awprot, s_axi_arprot};
endmodule

`default_nettype wire
