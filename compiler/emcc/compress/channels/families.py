"""Families of channels that go together: what every criterion ranks, and what is cut.

The idea is that of DepGraph (Fang et al., "DepGraph: Towards any structural pruning", CVPR 2023): channels that an
operator couples are one group, found in the graph and not written down for a network.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from emcc.compress.channels.tied import FIXED, tied
from emcc.ir.graph import Array, Graph


@dataclass(frozen=True)
class Family:
    """Layers whose channels are tied, as a residual sum ties them; of one layer where nothing does.

    Attributes:
        name: of the first layer.
        units: int64 [n], the number of each unit (`Channels.of`): a unit is what goes, or stays, as one.
        rows: by the layer's name, int64 [out]: the place in `units` of each of its channels.
    """

    name: str
    units: Array
    rows: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.units)

    def summed(self, worth: Mapping[str, Array]) -> Array:
        """float64 [n]: what the layers' channels, float64 [out] each, are worth, summed over each unit."""
        parts = [np.bincount(rows, worth[layer], len(self)) for layer, rows in self.rows.items()]
        return np.asarray(np.sum(parts, axis=0))


@dataclass(frozen=True)
class Channels:
    """The families of a graph.

    Attributes:
        of: by tensor, int64 in a sample's shape: the number of the unit that each element is of, or FIXED.
        whole: (layer, why) of those that stay whole, in the graph's order.
    """

    graph: Graph
    families: tuple[Family, ...]
    of: Mapping[str, Array]
    whole: tuple[tuple[str, str], ...]


def channels(graph: Graph) -> Channels:
    """The families of a folded graph."""
    state = tied(graph)
    roots = state.roots()
    kept = {int(roots[number]): reason for number, reason in state.reasons.items()}
    families, whole = list[Family](), dict(state.lost)
    for layers in _joined({name: set(roots[numbers].tolist()) for name, numbers in state.owners.items()}):
        units = np.unique(np.concatenate([roots[state.owners[layer]] for layer in layers]))
        why = next((kept[unit] for unit in units.tolist() if unit in kept), None)
        if why is None and len(units) > 1:
            rows = {layer: np.searchsorted(units, roots[state.owners[layer]]) for layer in layers}
            families.append(Family(layers[0], units, rows))
            continue
        whole |= {layer: _sentence(layer, why) for layer in layers}
    free = np.zeros(len(roots) + 1, bool)
    for family in families:
        free[family.units] = True
    numbers = np.append(np.where(free[roots], roots, FIXED), FIXED) if len(roots) else np.array([FIXED])
    of = {name: numbers[array] for name, array in state.of.items()}
    order = [node.name for node in graph.layers()]
    made = {layer for family in families for layer in family.rows}
    said = [(name, whole[name]) for name in order if name in whole and name not in made]
    return Channels(graph, tuple(families), of, tuple(said))


def _joined(units: Mapping[str, set[int]]) -> list[list[str]]:
    """Layers that share a unit, together, in order."""
    groups: list[tuple[list[str], set[int]]] = []
    for name, own in units.items():
        mine = ([name], set(own))
        for group in [group for group in groups if group[1] & own]:
            groups.remove(group)
            mine = ([*group[0], *mine[0]], group[1] | mine[1])
        groups.append(mine)
    order = list(units)
    return sorted((sorted(names, key=order.index) for names, _ in groups), key=lambda names: order.index(names[0]))


def _sentence(layer: str, why: tuple[str, str] | None) -> str:
    if why is None:
        return "has one channel"
    what, node = why
    return what if node == layer else f"its channels reach a node that {what}: {node}"
