"""What the front end says about a model: plain values, without onnx."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Taken = str | Sequence[str] | None
"""A tensor, or tensors, to take as outputs; None where there is one that can be taken."""

Sizes = tuple[int | None, ...]
"""Sizes of every axis of an input, the samples first; None where nothing is said."""

ONLY = ""
"""Stands for the name of a model's only input."""


@dataclass(frozen=True)
class Shapes:
    """Where the sizes come from that a model's file leaves open.

    Attributes:
        given: by the inputs' names, or ONLY: every axis, None where the file's size stays.
        held: arrays of data by their names: every axis, samples first. They fill what is open, but for the samples.
    """

    given: Mapping[str, Sizes] = field(default_factory=dict)
    held: Mapping[str, Sizes] = field(default_factory=dict)


def names_of(taken: Taken) -> tuple[str, ...]:
    """The names in it."""
    return () if taken is None else (taken,) if isinstance(taken, str) else tuple(taken)


@dataclass(frozen=True)
class NodeReport:
    """Whether emcc takes one node; names are untrusted text, to be printed through `text.printable`.

    Attributes:
        name: the node's name, or its first output's where it has none.
        op: operator type, with its domain in front where that is not the default one.
        supported: whether emcc knows what it means, so that emcc works on it.
        reason: why not, or a note; may be empty.
        hint: what to change; may be empty.
    """

    name: str
    op: str
    supported: bool
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True)
class ModelFacts:
    """What a file holds.

    Attributes:
        name: the graph's name.
        ir_version, opset: of the file, of the default operator domain (0: not stated).
        producer: the exporter and its version, as stated.
        inputs, outputs: (name, type, axes), an axis being a number, a name or "?"; initializers are left out.
        nodes: nodes at the top level.
        parameters: elements of all floating-point initializers.
        size: bytes of the file and of the data files that it names.
        problems: why the model as a whole cannot be compiled, each a sentence with its hint.
        later: why an array cannot run the model yet, though `emcc compress` takes it; or "".
        taken: the tensors that are taken as outputs, where those are not the model's own; or "".
        renamed: what names are called here that cannot be written, by what they are in the file.
    """

    name: str
    ir_version: int
    opset: int
    producer: str
    inputs: tuple[tuple[str, str, tuple[int | str, ...]], ...]
    outputs: tuple[tuple[str, str, tuple[int | str, ...]], ...]
    nodes: int
    parameters: int
    size: int
    problems: tuple[str, ...] = ()
    taken: str = ""
    renamed: Mapping[str, str] = field(default_factory=dict)
    later: str = ""


@dataclass(frozen=True)
class Remarks:
    """What to know of a file for holding its Graph against another runtime.

    Attributes:
        half: whether an input is of half precision, or a tensor is cast to it: nothing is closer than that.
        outputs: the names of all outputs.
        renamed: what inputs and outputs are called here, by the names in the file that cannot be written.
        dynamic: whether it rounds by scales of every batch's own (DynamicQuantizeLinear), which emcc does not.
    """

    half: bool
    outputs: tuple[str, ...]
    renamed: Mapping[str, str] = field(default_factory=dict)
    dynamic: bool = False


class Survey(list[NodeReport]):
    """A report for every node that the output depends on, in order, and the facts of the model."""

    def __init__(self, reports: list[NodeReport], facts: ModelFacts) -> None:
        super().__init__(reports)
        self.facts = facts

    @property
    def supported(self) -> bool:
        """Whether emcc takes the model: `emcc compress` does, and `emcc compile` where nothing is `later`."""
        return not self.facts.problems and all(report.supported for report in self)
