"""--teacher: another model, whose student is what gets compressed, and against which it is held."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.compress.distil import Distil, facts
from emcc.compress.finetune import Finetune
from emcc.compress.search.goal import Goal
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompressOptions
from emcc.ir.graph import Graph
from emcc.measure.values import rounded, source
from emcc.samples.dataset import Dataset
from emcc.samples.split import Sides


@dataclass
class Teacher:
    """The teacher as it was read and folded, and what there is to say once a student has learned.

    Attributes:
        facts: of emcc.json: "teacher", of which "student" says what learning gave.
    """

    folded: Graph
    facts: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, options: CompressOptions, student: Graph, by: str) -> Self | None:
        """The one that the options name, for a student as it was read; None where there is none.

        Raises:
            EmccError: it cannot be read, there is nothing to learn on, or the interfaces differ.
        """
        from emcc.frontend import load
        from emcc.passes.fold import Fold

        if options.teacher is None:
            return None
        if options.keep_weights:
            raise EmccError("--keep-weights trains nothing, and --teacher teaches", hint="leave out one of them")
        if options.data is None:
            raise EmccError("--teacher teaches on samples", hint="give them with --data")
        read = load(options.teacher, by, options.output, options.shapes)
        graph, own = Fold().apply(read), Fold().apply(student)
        if details := [*differences(student, read), *endings(own, graph)]:
            raise EmccError(
                f"is not a student of {printable(str(options.teacher))}: their interfaces differ",
                file=options.model,
                details=details,
                hint="a student takes and gives what its teacher does: export it with the same inputs and outputs",
            )
        sizes = (array.size for name, array in graph.constants.items() if name in _parameters(graph))
        known = {**source(options.teacher), "parameters": sum(sizes)}
        return cls(graph, {"teacher": known})

    def taught(
        self, student: Graph, recipe: Recipe, data: Dataset | None, sides: Sides | None, task: str,
        tell: Callable[[Any], None],
    ) -> Graph:  # fmt: skip
        """The student once it has learned, as the recipe's [distil] says; folded, as it is."""
        tell(Distil.name)
        distil = recipe.of(Distil)
        pair = distil.pair(self.folded, student)
        tuner = replace(recipe.of(Finetune), data=data, teacher=self.folded, network=student, sides=sides, task=task)
        graph = distil.apply(student, replace(tuner, progress=tell))
        said = rounded(facts(student, graph, tuner))
        said |= {"features": [pair.teacher, pair.student]} if pair else {}
        self.facts = {"teacher": {**self.facts["teacher"], "student": said}}
        return graph

    def check(self, goal: Goal | None) -> None:
        """EmccError where the student has lost more than the goal allows before anything is taken from it."""
        said = self.facts["teacher"]["student"]
        if goal is None or goal.max_drop is None or not goal.refuses:
            return
        if said["teacher"] - said["quality"] > goal.max_drop:
            raise EmccError(
                f"--max-drop {goal.max_drop:g} cannot be had: {self.sentence}",
                hint="teach longer ([distil] epochs in the recipe), take a larger student, or allow more",
            )

    @property
    def sentence(self) -> str:
        """What learning gave."""
        said = self.facts["teacher"]["student"]
        return (
            f"{said['measure']} {said['before']:.2f} % before, {said['quality']:.2f} % after learning of "
            f"{printable(self.facts['teacher']['file'])}, which has {said['teacher']:.2f} %"
        )


def differences(student: Graph, teacher: Graph) -> Iterator[str]:
    """What differs between the interfaces of two models as they were read, a sentence each.

    A single input or output may have another name: nothing but its place tells what it is.
    """
    for kind, ours, theirs in (
        ("input", student.inputs, teacher.inputs),
        ("output", student.outputs, teacher.outputs),
    ):
        if len(ours) != len(theirs):
            yield f"{_count(len(ours), kind)}, and the teacher {_count(len(theirs), kind)}"
            continue
        if len(ours) > 1 and sorted(ours) != sorted(theirs):
            yield f"{kind}s {_names(ours)}, and the teacher {_names(theirs)}"
            continue
        if ours != theirs and len(ours) > 1:
            yield f"{kind}s in the order {_names(ours)}, and the teacher {_names(theirs)}"
            continue
        for own, other in zip(ours, theirs, strict=True):
            yield from _apart(f"{kind} {printable(own, 60)!r}", student, own, teacher, other)


def endings(student: Graph, teacher: Graph) -> Iterator[str]:
    """What differs between the operators that two folded models leave to the host at their end."""
    ours, theirs = (", ".join(op for op, _ in graph.host) or "none" for graph in (student, teacher))
    if ours != theirs:
        yield f"operators behind the last layer: {ours}, and the teacher's: {theirs}"


def _apart(what: str, student: Graph, own: str, teacher: Graph, other: str) -> Iterator[str]:
    ours, theirs = student.tensors[own], teacher.tensors[other]
    if ours.shape[1:] != theirs.shape[1:]:
        yield f"{what} is {list(ours.shape[1:])} a sample, the teacher's {list(theirs.shape[1:])}"
    if ours.dtype != theirs.dtype:
        yield f"{what} is {ours.dtype}, the teacher's {theirs.dtype}"


def _parameters(graph: Graph) -> set[str]:
    return {name for node in graph.layers() for name in node.inputs[1:]}


def _count(number: int, kind: str) -> str:
    return f"{number} {kind}{'' if number == 1 else 's'}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(repr(printable(name, 60)) for name in names)
