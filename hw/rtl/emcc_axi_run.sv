// SPDX-License-Identifier: Apache-2.0
// When an inference may begin, whether one is going on, and what the last one took. It begins with the first activation
// that the array takes, and is done when the last beat of its answer is taken.
`ifdef EMCC_NEXT_INPUT
//
// Two may be under way: one whose input comes in, and one that runs, or whose answer goes out. The next answer waits until
// the last beat of the one before is taken.
`endif
`include "emcc_assert.svh"
`default_nettype none

module emcc_axi_run (
  input  wire         clk_i,
  input  wire         rst_ni,
  input  wire         start_i,
  input  wire         auto_i,
  // An activation goes in; a cycle that counts; the last activation comes out; the last beat is taken
  input  wire         take_i,
  input  wire         run_i,
  input  wire         give_last_i,
  input  wire         done_i,
  output logic        open_o,
`ifdef EMCC_NEXT_INPUT
  // The answer before is still going out
  output logic        leaving_o,
`endif
  output logic        armed_o,
  output logic        busy_o,
  output logic [31:0] cycles_o,
  output logic [31:0] total_o,
  output logic [31:0] count_o
);
`ifdef EMCC_NEXT_INPUT
  logic        armed_q, inside_q, leaving_q, begins, run_q, starts, under_way;
  logic [1:0]  count_q;
  logic [31:0] cycles, total, cycles_q, total_q;

  assign starts    = run_i && !run_q;
  assign begins    = take_i && !inside_q;
  assign under_way = count_q != '0;
  assign open_o    = inside_q || auto_i || armed_q;
  assign leaving_o = leaving_q;
`else
  logic        armed_q, inside_q, leaving_q, begins;
  logic [31:0] cycles, total, cycles_q, total_q;

  assign begins   = take_i && !inside_q;
  assign open_o   = inside_q || (!leaving_q && (auto_i || armed_q));
`endif
  assign armed_o  = armed_q;
`ifdef EMCC_NEXT_INPUT
  assign busy_o   = under_way || leaving_q;
`else
  assign busy_o   = inside_q || leaving_q;
`endif
  assign cycles_o = cycles_q;
  assign total_o  = total_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      armed_q   <= 1'b0;
      inside_q  <= 1'b0;
      leaving_q <= 1'b0;
      cycles_q  <= '0;
      total_q   <= '0;
`ifdef EMCC_NEXT_INPUT
      count_q   <= '0;
`endif
    end else begin
      armed_q   <= start_i || (armed_q && !begins);
`ifdef EMCC_NEXT_INPUT
      // An input is whole when its run starts, and none is taken between the two.
      inside_q  <= take_i || (inside_q && !starts);
      leaving_q <= give_last_i || (leaving_q && !done_i);
      count_q   <= count_q + 2'(begins) - 2'(give_last_i);
      if (give_last_i) begin
        cycles_q <= cycles;
        total_q  <= total + 32'd1;
      end
`else
      inside_q  <= take_i || (inside_q && !give_last_i);
      leaving_q <= give_last_i || (leaving_q && !done_i);
      if (done_i) begin
        cycles_q <= cycles;
        total_q  <= total;
      end
`endif
    end
  end

`ifdef EMCC_NEXT_INPUT
  always_ff @(posedge clk_i) run_q <= rst_ni && run_i;

  emcc_count u_cycles (
    .clk_i,
    .clear_i(starts),
    .step_i (run_i),
    .count_o(cycles)
  );

  // From the answer before, or from the first activation in where nothing was under way
  emcc_count u_total (
    .clk_i,
    .clear_i(give_last_i || (begins && !under_way)),
    .step_i (!give_last_i),
    .count_o(total)
  );
`else
  emcc_count u_cycles (
    .clk_i,
    .clear_i(begins),
    .step_i (run_i),
    .count_o(cycles)
  );

  emcc_count u_total (
    .clk_i,
    .clear_i(begins),
    .step_i (take_i || inside_q),
    .count_o(total)
  );
`endif

  emcc_count u_count (
    .clk_i,
    .clear_i(!rst_ni),
    .step_i (rst_ni && done_i),
    .count_o
  );

  `EMCC_ASSERT(!take_i || open_o, "an activation is taken that should wait")
`ifdef EMCC_NEXT_INPUT
  `EMCC_ASSERT(!give_last_i || under_way, "an answer ends that never began")
  `EMCC_ASSERT(!give_last_i || !leaving_q, "an answer ends before the last beat of the one before is taken")
  `EMCC_ASSERT(!begins || !count_q[1], "an input begins while two inferences are under way")
`else
  `EMCC_ASSERT(!give_last_i || inside_q, "an answer ends that never began")
`endif
  `EMCC_ASSERT(!done_i || leaving_q, "a last beat is taken that never was")
endmodule

`default_nettype wire
