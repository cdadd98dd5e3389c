// SPDX-License-Identifier: Apache-2.0
// When an inference may begin, whether one is going on, and what the last one took. It begins with the first activation
// that the array takes, and is done when the last beat of its answer is taken.
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
  output logic        armed_o,
  output logic        busy_o,
  output logic [31:0] cycles_o,
  output logic [31:0] total_o,
  output logic [31:0] count_o
);
  logic        armed_q, inside_q, leaving_q, begins;
  logic [31:0] cycles, total, cycles_q, total_q;

  assign begins   = take_i && !inside_q;
  assign open_o   = inside_q || (!leaving_q && (auto_i || armed_q));
  assign armed_o  = armed_q;
  assign busy_o   = inside_q || leaving_q;
  assign cycles_o = cycles_q;
  assign total_o  = total_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      armed_q   <= 1'b0;
      inside_q  <= 1'b0;
      leaving_q <= 1'b0;
      cycles_q  <= '0;
      total_q   <= '0;
    end else begin
      armed_q   <= start_i || (armed_q && !begins);
      inside_q  <= take_i || (inside_q && !give_last_i);
      leaving_q <= give_last_i || (leaving_q && !done_i);
      if (done_i) begin
        cycles_q <= cycles;
        total_q  <= total;
      end
    end
  end

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

  emcc_count u_count (
    .clk_i,
    .clear_i(!rst_ni),
    .step_i (rst_ni && done_i),
    .count_o
  );

  `EMCC_ASSERT(!take_i || open_o, "an activation is taken that should wait")
  `EMCC_ASSERT(!give_last_i || inside_q, "an answer ends that never began")
  `EMCC_ASSERT(!done_i || leaving_q, "a last beat is taken that never was")
endmodule

`default_nettype wire
