"""The operators: their entries in `registry`, each with its meaning in NumPy and torch."""

from emcc.ops.operator import Operator, Shape, Trait
from emcc.ops.registry import does_nothing, get, having, traits

__all__ = ["Operator", "Shape", "Trait", "does_nothing", "get", "having", "traits"]
