"""Every memory of the array of column groups: what the report and the manifest are made of."""

from dataclasses import replace

from emcc.eie.groups.sizes import WEIGHT_W, bits
from emcc.eie.groups.tables import Context, rows, width
from emcc.eie.memory import Memory

WORD_QUEUE = 16
"""Words that a group's queue holds; emcc_scan's own."""

OUTPUT_QUEUE = 8
"""Activations that are read and not yet sent, at most; emcc_host's own."""

STREAMED = ("ptr", "spmat", "bias", "scale")
"""Memories that a boot image fills."""

_WORD_FLAGS = 5
"""Bits of a word in that queue beside its lanes, its column and its row; emcc_scan's own."""


def core_memories(context: Context) -> tuple[Memory, ...]:
    """Return every memory that the array has; tables first, in the order of the ROM images."""
    program, plan, sizes = context.program, context.plan, context.numbers
    pes, groups, lanes = program.pes, plan.groups, plan.lanes
    tables = [
        Memory(name, "table", len(rows(plan)[name]), width(context, fields), 1, "shared")
        for name, fields in context.tables.items()
    ]
    functions = lanes * sizes["HasTable"]
    word = _WORD_FLAGS + sizes["InfoW"] + sizes["RowW"] + lanes
    result = [
        *tables,
        Memory("codebook", "rom", sizes["BookDepth"], WEIGHT_W, pes * sizes["HasBook"], "shared"),
        Memory("coarse", "rom", sizes["CoarseDepth"], program.act_w, functions, "shared"),
        Memory("fine", "rom", sizes["FineDepth"], program.act_w, functions, "shared"),
        Memory("ptr", "rom", sizes["Columns"], sizes["StartW"] + sizes["CountW"], pes, "pe"),
        Memory("spmat", "rom", sizes["Entries"], sizes["EntryW"], pes, "pe"),
        Memory("bias", "rom", sizes["Biases"], program.acc_w, lanes, "lane"),
        Memory("scale", "rom", sizes["Scales"], WEIGHT_W, lanes * sizes["HasScale"], "lane"),
        Memory("activations", "ram", plan.act_words, program.act_w, pes),
        Memory("accumulators", "ram", plan.acc_rows, program.acc_w + 1, 2 * pes),
        Memory(
            "activation queue", "fifo", program.queue_depth, 1 + sizes["RowW"] + program.act_w + sizes["LoadW"], pes
        ),
        Memory("word queue", "fifo", WORD_QUEUE, word, groups),
        Memory("word count", "fifo", WORD_QUEUE, 1 + bits(lanes + 1), groups),
        Memory("word data", "fifo", WORD_QUEUE, lanes * program.act_w, groups),
        Memory("output queue", "fifo", OUTPUT_QUEUE, program.act_w, 1),
    ]
    apart = context.updatable
    rows_of = (_filled(row, context) if context.streamed and row.name in STREAMED else row for row in result)
    return tuple(replace(row, apart=apart and row.kind == "rom") for row in rows_of if row.copies)


def _filled(memory: Memory, context: Context) -> Memory:
    large = context.spram_bits and memory.depth * memory.width >= context.spram_bits
    return replace(memory, kind="spram" if large else "ram", content="")
