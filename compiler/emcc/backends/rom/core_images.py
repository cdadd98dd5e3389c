"""Program and Plan -> the contents of the memories of the array of column groups, by the name of its file."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from emcc.backends.rom.image import RomImage
from emcc.base.text import printable
from emcc.eie.groups import contents
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import Context, packed, rows, width
from emcc.ir.graph import Array
from emcc.ir.program import Program

FILES = {"walk": "walk", "tap": "taps", "drain": "drain", "host": "host"}
"""The file of a table."""


def core_images(program: Program, made: Plan | None = None) -> Mapping[str, RomImage]:
    """Return the memories that are in use: tables, codebook, functions, two a PE, one or two a lane."""
    return images_of(Context(program, made or plan(program)))


def images_of(context: Context) -> Mapping[str, RomImage]:
    """Return the memories of a Program and Plan, in the widths of the context's numbers."""
    flags, program = context.numbers, context.program
    result = {file: _table(context, name) for name, file in FILES.items()}
    if flags["HasBook"]:
        result["codebook"] = _codebook(context)
    if flags["HasTable"]:
        for name in ("coarse", "fine"):
            values = np.concatenate([getattr(table, name) for table in program.tables])
            result[name] = _image(program.act_w, values, f"{name} function tables")
    result |= dict(_of_pes(context))
    result |= dict(_of_lanes(context))
    return result


def _image(width: int, values: Array | Sequence[int], *comment: str) -> RomImage:
    words = np.asarray(values, np.int64).astype(np.uint64) & np.uint64((1 << width) - 1)
    return RomImage(width, words, comment)


def _table(context: Context, name: str) -> RomImage:
    fields = context.tables[name]
    places = ", ".join(f"{field.name} ({context.bits(field)})" for field in fields)
    comments = [f"from the high end on, with their bits: {places}"]
    if name == "walk":
        steps = context.program.steps
        comments += [f"{i}: {printable(steps[row.step].name)}" for i, row in enumerate(context.plan.passes)]
    words = [packed(context, fields, row) for row in rows(context.plan)[name]]
    return RomImage(width(context, fields), words, tuple(comments))


def _codebook(context: Context) -> RomImage:
    words = np.zeros(context.numbers["BookDepth"], np.int64)
    for at in context.plan.books:
        values = context.program.codebooks[at.codebook][: 1 << at.code_w]
        words[at.first : at.first + values.size] = values
    return _image(16, words, "codebook, shared by all PEs")


def _of_pes(context: Context) -> Iterator[tuple[str, RomImage]]:
    """Yield {start, count} of each column, and {run, code} of each dense code and entry, a PE each."""
    program, plan, sizes = context.program, context.plan, context.numbers
    start, count = contents.starts(program, plan)
    start_w, count_w, entry_w = (sizes[name] for name in ("StartW", "CountW", "EntryW"))
    dense = [contents.codes(program, block) for block in plan.codes]
    for pe in range(program.pes):
        group, lane = divmod(pe, plan.lanes)
        # The start of an empty column may lie one past the end: it is never read.
        columns = (start[group, lane] & ((1 << start_w) - 1)) << count_w | count[group, lane]
        title = f"pointers of PE {pe}: start ({start_w} bits), count ({count_w} bits)"
        yield f"pe{pe:03}_ptr", _image(start_w + count_w, _padded(columns, sizes["Columns"]), title)
        parts = [block[group, lane] for block in dense]
        parts += [contents.entries(program, block, group, lane) for block in plan.columns]
        entries = _padded(np.concatenate([np.zeros(0, np.int64), *parts]), sizes["Entries"])
        yield f"pe{pe:03}_spmat", _image(entry_w, entries, f"Spmat of PE {pe}: dense codes, then entries: run, code")


def _of_lanes(context: Context) -> Iterator[tuple[str, RomImage]]:
    """Yield the biases, and the multipliers where there are any, of each lane: a local row a word."""
    program, plan, sizes = context.program, context.plan, context.numbers
    for lane in range(plan.lanes):
        words = np.zeros(sizes["Biases"], np.int64)
        for at in plan.biases:
            words[at.first : at.first + at.rows] = at.plus
            if at.bias >= 0:
                mine = program.biases[at.bias][lane :: plan.lanes]
                words[at.first : at.first + mine.size] += mine
        title = f"biases of lane {lane} at accumulator scale, half of the last place added where nothing is multiplied"
        yield f"lane{lane:03}_bias", _image(sizes["AccW"], words, title)
        if sizes["HasScale"]:
            words = np.ones(sizes["Scales"], np.int64)
            for scale in plan.scales:
                mine = program.multipliers[scale.multiplier][lane :: plan.lanes]
                words[scale.first : scale.first + mine.size] = mine
            yield f"lane{lane:03}_scale", _image(16, words, f"multipliers of lane {lane}")


def _padded(values: Array, size: int) -> Array:
    return np.concatenate([values, np.zeros(size - values.size, np.int64)])
