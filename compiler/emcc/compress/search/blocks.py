"""A search over product quantisation: how long blocks are, and how many sub-vectors a codebook has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from emcc.base.errors import EmccError
from emcc.compress.product.product import Product
from emcc.compress.product.training import Centroids, turns
from emcc.compress.search.search import Result, Searcher
from emcc.compress.state import State, graph_of, state_of
from emcc.passes.layers import Layer, linear_layers

SHORTEST, FEWEST = 2, 16
"""Of blocks and codebooks that are tried; each is half as long, and a quarter as large, as the one before."""


@dataclass(frozen=True)
class Tried:
    """A form of the method, and what it makes untrained: bytes of the file, loss on the samples that decide."""

    product: Product
    bytes: int
    loss: float


class Blocker(Searcher):
    """Forms of the method up to the options' block and entries, made untrained; then the one that serves is trained.

    A form that is larger and no better untrained than another is out. Layers are quantised one after another, and what
    is behind them, sub-vectors and biases trained (iterative product quantisation, see `product.training.Iterative`).
    """

    def run(self) -> Result:
        """The smallest file that --max-drop allows, or the best model that --target-size allows."""
        start, shrunk = self.begun()
        forms = _useful(self._untrained(start))
        shared = self._good_enough(forms) if self.goal.max_drop is not None else self._sized(forms)
        self.note("shared", shared, start.weights)
        facts = {"scan": [], "scores": {}, **shrunk}
        return self.result(start, shared, facts)

    def _forms(self) -> list[Product]:
        """The method with shorter blocks and smaller codebooks, the largest first."""
        product = self.codebooks
        assert isinstance(product, Product)
        blocks = [product.block >> i for i in range(8) if product.block >> i >= SHORTEST]
        entries = [product.entries >> 2 * i for i in range(4) if i == 0 or product.entries >> 2 * i >= FEWEST]
        return [replace(product, block=block, entries=count) for block in blocks for count in entries]

    def _untrained(self, start: State) -> list[Tried]:
        """Every form of the method on the weights as they are."""
        layers, forms, tried = list(linear_layers(self.problem.network)), self._forms(), list[Tried]()

        def made(form: Product) -> list[float]:
            shared = self._quantised(form, start, layers)
            return [self.bytes(shared), self.problem.judge(graph_of(self.problem.network, shared))[0]]

        for form in forms:
            size, loss = self.store.value(partial(made, form))
            tried.append(Tried(form, int(size), float(loss)))
            self.say("trying blocks", len(tried), len(forms), start, tried[-1].loss, self.before[1])
        return tried

    def _quantised(self, product: Product, state: State, layers: Sequence[Layer]) -> State:
        """The state with these layers product quantised."""
        made = state_of(product.quantised(graph_of(self.problem.network, state), layers))
        return replace(made, clock=state.clock)

    def _trained(self, product: Product) -> State:
        """A form of the method, layer by layer; passes are those of codes and of codebooks."""
        state, make = state_of(self.problem.network), partial(Centroids, bits=product.entry_bits)
        epochs, rate = self.options.code_epochs + self.options.shared_epochs, self.options.shared_learning_rate
        for own, share in turns(list(linear_layers(self.problem.network)), epochs):
            state = self.store.state(partial(self._quantised, product, state, own))
            for epoch in range(share):
                state = self.epoch("training codebooks", state, epoch, share, make, rate=rate)
        return state.fresh()

    def _sized(self, forms: Sequence[Tried]) -> State:
        """Of the forms that fit untrained the one of least loss; the next smaller where training made it too large."""
        target = int(self.goal.target_size or 0)
        least = forms[0].bytes
        for form in reversed([form for form in forms if form.bytes <= target]):
            shared = self._trained(form.product)
            least = self.bytes(shared)
            if least <= target:
                return shared
        raise EmccError(
            f"a size of {target} bytes cannot be reached by product quantisation: {least} are needed",
            hint="ask for more with --target-size, or for longer blocks with [product] block in the recipe",
        )

    def _good_enough(self, forms: Sequence[Tried]) -> State:
        """The smallest form that, trained, loses no more than `max_drop`, by bisection: its neighbour loses more."""
        low, high, tried = -1, len(forms), dict[int, State]()
        while high - low > 1:
            middle = (low + high) // 2
            tried[middle] = self._trained(forms[middle].product)
            low, high = (low, middle) if self.fits(tried[middle]) else (middle, high)
        if high in tried:
            return tried[high]
        best = tried[len(forms) - 1]
        lost = self.problem.yardstick.lost(self.problem.outputs(graph_of(self.problem.network, best)))
        if self.goal.refuses and lost > float(self.goal.max_drop or 0.0):
            raise EmccError(
                f"product quantisation loses {lost:.2f} points at its finest, blocks of {forms[-1].product.block} and "
                f"{forms[-1].product.entries} sub-vectors; {self.goal.max_drop:g} are allowed",
                hint="allow more with --max-drop, or share weights by another method",
            )
        return best


def _useful(forms: Sequence[Tried]) -> list[Tried]:
    """Those of which no smaller one is as good, from the smallest on."""
    kept: list[Tried] = []
    for form in sorted(forms, key=lambda each: (each.bytes, each.loss)):
        if not kept or form.loss < kept[-1].loss:
            kept.append(form)
    return kept
