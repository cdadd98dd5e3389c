"""What a method of compression is, and the row of each.

A method is one file with one frozen dataclass. Its fields made with `option` are its section of the recipe. Its
`role` is its place in a schedule, and the stage of `legal.rows` that it leaves behind: "shrink" takes out whole
channels, "factor" splits layers into smaller ones, "binarise" has layers hand on signs, "prune" chooses the weights
that stay, "share" gives those that are left a codebook a layer. The fixed schedule of `emcc compile` (`finetune.py`)
and the searches for a goal (`search/`) use methods through what stands here and nothing else, so that adding a method
touches its file and its row in METHODS.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Protocol, Self

from emcc.base.errors import EmccError
from emcc.base.options import option
from emcc.base.text import printable
from emcc.compress.state import State
from emcc.ir.graph import Array, Graph

Masks = dict[str, Array]
"""Bool by weight constant, in its shape: which weights stay."""

Chooser = Callable[[Mapping[str, Array], Mapping[str, Array], float], Masks]
"""Of weights, their gradients (empty at the first step) and the time in the stage (0 to 1) to masks."""

Setting = tuple[int, float]
"""Entries of a codebook besides zero, and the price of a code's bit in squared error (see `Codebooks.assign`)."""

Books = tuple[dict[str, Array], dict[str, Array]]
"""(values float32 [K] or [rows, K] with zero as entry 0, codes uint8 in the weights' shape), by weight constant; see
`State.values`."""

Costs = Mapping[str, Array]
"""What a squared error of each weight costs against the layer's others, float64 > 0, by weight constant, in its shape;
layers that are not there count all alike."""

Assigner = Callable[[Mapping[str, Array]], Books]


class Parameters(Protocol):
    """A way to train a State: its leaves, the graph's constants as functions of them, and the way back."""

    @property
    def leaves(self) -> Mapping[str, Any]:
        """Tensors to optimise, by the constant that each is for."""
        ...

    @property
    def decays(self) -> frozenset[str]:
        """Names of the leaves that weight decay is for."""
        ...

    def project(self, step: int, at: float) -> None:
        """Bring the leaves back to what the method allows; called before each step, `at` (0 to 1) in the stage."""
        ...

    def constants(self) -> dict[str, Any]:
        """The graph's weights and biases as differentiable functions of the leaves."""
        ...

    def result(self, state: State) -> State:
        """`state` with the weights, codebooks and biases that the leaves stand for now."""
        ...


Make = Callable[[Any, State], Parameters]
"""From torch and a State to the parameters of a stage."""


class Method(Protocol):
    """What every method has."""

    name: ClassVar[str]
    role: ClassVar[str]

    def apply(self, graph: Graph) -> Graph:
        """Compress as the options say, without training. Raises EmccError where the model is at fault."""
        ...


class Shrinks(Method, Protocol):
    """A method that takes out whole channels."""

    @property
    def epochs(self) -> int:
        """Passes over the data after channels went, of all its stages together."""
        ...

    def of(self, source: Graph) -> Self:
        """The method with what it wants to know of the model before folding."""
        ...

    def on(self, problem: Any) -> Self:
        """The method with a `Problem`, or None where there is no data."""
        ...

    def check(self, graph: Graph, data: bool) -> object:
        """EmccError where it cannot be applied to the folded graph, with data or without."""
        ...

    def partly(self, share: float) -> Self:
        """The method at this share of the strength that its options ask for."""
        ...

    def stagewise(self, graph: Graph, tune: Callable[[Graph, int], Graph]) -> Graph:
        """The smaller graph; `tune(graph, epochs)` trains what a stage leaves."""
        ...


class Splits(Method, Protocol):
    """A method that splits layers into smaller ones."""

    def telling(self, progress: Callable[[str], None]) -> Self:
        """The method with what hears of each layer as it is split."""
        ...


class Binarises(Method, Protocol):
    """A method that has layers hand on signs."""

    @property
    def epochs(self) -> int:
        """Passes over the data with signs, before anything is pruned or shared."""
        ...

    def on(self, problem: Any) -> Self:
        """The method with a `Problem`, whose samples it looks at."""
        ...

    def check(self, graph: Graph) -> object:
        """EmccError where it cannot be applied to the folded graph."""
        ...


class Zeros(Method, Protocol):
    """A method that chooses zeros."""

    def partly(self, share: float) -> Self:
        """The method at this share of the strength that its options ask for: gradual schedules grow it to 1."""
        ...

    def forms(self, curvature: Mapping[str, float]) -> Mapping[str, Self]:
        """Forms of the method that a search may audition, by name; one under its own name where there is no choice.

        `curvature`: of `importance.scan`, by weight constant.
        """
        ...

    @property
    def measures(self) -> bool:
        """Whether it looks at data to say what a weight is worth."""
        ...

    def worth(self, problem: Any, state: State) -> Mapping[str, Array] | None:
        """What each weight of a state is worth, as it is measured on a `Problem`; None where weights alone say it."""
        ...

    def given(self, worth: Mapping[str, Array] | None) -> Self:
        """The method with that, for `apply`; with None it goes by the weights alone."""
        ...

    def choose(
        self, graph: Graph, weights: Mapping[str, Array], count: int, worth: Mapping[str, Array] | None = None
    ) -> Masks:
        """Choose exactly `count` weights that stay, fewer only where fewer are not zero.

        worth: of each weight, in its shape, where that was measured (`importance.saliency`) and the method may use it.
        """
        ...

    def parameters(self, torch: Any, state: State, choose: Chooser | None, every: int) -> Parameters:
        """Train the weights that are not zero; `choose` moves the zeros every so many steps, None keeps them."""
        ...

    def bits_of(self, kept: int, size: int) -> float:
        """Bits that the position of one of `kept` weights of `size` takes in the file."""
        ...


class Codebooks(Method, Protocol):
    """A method that shares weights.

    Attributes:
        zeros_stay: whether weights that pruning made zero stay zero.
    """

    zeros_stay: ClassVar[bool]

    def on(self, x: Array) -> Self:
        """The method with samples of the model's input, float32 [n, ...], to weigh errors by, if it does."""
        ...

    def kept(self) -> Self:
        """The method with the options that --keep-weights has for it."""
        ...

    def sizes(self, weights: Array, most: int) -> Sequence[int]:
        """Ascending numbers of entries besides zero, at most `most`, that are worth trying for a layer."""
        ...

    def costs(self, graph: Graph, x: Array) -> Costs:
        """What errors of weights cost, on samples x, float32 [n, ...], of the model's input."""
        ...

    def assign(self, weights: Array, setting: Setting, cost: Array | None = None) -> tuple[Array, Array]:
        """(values, codes) of a layer: see Books. Zeros stay zero. `cost`: of the layer, see Costs."""
        ...

    def parameters(self, torch: Any, state: State, assign: Assigner, every: int) -> Parameters:
        """Train weights through their codebooks; `assign` makes these anew every so many steps."""
        ...

    def entries(self, torch: Any, state: State, biases: bool = True) -> Parameters:
        """Train codebooks, and biases where asked to, with the codes as they are."""
        ...

    def bits_of(self, values: Array, codes: Array) -> float:
        """Bits that a layer's codes and codebook take in the file, positions left out."""
        ...


METHODS: dict[str, tuple[str, str]] = {
    "filters": ("shrink", "emcc.compress.filters:Filters"),
    "svd": ("factor", "emcc.compress.factors.svd:Svd"),
    "spatial-svd": ("factor", "emcc.compress.factors.spatial:SpatialSvd"),
    "tucker-2": ("factor", "emcc.compress.factors.tucker:Tucker2"),
    "cp": ("factor", "emcc.compress.factors.cp:Cp"),
    "binary-activations": ("binarise", "emcc.compress.signs.binary_activations:BinaryActivations"),
    "prune": ("prune", "emcc.compress.magnitude:Prune"),
    "share": ("share", "emcc.compress.kmeans:Share"),
    "uniform": ("share", "emcc.compress.quantisers.uniform:Uniform"),
    "power-of-two": ("share", "emcc.compress.quantisers.power_of_two:PowerOfTwo"),
    "ternary": ("share", "emcc.compress.quantisers.ternary:Ternary"),
    "binary": ("share", "emcc.compress.quantisers.binary:Binary"),
    "product": ("share", "emcc.compress.product.product:Product"),
}
"""(role, where it is) by name, which is its section of the recipe."""


def method(name: str) -> Any:
    """The class of a method, imported when first asked for."""
    module, kind = METHODS[name][1].split(":")
    return getattr(importlib.import_module(module), kind)


def spoken(name: str) -> str:
    """A method's name as users say it: those that are called as their role is by their file's."""
    role, where = METHODS[name]
    return where.split(":")[0].split(".")[-1] if name == role else name


def having(role: str) -> tuple[str, ...]:
    """Names of the methods of a role."""
    return tuple(name for name, (its_role, _) in METHODS.items() if its_role == role)


def combined(text: str) -> dict[str, str]:
    """{role: method} of names joined by "+": a method's name, or that of its file.

    Raises:
        EmccError: there is no such method, or two have one role.
    """
    files = {where.split(":")[0].split(".")[-1]: name for name, (_, where) in METHODS.items()}
    known = {**files, **{name: name for name in METHODS}}
    found: dict[str, str] = {}
    for word in (part.strip() for part in text.split("+")):
        if word not in known:
            raise EmccError(f"no method {printable(word, 60)!r}", hint=f"the methods are {', '.join(sorted(known))}")
        role = METHODS[known[word]][0]
        if role in found:
            raise EmccError(
                f"{printable(word)} and {found[role]} do the same", hint=f"name one of {', '.join(having(role))}"
            )
        found[role] = known[word]
    return found


NONE = "none"
"""No method of a role that may be left out."""


def binarising() -> tuple[str, ...]:
    """Names of the methods that have layers hand on signs, and that of none."""
    return (NONE, *having("binarise"))


def splitting() -> tuple[str, ...]:
    """Names of the methods that split layers, and that of none."""
    return (NONE, *having("factor"))


@dataclass(frozen=True)
class Combination:
    """The methods that compress a model: the recipe's [compress]."""

    factors: str = option(NONE, "the method that splits layers into smaller ones", choices=splitting, silent=True)
    activations: str = option(NONE, "the method that makes what layers hand on binary", choices=binarising, silent=True)
    zeros: str = option("prune", "the method that chooses zeros", choices=partial(having, "prune"))
    codebooks: str = option("share", "the method that shares weights", choices=partial(having, "share"))
    methods: str = option(
        "", 'in the place of these: methods joined by "+", "filters+magnitude+kmeans"; one a role', silent=True
    )
    name: ClassVar[str] = "compress"
