"""The numbers of a model's header: widths, sizes, what there is."""

from collections.abc import Mapping
from dataclasses import dataclass

from emcc.backends.hls.context import FORMED, Context
from emcc.backends.hls.external import BITS as OUTSIDE
from emcc.backends.hls.fields import signed, unsigned
from emcc.backends.hls.weights import FORMS
from emcc.ops.fixed import MULTIPLIER_W

BITS = {"uint8_t": 8, "int8_t": 8, "int16_t": 16, "uint16_t": 16, "int32_t": 32, "uint32_t": 32, "int64_t": 64}


@dataclass(frozen=True)
class Table:
    """A read-only array: its name without "emcc_", C type, numbers."""

    name: str
    type: str
    values: list[int]

    @property
    def bytes(self) -> int:
        """What it takes; nothing where it has no numbers, though C has one then."""
        return len(self.values) * BITS[self.type] // 8


def types(context: Context) -> Mapping[str, str]:
    """Return the C types of an activation, a sum, and what a sum becomes before it is shifted."""
    program = context.program
    acc = "int32_t" if program.acc_w <= 32 else "int64_t"
    wide = "int64_t" if program.multipliers or acc == "int64_t" else "int32_t"
    return {"act": f"int{program.act_w}_t", "acc": acc, "wide": wide}


def tables(context: Context) -> list[Table]:
    """Return the read-only arrays in the order of their names in the file."""
    act = types(context)["act"]
    kinds = {
        "bytes": "int8_t",
        "codes": "uint8_t",
        "words": "int16_t",
        "books": "int16_t",
        "runs": "uint8_t",
        "scales": "int16_t",
    }
    kinds |= {"coarse": act, "fine": act}
    found = []
    for name, values in context.arrays.all.items():
        if context.external and name in OUTSIDE:
            continue
        if name in kinds:
            kind = kinds[name]
        else:
            kind = unsigned(max(values, default=0)) if name == "starts" else signed(values)
        found.append(Table(name, kind, values))
    return found


def held(context: Context) -> list[tuple[str, str, int]]:
    """Return the arrays that are filled from outside: name without "emcc_", C type, elements."""
    kinds = {"bytes": "int8_t", "codes": "uint8_t", "words": "int16_t", "runs": "uint8_t", "starts": "uint32_t"}
    return [(name, kinds[name], size) for name, size in context.external.sizes.items()] if context.external else []


def numbers(context: Context) -> Mapping[str, int]:
    """Return the macros of the header by name, without "EMCC_"."""
    program = context.program
    forms = dict.fromkeys(FORMED, 0)
    for call in context.calls:
        if call.formed:
            forms[call.kernel] |= call.row["form"]
    split = program.tables[0] if program.tables else None
    return {
        "ACT_W": program.act_w,
        "ACC_W": program.acc_w,
        "WIDE_W": program.acc_w + (MULTIPLIER_W if program.multipliers else 0),
        "MEM": context.layout.depth,
        "ROWS": max(1, context.acc_rows),
        "WINDOW": max(1, context.window),
        **FORMS,
        **{kernel.upper(): held for kernel, held in forms.items()},
        "FULL_CALLS": sum(call.kernel == "full" for call in context.calls),
        **{"IDENTITY": 0, "RELU": 1, "TABLE": 2},
        "HAS_SCALE": int(bool(context.arrays.others["scales"])),
        "HAS_TABLE": int(bool(context.arrays.others["coarse"])),
        "HAS_ORDER": int(bool(context.arrays.others["orders"])),
        **({"EXTERNAL": len(context.external.words)} if context.external else {}),
        "LO_BITS": split.lo_bits if split else 0,
        "HI_BITS": split.hi_bits if split else 0,
    }
