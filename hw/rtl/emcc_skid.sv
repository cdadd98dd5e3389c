// SPDX-License-Identifier: Apache-2.0
// A register slice of a stream: a beat a cycle; ready_o, valid_o and data_o are registers, so no path runs through it.
// flush_i forgets the spare beat and what comes in that cycle; a beat that is offered stays until it is taken.
`include "emcc_assert.svh"
`default_nettype none

module emcc_skid #(
  parameter int Width = 8
) (
  input  wire              clk_i,
  input  wire              rst_ni,
  input  wire              flush_i,
  input  wire              valid_i,
  output logic             ready_o,
  input  wire  [Width-1:0] data_i,
  output logic             valid_o,
  input  wire              ready_i,
  output logic [Width-1:0] data_o
);
  logic             valid_q, spare_valid_q, ready_q, push, move;
  logic [Width-1:0] beat_q, spare_q;

  assign push    = valid_i && ready_q;
  assign move    = ready_i || !valid_q;
  assign ready_o = ready_q;
  assign valid_o = valid_q;
  assign data_o  = beat_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q       <= 1'b0;
      spare_valid_q <= 1'b0;
      ready_q       <= 1'b0;
    end else if (flush_i) begin
      valid_q       <= valid_q && !ready_i;
      spare_valid_q <= 1'b0;
      ready_q       <= 1'b1;
    end else if (move) begin
      valid_q       <= push || spare_valid_q;
      spare_valid_q <= 1'b0;
      ready_q       <= 1'b1;
    end else begin
      spare_valid_q <= push || spare_valid_q;
      ready_q       <= !push && !spare_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (move) beat_q <= spare_valid_q ? spare_q : data_i;
    if (push) spare_q <= data_i;
  end

  `EMCC_STABLE(gen_stable, valid_o && !ready_i, ({valid_o, data_o}), "a beat out did not stay")
  `EMCC_ASSERT(!(ready_q && spare_valid_q), "a beat is asked for, and there is no room")
endmodule

`default_nettype wire
