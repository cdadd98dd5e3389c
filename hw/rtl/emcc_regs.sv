// SPDX-License-Identifier: Apache-2.0
// The registers of the control port; emcc_regs_pkg says where they are, docs/axi.md what they mean.
`default_nettype none

module emcc_regs #(
  parameter int BusAddrW = 12,
  parameter int ItemW    = 8,
  parameter int BeatW    = 32
) (
  input  wire                 clk_i,
  input  wire                 rst_ni,
  // See emcc_axil
  input  wire                 we_i,
  input  wire  [BusAddrW-3:0] waddr_i,
  input  wire  [31:0]         wdata_i,
  input  wire  [3:0]          wstrb_i,
  output logic                werror_o,
  input  wire  [BusAddrW-3:0] raddr_i,
  output logic [31:0]         rdata_o,
  output logic                rerror_o,
  // The accelerator
  output logic                start_o,
  output logic                auto_o,
  output logic                soft_reset_o,
  input  wire                 busy_i,
  input  wire                 armed_i,
  input  wire                 waits_i,
  input  wire                 offers_i,
  input  wire                 done_i,
  input  wire                 torn_i,
  input  wire  [31:0]         cycles_i,
  input  wire  [31:0]         total_i,
  input  wire  [31:0]         count_i,
  output logic                irq_o
);
  localparam int IrqW        = emcc_regs_pkg::IrqW;
  localparam int ActBitsW    = emcc_regs_pkg::ShapeActBitsW;
  localparam int StreamBitsW = emcc_regs_pkg::ShapeStreamBitsW;

  logic            auto_q, start_q, reset_q, irq_q, low;
  logic [IrqW-1:0] enable_q, status_q, events, clears;
  logic [31:0]     waddr, raddr;

  assign waddr        = 32'({waddr_i, 2'b00});
  assign raddr        = 32'({raddr_i, 2'b00});
  assign low          = we_i && wstrb_i[0];
  assign start_o      = start_q;
  assign auto_o       = auto_q;
  assign soft_reset_o = reset_q;
  assign irq_o        = irq_q;

  // Writing
  assign werror_o = waddr != emcc_regs_pkg::ControlAddr && waddr != emcc_regs_pkg::IrqEnableAddr &&
      waddr != emcc_regs_pkg::IrqStatusAddr;

  always_comb begin
    events = '0;
    events[emcc_regs_pkg::IrqStatusDoneAt] = done_i;
    events[emcc_regs_pkg::IrqStatusTornAt] = torn_i;
    clears = '0;
    if (low && waddr == emcc_regs_pkg::IrqStatusAddr) clears = wdata_i[IrqW-1:0];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      auto_q   <= 1'b0;
      start_q  <= 1'b0;
      reset_q  <= 1'b0;
      enable_q <= '0;
      status_q <= '0;
      irq_q    <= 1'b0;
    end else begin
      start_q  <= 1'b0;
      reset_q  <= 1'b0;
      if (low && waddr == emcc_regs_pkg::ControlAddr) begin
        auto_q  <= wdata_i[emcc_regs_pkg::ControlAutoAt];
        start_q <= wdata_i[emcc_regs_pkg::ControlStartAt];
        reset_q <= wdata_i[emcc_regs_pkg::ControlResetAt];
      end
      if (low && waddr == emcc_regs_pkg::IrqEnableAddr) enable_q <= wdata_i[IrqW-1:0];
      status_q <= reset_q ? '0 : (status_q & ~clears) | events;
      irq_q    <= |(status_q & enable_q);
    end
  end

  // All that can be written is in the lowest byte.
  logic unused_high;
  assign unused_high = ^{wdata_i[31:3], wstrb_i[3:1]};

  // Reading
  always_comb begin
    rdata_o  = '0;
    rerror_o = 1'b0;
    case (raddr)
      emcc_regs_pkg::IdAddr:      rdata_o = emcc_regs_pkg::IdValue;
      emcc_regs_pkg::VersionAddr: rdata_o = emcc_regs_pkg::VersionValue;
      emcc_regs_pkg::ShapeAddr: begin
        rdata_o[emcc_regs_pkg::ShapeActBitsAt +: ActBitsW]       = ActBitsW'(ItemW);
        rdata_o[emcc_regs_pkg::ShapeStreamBitsAt +: StreamBitsW] = StreamBitsW'(BeatW);
      end
      emcc_regs_pkg::InSizeAddr:  rdata_o = emcc_regs_pkg::InSizeValue;
      emcc_regs_pkg::OutSizeAddr: rdata_o = emcc_regs_pkg::OutSizeValue;
      emcc_regs_pkg::Digest0Addr: rdata_o = emcc_regs_pkg::Digest0Value;
      emcc_regs_pkg::Digest1Addr: rdata_o = emcc_regs_pkg::Digest1Value;
      emcc_regs_pkg::Digest2Addr: rdata_o = emcc_regs_pkg::Digest2Value;
      emcc_regs_pkg::Digest3Addr: rdata_o = emcc_regs_pkg::Digest3Value;
      emcc_regs_pkg::ControlAddr: rdata_o[emcc_regs_pkg::ControlAutoAt] = auto_q;
      emcc_regs_pkg::StatusAddr: begin
        rdata_o[emcc_regs_pkg::StatusBusyAt]   = busy_i;
        rdata_o[emcc_regs_pkg::StatusArmedAt]  = armed_i;
        rdata_o[emcc_regs_pkg::StatusWaitsAt]  = waits_i;
        rdata_o[emcc_regs_pkg::StatusOffersAt] = offers_i;
      end
      emcc_regs_pkg::IrqEnableAddr: rdata_o[IrqW-1:0] = enable_q;
      emcc_regs_pkg::IrqStatusAddr: rdata_o[IrqW-1:0] = status_q;
      emcc_regs_pkg::CyclesAddr:  rdata_o = cycles_i;
      emcc_regs_pkg::TotalAddr:   rdata_o = total_i;
      emcc_regs_pkg::CountAddr:   rdata_o = count_i;
      default:                    rerror_o = 1'b1;
    endcase
  end
endmodule

`default_nettype wire
