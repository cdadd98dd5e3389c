"""The parameters of emcc_array for a Program, as Verilog literals."""

from emcc.eie.layout import Layout
from emcc.eie.memory import table


def parameters(layout: Layout) -> list[tuple[str, str]]:
    """Return (name, literal), sorted."""
    program, memory = layout.program, table(layout)
    lo_bits, hi_bits = layout.table_split
    numbers = {
        "Lanes": program.pes,
        "LaneCntW": layout.lane_count_bits,
        "ActW": program.act_w,
        "Layers": len(program.layers),
        "LayerW": max(1, (len(program.layers) - 1).bit_length()),
        "WordW": layout.word_bits,
        "ActWords": memory["activations"].depth,
        "ActAddrW": layout.act_addr_bits,
        "ColW": layout.col_bits,
        "StartW": layout.start_bits,
        "CountW": layout.count_bits,
        "EntryW": memory["spmat"].width,
        "CodeW": layout.max_code_w,
        "Rows": memory["accumulators"].depth,
        "RowW": layout.row_bits,
        "BiasAddrW": layout.bias_addr_bits,
        "LogQueue": memory["activation queue"].depth.bit_length() - 1,
        "AccW": memory["bias"].width,
        "BookDepth": memory["codebook"].depth,
        "BookAddrW": layout.book_addr_bits,
        "ShiftMin": layout.shift_min,
        "ShiftW": layout.shift_bits,
        "LoBits": lo_bits,
        "HiBits": hi_bits,
        "CoarseDepth": memory["coarse"].depth,
        "CoarseAddrW": layout.coarse_addr_bits,
        "FineDepth": memory["fine"].depth,
        "FineAddrW": layout.fine_addr_bits,
    }
    literals = {name: str(value) for name, value in numbers.items()}
    literals["CodeWidths"] = f"4'b{layout.code_widths:04b}"
    flags = {
        "HasTable": bool(program.tables),
        "DropEmpty": program.drop_empty,
        "Overlap": program.overlap,
        "Prefetch": program.prefetch,
    }
    literals |= {name: f"1'b{int(value)}" for name, value in flags.items()}
    files = {"LayersFile": "layers", "BookFile": "codebook"}
    if program.tables:
        files |= {"CoarseFile": "coarse", "FineFile": "fine"}
    literals |= {name: f'"rom/{file}.hex"' for name, file in files.items()}
    return sorted(literals.items())
