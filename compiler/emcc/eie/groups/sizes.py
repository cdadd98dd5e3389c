"""The numbers of emcc_cfg_pkg.sv: what the RTL is built for, by name, from a Program and its Plan."""

from collections.abc import Iterable, Iterator, Mapping

from emcc.eie.groups.contents import dense, starts
from emcc.eie.groups.plan import Pass, Plan, Tap
from emcc.ir.program import Program, Step

WEIGHT_W = 16
"""Bits of a weight in a codebook, and of a multiplier."""


def bits(values: int) -> int:
    """Return how many bits number `values` things, at least 1."""
    return max(1, (values - 1).bit_length())


def numbers(program: Program, plan: Plan) -> Mapping[str, int]:
    """Return every number by its name, in the order of the package; flags are 0 or 1, memories have a word at least."""
    result = {**_array(program, plan), **_walk(plan), **_weights(program, plan), **_drain(program, plan)}
    waits = {"HostWait": plan.host_wait} if plan.host_wait else {}
    splits = {"HasSplit": 1} if plan.splits else {}
    return {**result, **_flags(program, plan), **_ahead(plan), **waits, **splits}


def shift(program: Program, row: Pass) -> int:
    """Return what a pass shifts its sums by."""
    return 0 if row.plain else program.steps[row.step].shift


def code_sel(row: Pass) -> int:
    """Return log2 of a pass's code width, 0 where it has no codes."""
    return 0 if row.direct else row.code_w.bit_length() - 1


def taps(plan: Plan) -> tuple[list[Tap], dict[tuple[Tap, ...], int]]:
    """Return (the table of taps, where the taps of a pass begin in it)."""
    table: list[Tap] = []
    bases: dict[tuple[Tap, ...], int] = {}
    for row in plan.passes:
        if row.taps not in bases:
            bases[row.taps] = len(table)
            table += row.taps
    return table, bases


def _array(program: Program, plan: Plan) -> dict[str, int]:
    return {
        "Lanes": plan.lanes,
        "Groups": plan.groups,
        "Pes": program.pes,
        "LaneW": bits(plan.lanes),
        "LanesW": bits(program.pes + 1),
        "GroupW": bits(plan.groups),
        "ActW": program.act_w,
        "AccW": program.acc_w,
        "ActWords": plan.act_words,
        "AddrW": bits(plan.act_words),
        "AccRows": plan.acc_rows,
        "RowW": bits(plan.acc_rows),
        "LogQueue": program.queue_depth.bit_length() - 1,
    }


def _walk(plan: Plan) -> dict[str, int]:
    passes, table = plan.passes, taps(plan)[0]
    return {
        "Passes": len(passes),
        "PassW": bits(len(passes)),
        "Taps": len(table),
        "TapW": bits(len(table)),
        "HostRows": len(plan.host),
        "HostW": bits(len(plan.host)),
        "CoordW": max(_signed_bits(value) for row in passes for value in _coordinates(row)),
        "PosW": bits(max(*(max(row.width, row.height) for row in passes), *(row.positions for row in plan.host))),
        "TileW": bits(max(row.tile for row in passes)),
        "WordsW": bits(max(row.words for row in passes)),
        "SlotW": bits(max(row.slots for row in plan.host)),
        "RowsW": bits(max(row.rows for row in passes) + 1),
    }


def _weights(program: Program, plan: Plan) -> dict[str, int]:
    start, count = starts(program, plan)
    columns, codes = max(1, start.shape[2]), dense(program, plan)
    depth = max(1, codes + int(count.sum(axis=2).max(initial=0)))
    book = max((at.first + (1 << at.code_w) for at in plan.books), default=1)
    coded = [row for row in plan.passes if not row.direct]
    code_w = max((row.code_w for row in coded), default=1)
    col_w, start_w, count_w = max(bits(columns), bits(codes)), bits(depth), bits(int(count.max(initial=0)) + 1)
    direct = _direct_w(program, plan)
    return {
        "Columns": columns,
        "ColW": col_w,
        "InfoW": max(col_w, direct),
        "Entries": depth,
        "StartW": start_w,
        "CountW": count_w,
        "FactorW": max(1, direct),
        "LoadW": max(start_w + count_w, direct),
        "EntryW": max((row.code_w + _run_w(program, row) for row in coded), default=1),
        "CodeW": code_w,
        "CodeWidths": sum(1 << k for k in {code_sel(row) for row in coded}),
        "IdentWidths": sum(1 << k for k in {code_sel(row) for row in coded if row.ident}),
        "BookDepth": book,
        "BookAddrW": max(bits(book), *(at.code_w for at in plan.books), 1),
    }


def _direct_w(program: Program, plan: Plan) -> int:
    """Return the bits of a direct pass's weight: one of the table of taps, or an activation; 0 where there is none."""
    tapped = [tap for row in plan.passes if row.direct for tap in row.taps]
    loaded = program.act_w if any(tap.load for tap in tapped) else 0
    return max([loaded, *(_signed_bits(tap.weight) for tap in tapped)], default=0)


def _drain(program: Program, plan: Plan) -> dict[str, int]:
    biases = max(at.first + at.rows for at in plan.biases)
    scales = max((at.first + at.rows for at in plan.scales), default=1)
    shifts = [shift(program, row) for row in plan.passes]
    sizes = [(table.coarse.size, table.fine.size) for table in program.tables] or [(1, 1)]
    coarse, fine = (sum(size) for size in zip(*sizes, strict=True))
    lo_bits, hi_bits = next(((table.lo_bits, table.hi_bits) for table in program.tables), (0, 0))
    return {
        "Biases": biases,
        "BiasAddrW": bits(biases),
        "Scales": scales,
        "ScaleAddrW": bits(scales),
        "ShiftMin": min(shifts),
        "ShiftW": bits(max(shifts) - min(shifts) + 1),
        "LoBits": lo_bits,
        "HiBits": hi_bits,
        "CoarseDepth": coarse,
        "CoarseAddrW": bits(coarse),
        "FineDepth": fine,
        "FineAddrW": bits(fine),
    }


def _flags(program: Program, plan: Plan) -> dict[str, int]:
    def some(values: Iterable[bool]) -> int:
        return int(any(values))

    passes, tapped = plan.passes, taps(plan)[0]
    return {
        "HasBroadcast": some(not row.local for row in passes),
        "HasLocal": some(row.local for row in passes),
        "HasDense": some(row.local and not row.direct for row in passes),
        "HasDirect": some(row.direct for row in passes),
        "HasMax": some(row.largest for row in passes),
        "HasLoad": some(tap.load for tap in tapped),
        "HasSecond": some(tap.sel for tap in tapped),
        "HasIdent": some(row.ident for row in passes),
        "HasBook": some(not row.direct and not row.ident for row in passes),
        "HasScale": some(row.scale >= 0 for row in passes),
        "HasRelu": some(function(program, row) == "relu" for row in passes),
        "HasTable": some(function(program, row) == "table" for row in passes),
    }


def _ahead(plan: Plan) -> dict[str, int]:
    """Return what is there where the next input comes while this one runs."""
    ahead = plan.next_input
    return {"OutRow": ahead.row, "InputPasses": ahead.passes, "InputBase": ahead.base} if ahead else {}


def function(program: Program, row: Pass) -> str:
    """Return what follows requantising."""
    return "identity" if row.plain else program.steps[row.step].function


def _run_w(program: Program, row: Pass) -> int:
    step: Step = program.steps[row.step]
    return 0 if row.local else program.slices[step.slices].run_w


def _coordinates(row: Pass) -> Iterator[int]:
    """Yield the ends of all map coordinates that a pass computes, and the sizes of the map."""
    yield from (row.map_height, row.map_width, row.step_y, row.step_x)
    for start, step, count, beside in (
        (row.y0, row.step_y, row.height, [tap.dy for tap in row.taps]),
        (row.x0, row.step_x, row.width, [tap.dx for tap in row.taps]),
    ):
        last = start + step * (count - 1)
        yield from (start, last, *beside, start + min(beside), last + max(beside))


def _signed_bits(value: int) -> int:
    return max(value, ~value).bit_length() + 1
