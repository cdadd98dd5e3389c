"""The smallest models of what public bug reports of other tools are about: what was crashed on, or silently wrong."""

from reported import convolutions, elementwise, others, picking, products, reductions, resizing, shapes
from reported.case import Reported

CASES: tuple[Reported, ...] = tuple(
    case
    for kind in (convolutions, products, elementwise, reductions, shapes, picking, resizing, others)
    for case in kind.CASES
)
__all__ = ["CASES", "Reported"]
