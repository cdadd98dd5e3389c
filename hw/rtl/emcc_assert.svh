// SPDX-License-Identifier: Apache-2.0
// What the RTL says of itself: checked in simulation, nothing in synthesis. A module that uses the first two has clk_i and
// rst_ni. `says` is what is wrong, as a sentence. What stands here once is written once in a module's text, a line each.
`ifndef EMCC_ASSERT_SVH
`define EMCC_ASSERT_SVH

`ifdef SYNTHESIS

`define EMCC_ASSERT(holds, says)
`define EMCC_STABLE(name, stalled, data, says)
`define EMCC_REQUIRE(holds, says, a, b)

`else

// At every rising edge out of reset; at time 0 nothing has been reset, and what registers hold may look like an edge
`define EMCC_ASSERT(holds, says) \
  always @(posedge clk_i) if (!(holds) && rst_ni && $time != 0) $error("%m: %s", says);

// What is offered and not taken is offered again, the same; `name` is the block's
`define EMCC_STABLE(name, stalled, data, says) \
  if (1) begin : name \
    logic held_q; \
    logic [$bits(data)-1:0] data_q; \
    always @(posedge clk_i) begin \
      held_q <= rst_ni && (stalled); \
      data_q <= (data); \
      if (held_q && data_q != (data) && rst_ni && $time != 0) $error("%m: %s", says); \
    end \
  end

// Of parameters: `says` has %0d for `a` and `b`. Icarus 11 has no elaboration tasks.
`define EMCC_REQUIRE(holds, says, a, b) \
  initial if (!(holds)) $fatal(1, says, a, b);

`endif

`endif
