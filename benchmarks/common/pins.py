"""A top with few pins around emcc_top, so that an array wider than its package can be placed and timed.

Everything that crosses is registered: input words come from a shift register, output words go through a tree of
four-input XORs with a register at every node, control signals through one register each.
"""

TOP = "emcc_pins"
FILE = "emcc_pins.sv"
PORTS = (
    *("clk_i", "rst_ni", "data_i", "valid_i", "ready_i", "data_o"),
    *(f"control_o[{i}]" for i in range(6)),
)

_SOURCE = """\
module {top} (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       data_i,
  input  logic       valid_i,
  input  logic       ready_i,
  output logic       data_o,
  output logic [5:0] control_o
);
  localparam int Bits = {bits};

  logic            rst_q, rst2_q, valid_q, ready_q;
  logic [Bits-1:0] in_q, out;
  logic [5:0]      control, control_q;
  logic [emcc_cfg_pkg::Groups-1:0] bcast, stall;

  always_ff @(posedge clk_i) begin
    rst_q     <= rst_ni;
    rst2_q    <= rst_q;
    valid_q   <= valid_i;
    ready_q   <= ready_i;
    in_q      <= {{in_q[Bits-2:0], data_i}};
    control_q <= control;
  end

  assign control_o = control_q;

  emcc_top u_top (
    .clk_i,
    .rst_ni       (rst2_q),
    .s_axis_tdata (in_q),
    .s_axis_tvalid(valid_q),
    .s_axis_tready(control[0]),
    .m_axis_tdata (out),
    .m_axis_tvalid(control[1]),
    .m_axis_tready(ready_q),
    .m_axis_tlast (control[2]),
    .run_o        (control[3]),
    .step_done_o  (control[4]),
    .bcast_o      (bcast),
    .stall_o      (stall)
  );
  assign control[5] = ^bcast ^ ^stall;

{tree}
endmodule
"""


def source(bits: int) -> str:
    """The wrapper's Verilog for streams of `bits` bits."""
    lines, name, width = [], "out", bits
    while width > 1:
        after, result = -(-width // 4), f"tree{width}_q"
        lines += [f"  logic [{after - 1}:0] {result};", "  always_ff @(posedge clk_i) begin"]
        for i in range(after):
            low, high = 4 * i, min(4 * i + 3, width - 1)
            lines.append(f"    {result}[{i}] <= ^{name}[{high}:{low}];")
        lines += ["  end", ""]
        name, width = result, after
    lines.append(f"  assign data_o = {name}[0];")
    return _SOURCE.format(top=TOP, bits=bits, tree="\n".join(lines))
