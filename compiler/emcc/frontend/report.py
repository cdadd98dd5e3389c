"""What the front end says about a model: plain values, without onnx."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NodeReport:
    """Whether emcc takes one node; names are untrusted text, to be printed through `text.printable`.

    Attributes:
        name: the node's name, or its first output's where it has none.
        op: operator type, with its domain in front where that is not the default one.
        supported: whether emcc knows what it means, so that `emcc compress` works on it.
        reason: why not, or a note; may be empty.
        hint: what to change; may be empty.
        eie: whether --target eie has hardware for it.
    """

    name: str
    op: str
    supported: bool
    reason: str = ""
    hint: str = ""
    eie: bool = True


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
        taken: the tensors that are taken as the outputs, where those are not all of the model's; or "".
        several: whether more than one input or output is taken.
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
    several: bool = False


@dataclass(frozen=True)
class Remarks:
    """What to know of a file for holding its Graph against another runtime.

    Attributes:
        half: whether an input is of half precision, or a tensor is cast to it: nothing is closer than that.
        outputs: the names of all outputs.
    """

    half: bool
    outputs: tuple[str, ...]


class Survey(list[NodeReport]):
    """A report for every node that the output depends on, in order, and the facts of the model."""

    def __init__(self, reports: list[NodeReport], facts: ModelFacts) -> None:
        super().__init__(reports)
        self.facts = facts

    @property
    def supported(self) -> bool:
        """Whether emcc takes the model: `emcc compress` works on it."""
        return not self.facts.problems and all(report.supported for report in self)

    @property
    def eie(self) -> bool:
        """Whether `emcc compile --target eie` will take the model."""
        return self.supported and not self.facts.several and all(report.eie for report in self)
