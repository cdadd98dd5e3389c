// A stand-in for the emitted top with its ports: y = x + 5, a few cycles after the last input word.
// rom/fault.hex names what it does wrong; see tests/sim/test_harness_faults.py.
module emcc_top #(
  parameter int ActW   = 16,
  parameter int Words  = 3,
  parameter int Passes = 2
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
  output logic              bcast_o,
  output logic              stall_o
);
  localparam logic [7:0] EarlyLast = 1, NoLast = 2, DataMoves = 3, ValidFalls = 4, LastMoves = 5, ReadyEarly = 6,
    Hangs = 7, Asserts = 8, PassMissing = 9, PassTwice = 10, Unasked = 11, Straggler = 12, Finishes = 13,
    ResetValid = 14, NeverReady = 15;

  logic [7:0] fault [1];
  initial $readmemh("rom/fault.hex", fault);

  logic [ActW-1:0] mem_q [Words];
  logic [15:0] state_q, word_q, age_q;
  logic        held_q;
  localparam logic [15:0] Last = 16'(Words - 1);
  localparam logic [15:0] Out  = 16'(Passes + 1);

  wire at_last = word_q == Last;
  assign s_axis_tready = rst_ni && fault[0] != NeverReady
                         && (state_q == 0 || (fault[0] == ReadyEarly && state_q == Out && at_last));
  assign m_axis_tvalid = fault[0] == ResetValid || (state_q == Out && !(fault[0] == ValidFalls && held_q))
                         || (fault[0] == Unasked && rst_ni && state_q == 0 && word_q == 0)
                         || (fault[0] == Straggler && age_q == 900);
  assign m_axis_tlast  = m_axis_tvalid && ((at_last && fault[0] != NoLast) || (fault[0] == EarlyLast && word_q == 1)
                         || (fault[0] == LastMoves && held_q));
  assign run_o         = state_q != 0;
  assign step_done_o   = (state_q != 0 && state_q < Out && fault[0] != Hangs
                          && !(fault[0] == PassMissing && state_q == 2))
                         || (fault[0] == PassTwice && state_q == Out);
  assign bcast_o       = state_q == 1;
  assign stall_o       = state_q == 2;
  always_comb begin
    m_axis_tdata = '0;
    if (m_axis_tvalid)
      m_axis_tdata = mem_q[word_q[$clog2(Words)-1:0]] + ActW'(5) + ActW'(fault[0] == DataMoves && held_q);
  end

  always_ff @(posedge clk_i) begin
    held_q <= m_axis_tvalid && !m_axis_tready;
    age_q  <= rst_ni && state_q == 0 ? age_q + 1 : 0;
    if (!rst_ni) begin
      state_q <= 0;
      word_q  <= 0;
    end else if (state_q == 0) begin
      if (s_axis_tvalid && s_axis_tready) begin
        mem_q[word_q[$clog2(Words)-1:0]] <= s_axis_tdata;
        word_q <= at_last ? 0 : word_q + 1;
        if (at_last) state_q <= 1;
      end
    end else if (state_q == Out) begin
      if (m_axis_tvalid && m_axis_tready) begin
        word_q <= at_last ? 0 : word_q + 1;
        if (at_last) state_q <= 0;
      end
    end else if (fault[0] != Hangs) begin
      state_q <= state_q + 1;
    end
    assert (!(fault[0] == Asserts && state_q == 2)) else $error("state 2 is forbidden");
    if (fault[0] == Finishes && state_q == 2) $finish;
  end
endmodule
