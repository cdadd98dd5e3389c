// A stand-in for the emitted top of two groups, with its ports: it takes three activations, runs two cycles (a
// pass each) and gives the first two plus one; takes the host's two answers, runs one cycle (a pass), and gives the sum
// of the two and the third activation. rom/fault.hex names what it does wrong; see tests/sim/test_harness_turns.py.
module emcc_top #(
  parameter int ActW   = 16,
  parameter int Groups = 2
) (
  input  logic              clk_i,
  input  logic              rst_ni,
  input  logic [ActW-1:0]   s_axis_tdata,
  input  logic              s_axis_tvalid,
  output logic              s_axis_tready,
  output logic [ActW-1:0]   m_axis_tdata,
  output logic              m_axis_tvalid,
  input  logic              m_axis_tready,
  output logic              m_axis_tlast,
  output logic              run_o,
  output logic              step_done_o,
  output logic [Groups-1:0] bcast_o,
  output logic [Groups-1:0] stall_o
);
  localparam logic [7:0] ReadyEarly = 1, ValidEarly = 2, DoneOutside = 3, BcastOutside = 4, PassMissing = 5;

  logic [7:0] fault [1];
  initial $readmemh("rom/fault.hex", fault);

  // 0-2 take, 3 think, 4-5 run, 6-7 give, 8-9 take, 10 run, 11-12 give
  logic [3:0]      state_q;
  logic [ActW-1:0] mem_q [5];

  wire take = state_q <= 2 || state_q == 8 || state_q == 9;
  wire give = state_q == 6 || state_q == 7 || state_q >= 11;
  assign s_axis_tready = rst_ni && (take || (fault[0] == ReadyEarly && state_q == 6));
  assign m_axis_tvalid = give || (fault[0] == ValidEarly && state_q == 8);
  assign m_axis_tlast  = state_q == 12;
  assign run_o         = state_q == 4 || state_q == 5 || state_q == 10;
  assign step_done_o   = state_q == 5 || state_q == 10 || (state_q == 4 && fault[0] != PassMissing)
                         || (fault[0] == DoneOutside && state_q == 3);
  assign bcast_o       = state_q == 4 || (fault[0] == BcastOutside && state_q == 3) ? '1 : '0;
  assign stall_o       = state_q == 10 ? Groups'(1) : '0;
  always_comb begin
    case (state_q)
      6:       m_axis_tdata = mem_q[0] + 1;
      7:       m_axis_tdata = mem_q[1] + 1;
      11:      m_axis_tdata = mem_q[3] + mem_q[4];
      12:      m_axis_tdata = mem_q[2];
      default: m_axis_tdata = '0;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      state_q <= 0;
    end else if (take) begin
      if (s_axis_tvalid) begin
        mem_q[state_q <= 2 ? state_q[2:0] : state_q[2:0] + 3] <= s_axis_tdata;
        state_q <= state_q + 1;
      end
    end else if (!give || m_axis_tready) begin
      state_q <= state_q == 12 ? 0 : state_q + 1;
    end
  end
endmodule
