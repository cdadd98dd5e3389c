"""The operators by name. Those that are not elementwise are in modules of their own, imported when first used."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from emcc.ir.graph import Node
from emcc.ir.norms import NORMS
from emcc.ops.activations import ACTIVATIONS
from emcc.ops.attributes import axes, integer, integers, natural, number, one_of, pads, pair, positive, sizes
from emcc.ops.elementwise import ELEMENTWISE
from emcc.ops.functions import FUNCTIONS
from emcc.ops.grid import GRID, STEPPED
from emcc.ops.operator import Operator, Shape, Trait


def _module(name: str, *traits: Trait, **fields: Any) -> Operator:
    """The entry of an operator whose `shape` and `evaluate` are in module `name` of this package."""

    def shape(node: Node, *shapes: Shape | None) -> Shape:
        result: Shape = import_module(f"emcc.ops.{name}").shape(node, *shapes)
        return result

    def evaluate(xp: Any, node: Node, *values: Any) -> Any:
        return import_module(f"emcc.ops.{name}").evaluate(xp, node, *values)

    return Operator(shape, evaluate, frozenset(traits), **fields)


RESHAPES: tuple[Trait, ...] = ("channel-wise", "keeps order", "keeps zero", "moves", "selects")
FLAG = one_of(0, 1)
WINDOW = {"dilations": pair, "pads": pads, "strides": pair}
STEP = {
    "act_w": one_of(8, 16),
    "function": one_of("identity", "relu", "table"),
    "hi_bits": natural,
    "lo_bits": natural,
    "shift": natural,
    "z_frac": integer,
}
"""Of every quantised operator: what follows its sums."""

CODED = {**STEP, "code_w": one_of(1, 2, 4, 8, 16), "weight_frac": integer}
POOL = {**WINDOW, "ceil_mode": FLAG, "kernel_shape": pair}
PICKS: tuple[Trait, ...] = ("keeps zero", "picks", "selects")
KINDS = "L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare"
REDUCTIONS = tuple(f"Reduce{name}" for name in KINDS.split())
RECURRENT: tuple[Trait, ...] = ("compressed", "hosted", "recurrent")
SEQUENCE = {"direction": one_of("forward", "reverse", "bidirectional"), "hidden": positive}
BLOCKS = {"blocksize": positive, "mode": one_of("DCR", "CRD")}
OPERATORS: Mapping[str, Operator] = MappingProxyType(
    {
        **ACTIVATIONS,
        **ELEMENTWISE,
        **FUNCTIONS,
        **STEPPED,
        **{op: _module("reductions", "hosted", attrs={"axes": axes, "keepdims": FLAG}) for op in REDUCTIONS},
        "ArgMax": _module("host", "host", attrs={"axis": integer, "keepdims": FLAG, "select_last_index": FLAG}),
        "AveragePool": _module("pooling", "channel-wise", "pooling", attrs={**POOL, "count_include_pad": FLAG}),
        "BatchMatMul": _module("batch_matmul", "hosted", "joins", inputs="ee"),
        "BatchNormalization": _module(
            "batch_normalization", "affine", "channel-wise", inputs="xcccc", attrs={"epsilon": number}
        ),
        "Concat": _module("concat", "joins", "selects", attrs={"axis": positive}, more=True),
        "Conv": _module("conv", "convolution", inputs="xcc", attrs={**WINDOW, "group": positive}, optional=2),
        "DepthToSpace": _module("blocks", *PICKS, "moves", attrs=BLOCKS),
        "DequantizeLinear": _module("grid", "grid", "host", attrs=GRID),
        "Embedding": _module("embedding", "compressed", "later", inputs="xc"),
        "Flatten": _module("moves", *RESHAPES, attrs={"axis": one_of(1)}),
        "GRU": _module(
            "recurrent", *RECURRENT, inputs="xccc", attrs={**SEQUENCE, "linear_before_reset": FLAG}, optional=3
        ),
        "Gather": _module("picks", *PICKS, attrs={"axis": positive, "indices": axes}),
        "Gemm": _module(
            "gemm",
            "matrix",
            inputs="xcc",
            attrs={"alpha": number, "beta": number, "transA": one_of(0), "transB": FLAG},
            optional=2,
        ),
        "GlobalAveragePool": _module("pooling", "channel-wise", "pooling"),
        "GroupNormalization": _module(
            "normalisation", "hosted", inputs="xcc", attrs={"epsilon": number, "num_groups": positive}
        ),
        "InstanceNormalization": _module("normalisation", "hosted", inputs="xcc", attrs={"epsilon": number}),
        "LRN": _module(
            "normalisation", "hosted", attrs={"alpha": number, "beta": number, "bias": number, "size": positive}
        ),
        "LayerNormalization": _module(
            "normalisation", "hosted", inputs="xcc", attrs={"axis": positive, "epsilon": number}, optional=2
        ),
        "LSTM": _module("recurrent", *RECURRENT, inputs="xcccc", attrs={**SEQUENCE, "cell": FLAG}, optional=3),
        "Linear": _module("linear", "folded", inputs="xcc"),
        "LogSoftmax": _module("host", "host", attrs={"axis": integer}),
        "LpNormalization": _module("normalisation", "hosted", attrs={"axis": positive, "p": one_of(1, 2)}),
        "MatMul": _module("matmul", "matrix", inputs="ee"),
        "MaxPool": _module("pooling", "channel-wise", "pooling", "selects", attrs=POOL),
        "Normalizer": _module("normalizer", "front", attrs={"norm": one_of(*NORMS)}),
        "Pad": _module(
            "picks",
            "keeps zero",
            "padding",
            "selects",
            attrs={"after": axes, "before": axes, "mode": one_of("constant", "edge", "reflect", "wrap")},
        ),
        "QAveragePool": _module(
            "qlocal",
            "quantised",
            inputs="xccc",
            attrs={**POOL, "count_include_pad": FLAG, **STEP, "weight_frac": integer},
            optional=2,
        ),
        "QConv": _module(
            "qlinear", "quantised", inputs="xkccccc", attrs={**WINDOW, **CODED, "group": positive}, optional=4
        ),
        "QLinear": _module("qlinear", "quantised", inputs="xkccccc", attrs=CODED, optional=4),
        "QProduct": _module("qlocal", "joins", "quantised", inputs="xxcc", attrs=STEP, optional=2),
        "QSum": _module("qlocal", "joins", "quantised", inputs="e", attrs={**STEP, "weights": integers}, more=True),
        "Reshape": _module("moves", *RESHAPES, attrs={"shape": sizes}),
        "QuantizeLinear": _module("grid", "grid", "host", attrs=GRID),
        "RMSNormalization": _module(
            "normalisation", "hosted", inputs="xc", attrs={"axis": positive, "epsilon": number}, optional=1
        ),
        "Resize": _module("picks", *PICKS, "channel-wise", attrs={"factors": sizes}),
        "Shift": _module("shift", "compressed", "folded", "later", inputs="xc"),
        "Slice": _module("picks", *PICKS, attrs={"begins": axes, "counts": sizes, "steps": integers}),
        "Softmax": _module("host", "host", attrs={"axis": integer}),
        "SpaceToDepth": _module("blocks", *PICKS, "moves", attrs=BLOCKS),
        "Squeeze": _module("moves", *RESHAPES, attrs={"axes": axes}),
        "Tile": _module("picks", *PICKS, attrs={"repeats": sizes}),
        "TopK": _module(
            "reductions", "hosted", attrs={"axis": positive, "indices": FLAG, "k": positive, "largest": FLAG}
        ),
        "Transpose": _module("moves", "keeps zero", "moves", "selects", attrs={"perm": axes}),
        "Unsqueeze": _module("moves", *RESHAPES, attrs={"axes": axes}),
    }
)


def get(op: str) -> Operator:
    """The operator called `op`. Raises KeyError where there is none."""
    return OPERATORS[op]


def traits(op: str) -> frozenset[Trait]:
    """The traits of the operator called `op`; none where there is no such operator."""
    return OPERATORS[op].traits if op in OPERATORS else frozenset()


def having(trait: Trait) -> tuple[str, ...]:
    """The names of the operators that have a trait, sorted."""
    return tuple(sorted(op for op, operator in OPERATORS.items() if trait in operator.traits))


def does_nothing(node: Node, x: Shape, y: Shape) -> bool:
    """Whether a node that makes a tensor of shape y from one of shape x changes neither shape nor order nor values."""
    if node.op == "Transpose":
        return list(node.attrs["perm"]) == sorted(node.attrs["perm"])
    return "no-op" in traits(node.op) or ("keeps order" in traits(node.op) and x == y)
