"""Small artefacts for boards: compiled here, and, with a plain serial port, which needs few cells."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from commands import run
from models import mlp, save

RECIPE = "[lower]\ngroups = 2\n"

ECHO = """\
// Gives back what comes in over a serial line, a byte at a time, behind two flip-flops. For tests.
module emcc_uart_top #(
  parameter int ClkHz = 1,
  parameter int Baud  = 1
) (
  input  wire        clk_i,
  input  wire        rst_ni,
  input  wire        rx_i,
  output logic       tx_o,
  output logic [3:0] led_o
);
  localparam int Div = ClkHz / Baud;
  logic [1:0]  line_q;
  logic [23:0] count_q;
  logic [7:0]  rom [0:3];
  logic [7:0]  rom_q;

  initial $readmemh("rom/codebook.hex", rom, 0, 3);

  assign tx_o = line_q[1];
  assign led_o = {count_q[23:21], ^rom_q};

  always_ff @(posedge clk_i) begin
    line_q <= {line_q[0], rx_i};
    rom_q  <= rom[count_q[22:21]];
    if (!rst_ni) count_q <= '0;
    else count_q <= count_q + 24'(Div);
  end
endmodule
"""

RAM = """\
module echo_ram (
  input  wire       clk_i,
  input  wire       we_i,
  input  wire [8:0] waddr_i,
  input  wire [8:0] addr_i,
  output logic [7:0] data_o
);
  (* no_rw_check, ram_style = "block" *) logic [7:0] mem [0:511];
  initial $readmemh("rom/link.hex", mem, 480, 511);
  always_ff @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= waddr_i[7:0];
    data_o <= mem[addr_i];
  end
endmodule

"""


def compiled(folder: Path) -> Path:
    """Compile a perceptron of two layers for two column groups into `folder`/net."""
    save(mlp((6, 5, 3), seed=1), folder / "model.onnx")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    recipe = str(folder / "recipe.toml")
    run("compile", str(folder / "model.onnx"), "--pes", "2", "--recipe", recipe, "-q", "--out", str(folder / "net"))
    return folder / "net"


def change(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into an artefact, and what the manifest has of them."""
    manifest = json.loads((folder / "emcc.json").read_text("utf-8"))
    for name, text in files.items():
        data = text.encode()
        (folder / name).write_bytes(data)
        manifest["files"][name] = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / "emcc.json").write_text(json.dumps(manifest), encoding="utf-8")


def echoing(folder: Path) -> None:
    """Put ECHO in the place of an artefact's own serial port."""
    change(folder, {"rtl/emcc_uart_top.sv": ECHO, "rtl/uart.f": "rtl/emcc_uart_top.sv\n"})


def remembering(folder: Path) -> None:
    """Put a serial port in the place of an artefact's own that has all its memories, as the array and the link do."""
    from emcc.boards.design import read_design
    from emcc.boards.memories.images import exchanged, shape_of

    parts, words = [], []
    for name, image in exchanged(read_design(folder)).items():
        shape, label = shape_of(name, image), Path(name).stem
        ports = f".clk_i, .addr_i(count_q[{max(1, (shape.depth - 1).bit_length()) - 1}:0]), .data_o(q_{label})"
        parts.append(f"  logic [{shape.width - 1}:0] q_{label};")
        if shape.ram:
            parts.append(f"  echo_ram u_{label} ({ports}, .we_i(line_q[1]), .waddr_i(count_q[23:15]));")
        else:
            sizes = f".Width({shape.width}), .Depth({shape.depth}), .AddrW({(shape.depth - 1).bit_length() or 1})"
            parts.append(f'  emcc_rom #({sizes}, .InitFile("{name}")) u_{label} ({ports});')
        words.append(f"^q_{label}")
    begin, end = ECHO.index("  logic [7:0]  rom [0:3];"), ECHO.index("  assign tx_o")
    text = ECHO[:begin] + "\n".join(parts) + "\n\n" + ECHO[end:]
    text = text.replace("^rom_q", " ^ ".join(words)).replace("    rom_q  <= rom[count_q[22:21]];\n", "")
    listing = "rtl/emcc_rom.sv\nrtl/emcc_uart_top.sv\n"
    change(folder, {"rtl/emcc_uart_top.sv": RAM + text, "rtl/uart.f": listing})
