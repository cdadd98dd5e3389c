"""The operators: one file each, loaded when first used.

An operator's file defines `shape(node, *shapes) -> Shape`, the shape rule, and `evaluate(xp, node, *values)`, its
one meaning, written against a namespace `xp` (numpy or torch). Shapes are those of `ir.graph.Tensor`: shape[0] of
data is None, the batch. An absent optional input is None in both. `shape` raises ValueError where the operator does
not fit its inputs.
"""

from emcc.ops.registry import OPERATORS, Operator, get

__all__ = ["OPERATORS", "Operator", "get"]
