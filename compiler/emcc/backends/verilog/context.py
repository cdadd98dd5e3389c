"""The parameters of emcc_array for a Program, as Verilog literals."""

from emcc.eie.layout import Layout


def parameters(layout: Layout) -> list[tuple[str, str]]:
    """Return (name, literal) in the order of emcc_array's declaration."""
    program = layout.program
    lo_bits, hi_bits = layout.table_split
    tables = max(1, len(program.tables))
    numbers = {
        "Lanes": program.pes,
        "LaneCntW": layout.lane_count_bits,
        "ActW": program.act_w,
        "Layers": len(program.layers),
        "LayerW": max(1, (len(program.layers) - 1).bit_length()),
        "WordW": layout.word_bits,
        "ActWords": layout.act_words,
        "ActAddrW": layout.act_addr_bits,
        "ColW": layout.col_bits,
        "StartW": layout.start_bits,
        "CountW": layout.count_bits,
        "EntryW": layout.entry_bits,
        "CodeW": layout.max_code_w,
        "Rows": layout.rows,
        "RowW": layout.row_bits,
        "BiasAddrW": layout.bias_addr_bits,
        "LogQueue": program.queue_depth.bit_length() - 1,
        "AccW": program.acc_w,
        "BookDepth": layout.book_depth,
        "BookAddrW": layout.book_addr_bits,
        "ShiftMin": layout.shift_min,
        "ShiftW": layout.shift_bits,
        "LoBits": lo_bits,
        "HiBits": hi_bits,
        "CoarseDepth": layout.coarse_size * tables,
        "CoarseAddrW": layout.coarse_addr_bits,
        "FineDepth": layout.fine_size * tables,
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
