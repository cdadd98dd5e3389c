// SPDX-License-Identifier: Apache-2.0
// The host's table: takes buffers from the stream, has the array run, gives buffers to the stream; one activation a beat, in
// the order of positions and slots. Both ways one activation a cycle: what is given is read ahead of its beat, and waits in
// a FIFO where the stream does not take it.
`include "emcc_assert.svh"
`default_nettype none

import emcc_cfg_pkg::*;

`ifdef EMCC_NEXT_INPUT
module emcc_host #(
  // The row of the table that comes after reset, and after the end
  parameter int First = 0
) (
`else
module emcc_host (
`endif
  input  wire               clk_i,
  input  wire               rst_ni,
  // Streams
  input  wire  [ActW-1:0]   s_axis_tdata,
  input  wire               s_axis_tvalid,
  output logic              s_axis_tready,
  output logic [ActW-1:0]   m_axis_tdata,
  output logic              m_axis_tvalid,
  input  wire               m_axis_tready,
  output logic              m_axis_tlast,
  // The array
  output logic              start_o,
  input  wire               done_i,
  // One activation: written now, or read, with the data ReadLatency cycles later; the address is known a cycle before as well
  output logic              we_o,
  output logic [AddrW-1:0]  addr_o,
  output logic [AddrW-1:0]  next_addr_o,
  output logic [GroupW-1:0] group_o,
  output logic [LaneW-1:0]  lane_o,
  output logic [ActW-1:0]   data_o,
  output logic              busy_o,
  input  wire  [ActW-1:0]   data_i
);
  localparam logic [1:0] Receive = 2'd0, Send = 2'd1, Go = 2'd2;
  localparam int ReadLatency = 4, LogDepth = 3;  // as many as are read and not taken, at most

`ifdef EMCC_HOST_WAIT
  // What was received a moment ago is on its way through the lanes' last stages, and may be what is sent next.
  typedef enum logic [2:0] {Load0, Load1, Receiving, Reading, Giving, Start, Running, Landing} state_e;
  logic [1:0] wait_q;
`else
  typedef enum logic [2:0] {Load0, Load1, Receiving, Reading, Giving, Start, Running} state_e;
`endif

  state_e            state_q;
  logic [HostW-1:0]  row_q;
  logic [HostBits-1:0] d_q;
  logic [HostSlotsW-1:0] d_slots;
  logic [HostPositionsW-1:0] d_positions;
  logic [HostOpW-1:0] d_op;
  logic [HostBaseW-1:0] d_base;
  logic [HostPitchW-1:0] d_pitch;
  logic d_last;

  assign d_slots     = d_q[HostSlotsAt +: HostSlotsW];
  assign d_positions = d_q[HostPositionsAt +: HostPositionsW];
  assign d_op        = d_q[HostOpAt +: HostOpW];
  assign d_base      = d_q[HostBaseAt +: HostBaseW];
  assign d_pitch     = d_q[HostPitchAt +: HostPitchW];
  assign d_last      = d_q[HostLastAt];
  logic [HostBits-1:0] host_rom [0:HostRows-1];
  initial $readmemh("rom/host.hex", host_rom);

  always_ff @(posedge clk_i) d_q <= host_rom[row_q];

  // Where the next activation is
  logic [PosW-1:0]   pos_q;
  logic [SlotW-1:0]  slot_q;
  logic [AddrW-1:0]  after_q, addr_q, addr_d;  // after_q: of the next position, so that no sum of two is on addr_d's way
  logic [GroupW-1:0] group_q, first_q;
  logic [LaneW-1:0]  lane_q;
  logic              last_lane, last_slot, last, beat, next_row, busy_q;

  // What is read and not taken
  logic [ReadLatency-1:0] read_way_q;
  logic [LogDepth:0]      due_q, due_d;
  logic                   read, there, room_q, only_q, taken, waiting;
  logic [ActW-1:0]        waiting_data;
  logic [LogDepth:0]      unused_count;

  assign last_lane = lane_q == LaneW'(Lanes - 1);
  assign last_slot = slot_q == d_slots;
  assign last      = last_slot && pos_q == d_positions;
  assign read      = state_q == Reading && room_q;
  assign beat      = (state_q == Receiving && s_axis_tvalid) || read;
  assign next_row  = (state_q == Receiving && s_axis_tvalid && last) || (state_q == Giving && only_q && taken) ||
                     (state_q == Running && done_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= Load0;
`ifdef EMCC_NEXT_INPUT
      row_q   <= HostW'(First);
`else
      row_q   <= '0;
`endif
    end else begin
      case (state_q)
        Load0: state_q <= Load1;
        Load1: begin
          case (d_op)
            Receive: state_q <= Receiving;
`ifdef EMCC_HOST_WAIT
            Send:    state_q <= wait_q == '0 ? Reading : Landing;
`else
            Send:    state_q <= Reading;
`endif
            Go:      state_q <= Start;
            default: begin
              state_q <= Load0;
`ifdef EMCC_NEXT_INPUT
              row_q   <= HostW'(First);
`else
              row_q   <= '0;
`endif
            end
          endcase
        end
        Receiving: if (next_row) state_q <= Load0;
        Reading:   if (read && last) state_q <= Giving;
        Giving:    if (next_row) state_q <= Load0;
        Start:     state_q <= Running;
`ifdef EMCC_HOST_WAIT
        Landing:   if (wait_q == 2'd1) state_q <= Reading;
`endif
        default:   if (next_row) state_q <= Load0;
      endcase
      if (next_row) row_q <= row_q + 1'b1;
    end
  end
`ifdef EMCC_HOST_WAIT

  always_ff @(posedge clk_i) begin
    if (state_q == Receiving) wait_q <= 2'(HostWait);
    else if (!rst_ni || state_q == Start) wait_q <= '0;
    else if (state_q == Landing) wait_q <= wait_q - 1'b1;
  end
`endif

  always_ff @(posedge clk_i) begin
    if (!rst_ni || (state_q == Running && done_i)) busy_q <= 1'b1;
    else if (state_q == Start) busy_q <= 1'b0;
  end

  // Slot s is lane s mod Lanes of group (s / Lanes + lane) mod Groups.
  always_comb begin
    addr_d = addr_q;
    if (state_q == Load1) addr_d = d_base;
    else if (beat && last_slot) addr_d = after_q;
    else if (beat && last_lane && first_q == GroupW'(Groups - 1)) addr_d = addr_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    addr_q <= addr_d;
    if (state_q == Load1) begin
      pos_q   <= '0;
      slot_q  <= '0;
      after_q <= d_base + d_pitch;
      group_q <= '0;
      first_q <= '0;
      lane_q  <= '0;
    end else if (beat) begin
      slot_q  <= slot_q + 1'b1;
      lane_q  <= lane_q + 1'b1;
      group_q <= group_q == GroupW'(Groups - 1) ? '0 : group_q + 1'b1;
      if (last_lane) begin
        lane_q  <= '0;
        first_q <= first_q == GroupW'(Groups - 1) ? '0 : first_q + 1'b1;
        group_q <= first_q == GroupW'(Groups - 1) ? '0 : first_q + 1'b1;
      end
      if (last_slot) begin
        pos_q   <= pos_q + 1'b1;
        slot_q  <= '0;
        lane_q  <= '0;
        first_q <= '0;
        group_q <= '0;
        after_q <= after_q + d_pitch;
      end
    end
  end

  // What comes goes out at once, or waits. What is given when no more is read, and nothing else is held, is the last.
  assign there = read_way_q[ReadLatency-1];
  assign taken = m_axis_tvalid && m_axis_tready;

  always_comb begin
    due_d = due_q;
    if (read != taken) due_d = due_q + (taken ? '1 : (LogDepth+1)'(1));
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_way_q <= '0;
      due_q      <= '0;
      room_q     <= 1'b1;
      only_q     <= 1'b0;
    end else begin
      read_way_q <= {read_way_q[ReadLatency-2:0], read};
      due_q      <= due_d;
      room_q     <= !due_d[LogDepth];
      only_q     <= due_d == (LogDepth+1)'(1);
    end
  end

  emcc_fifo #(.Width(ActW), .LogDepth(LogDepth)) u_waiting (
    .clk_i,
    .rst_ni,
    .we_i   (there),
    .push_i (there && (waiting || !m_axis_tready)),
    .data_i,
    .read_i (waiting && m_axis_tready),
    .pop_i  (waiting && m_axis_tready),
    .data_o (waiting_data),
    .valid_o(waiting),
    .count_o(unused_count)
  );

  assign s_axis_tready = state_q == Receiving;
  assign m_axis_tvalid = there || waiting;
  assign m_axis_tlast  = d_last && state_q == Giving && only_q;
  assign m_axis_tdata  = waiting ? waiting_data : data_i;
  assign start_o       = state_q == Start;
  assign busy_o        = busy_q;
  assign we_o          = state_q == Receiving && s_axis_tvalid;
  assign addr_o        = addr_q;
  assign next_addr_o   = addr_d;
  assign group_o       = group_q;
  assign lane_o        = lane_q;
  assign data_o        = s_axis_tdata;

  `EMCC_STABLE(gen_stable_in, s_axis_tvalid && !s_axis_tready, ({s_axis_tvalid, s_axis_tdata}), "a beat in did not stay")
  `EMCC_STABLE(gen_stable_out, m_axis_tvalid && !m_axis_tready, ({m_axis_tvalid, m_axis_tlast, m_axis_tdata}),
      "a beat out did not stay")
  `EMCC_ASSERT(busy_q == (state_q != Running), "the host is at work and does not say so, or says so and is not")
  `EMCC_ASSERT(!(state_q == Receiving || state_q == Reading) || 32'(addr_q) < ActWords, "a word that is not there")
endmodule

`default_nettype wire
