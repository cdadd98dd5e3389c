// Leading non-zero detection: takes words of non-zero flags (one flag a lane) and emits the set lanes one a cycle, the
// lowest first, without a bubble between words. `addr` and `col` are the word's own and travel with it.
//
// A word may be pushed while ready_o is high. emit_o falls while stall_i is high; nothing is lost.
module emcc_lnzd #(
  parameter int Lanes = 4,
  parameter int AddrW = 4,
  parameter int ColW  = 4
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  // Words of flags; all-zero words must not be pushed.
  input  logic             push_i,
  input  logic [Lanes-1:0] flags_i,
  input  logic [AddrW-1:0] addr_i,
  input  logic [ColW-1:0]  col_i,
  output logic             ready_o,
  // One lane a cycle.
  input  logic             stall_i,
  output logic             emit_o,
  output logic [Lanes-1:0] lane_o,
  output logic [AddrW-1:0] addr_o,
  output logic [ColW-1:0]  col_o,
  output logic             pending_o,
  output logic             idle_o
);
  localparam int LogDepth = 2;
  localparam int LeftW    = $clog2(Lanes + 1);
  localparam int Group    = 16;
  localparam int GroupW   = 5;
  localparam int Groups   = (Lanes + Group - 1) / Group;
  localparam int WordW    = Groups*GroupW + Lanes + AddrW + ColW;

  logic              fifo_valid, fifo_pop;
  logic [WordW-1:0]  fifo_data;
  logic [LogDepth:0] fifo_count;

  // Lanes are counted, in groups before the word waits and over the groups when it is taken: whether the one emitted is
  // the word's last is then known from a small counter, and no path runs through the search for it.
  logic [Lanes-1:0]         pend_q, lane;
  logic [Groups*GroupW-1:0] group_counts;
  logic [LeftW-1:0]         word_count, left_q;
  logic                     pending_q, last;
  logic [AddrW-1:0]         addr_q;
  logic [ColW-1:0]          col_q;

  emcc_fifo #(
    .Width   (WordW),
    .LogDepth(LogDepth)
  ) u_words (
    .clk_i,
    .rst_ni,
    .push_i,
    .data_i ({group_counts, flags_i, addr_i, col_i}),
    .pop_i  (fifo_pop),
    .data_o (fifo_data),
    .valid_o(fifo_valid),
    .count_o(fifo_count)
  );

  // One word may be on its way from the flag memory when ready_o falls.
  assign ready_o = fifo_count < (LogDepth+1)'((1 << LogDepth) - 1);

  always_comb begin
    group_counts = '0;
    for (int i = 0; i < Lanes; i++) begin
      group_counts[i/Group*GroupW +: GroupW] = group_counts[i/Group*GroupW +: GroupW] + GroupW'(flags_i[i]);
    end
  end

  always_comb begin
    word_count = '0;
    for (int g = 0; g < Groups; g++) begin
      word_count = word_count + LeftW'(fifo_data[Lanes+AddrW+ColW+g*GroupW +: GroupW]);
    end
  end

  assign lane      = pend_q & (~pend_q + 1'b1);
  assign last      = left_q == LeftW'(1);
  assign pending_o = pending_q;
  assign emit_o    = pending_q && !stall_i;
  assign lane_o    = lane;
  assign addr_o    = addr_q;
  assign col_o     = col_q;
  assign idle_o    = !pending_q && !fifo_valid;
  assign fifo_pop  = fifo_valid && (!pending_q || (emit_o && last));

  always_ff @(posedge clk_i) begin
    if (!rst_ni) pending_q <= 1'b0;
    else if (fifo_pop) pending_q <= 1'b1;
    else if (emit_o && last) pending_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (fifo_pop) begin
      pend_q <= fifo_data[AddrW+ColW +: Lanes];
      left_q <= word_count;
    end else if (emit_o) begin
      pend_q <= pend_q & ~lane;
      left_q <= left_q - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (fifo_pop) begin
      addr_q <= fifo_data[ColW +: AddrW];
      col_q  <= fifo_data[0 +: ColW];
    end
  end

`ifndef SYNTHESIS
  always @(posedge clk_i) begin
    if (rst_ni && pending_q && last != ((pend_q & ~lane) == '0)) $error("%m: the count of lanes is wrong");
  end
  always @(posedge clk_i) if (rst_ni && push_i && flags_i == '0) $error("%m: empty word pushed");
`endif
endmodule
