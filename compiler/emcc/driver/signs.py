"""Layers hand on signs before anything else is compressed, where a method of the recipe does that."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from emcc.base.errors import EmccError
from emcc.compress.finetune import Binarising, Finetune
from emcc.driver.goals import Setup
from emcc.driver.recipe import Recipe
from emcc.ir.graph import Graph
from emcc.samples.dataset import Dataset


def check(recipe: Recipe, graph: Graph) -> None:
    """EmccError where a method of the recipe has layers of a folded graph hand on signs, and cannot."""
    if recipe.activations is not None:
        recipe.activations.check(graph)


def facts(before: Graph, after: Graph) -> dict[str, Any]:
    """ "signs" of emcc.json: which layers hand them on, and how many there are a sample, 1 bit each."""
    known, old = {node.name for node in before.nodes}, {node.name: node.outputs for node in before.layers()}
    made = [node.outputs[0] for node in after.nodes if node.op == "Bipolar" and node.name not in known]
    layers = [node.name for node in after.layers() if node.outputs != old[node.name]]
    return {"layers": layers, "activations": sum(after.tensors[name].features for name in made)}


@dataclass(frozen=True)
class Signs:
    """The pass: signs, what is trained of them, and the error of a goal that they alone exceed."""

    binarising: Binarising
    set_up: Setup

    @classmethod
    def of(
        cls, recipe: Recipe, data: Dataset | None, against: Graph, set_up: Setup, task: str, tell: Callable[[Any], None]
    ) -> tuple["Signs", ...]:
        """The one that the recipe names, in a tuple; (): none. `against`: what is learned from, and held against."""
        if recipe.activations is None:
            return ()
        tuner = replace(recipe.of(Finetune), data=data, teacher=against, sides=set_up.sides, task=task, progress=tell)
        return (cls(Binarising(recipe.activations, tuner), set_up),)

    @property
    def name(self) -> str:
        """The method's."""
        return self.binarising.name

    @property
    def role(self) -> str:
        """The method's."""
        return self.binarising.role

    @property
    def finetune(self) -> Finetune:
        """What trains."""
        return self.binarising.finetune

    @property
    def epochs(self) -> int:
        """Passes over the data."""
        return self.binarising.activations.epochs

    def apply(self, graph: Graph) -> Graph:
        """The graph with signs. EmccError where they lose more than the goal allows in all."""
        made, goal, problem = self.binarising.apply(graph), self.set_up.goal, self.finetune.problem
        if goal is None or goal.max_drop is None or not goal.refuses:
            return made
        outputs = problem.outputs(made)
        quality, lost = problem.judged.score(outputs).value, problem.yardstick.lost(outputs)
        if lost <= goal.max_drop:
            return made
        raise EmccError(
            f"--max-drop {goal.max_drop:g} cannot be had: with {self.name} the model has {quality:.2f} % "
            f"{problem.measure} and loses {lost:.2f} points before any weight goes",
            hint=f"train longer ([{self.name}] epochs in the recipe), keep activations ([{self.name}.layers]), "
            "or allow more",
        )
