"""A student learns of its teacher, before it is compressed: hints first, then outputs and labels."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.base.options import option
from emcc.compress.finetune import Finetune
from emcc.compress.hints import Guided, Hint, Pair, matched
from emcc.compress.state import graph_of, state_of
from emcc.compress.trainer import Span, deterministic, import_torch, train
from emcc.ir.graph import Graph

STAGE = "learning hidden tensors"
NONE = "none"


@dataclass(frozen=True)
class Distil:
    """Trains a student on its teacher's outputs, softened, and on labels (Hinton et al. 2015), all weights of it.

    With `features` the student's layers up to a hidden tensor learn that of the teacher first (Romero et al. 2015).
    What decides (see Finetune) judges after every epoch, and the best is the result.
    """

    epochs: int = option(20, "passes over the data in which the student learns outputs and labels", low=0, high=10_000)
    learning_rate: float = option(2e-3, "of Adam; falls to zero along a cosine", low=0.0, high=1.0)
    soft: float = option(0.7, "share of the teacher's outputs in the aim, beside labels", low=0.0, high=1.0)
    temperature: float = option(4.0, "of the teacher's and the student's scores", low=0.01, high=1000.0)
    features: str = option(NONE, 'hidden tensors that go first: "none", "auto", or by their names, "TEACHER=STUDENT"')
    hint_epochs: int = option(10, "passes over the data for these", low=0, high=10_000)
    name: ClassVar[str] = "distil"

    def pair(self, teacher: Graph, student: Graph) -> Pair | None:
        """The hidden tensors that go first, of folded graphs. EmccError where they cannot be had."""
        return None if self.features == NONE else matched(teacher, student, self.features)

    def apply(self, student: Graph, tuner: Finetune) -> Graph:
        """The trained student; `tuner` has the data, the teacher, and how steps go."""
        assert tuner.teacher is not None
        pair = self.pair(tuner.teacher, student)
        own = replace(tuner, network=student, soft=self.soft, temperature=self.temperature)
        own = replace(own, epochs=self.epochs, learning_rate=self.learning_rate)
        if pair is not None:
            student = self._hinted(student, own, pair)
        return own.train(student, self.epochs)

    def _hinted(self, student: Graph, tuner: Finetune, pair: Pair) -> Graph:
        """The student once its layers up to the hidden tensor give the teacher's."""
        torch = import_torch()
        with deterministic(torch, tuner.threads):
            problem, state = tuner.problem, state_of(student)
            hint = Hint(torch, problem.original, student, pair, tuner.seed)
            guided = Guided(torch, state, hint)
            for epoch in range(self.hint_epochs):
                span = Span(epoch / self.hint_epochs, (epoch + 1) / self.hint_epochs, self.learning_rate)
                state, loss = train(problem, state, guided, span, lambda x, _, __, given: hint.loss(x, given))
                if not math.isfinite(loss):
                    raise EmccError("training diverged", hint="lower learning_rate in the recipe's [distil]")
                self._tell(tuner, epoch, loss, problem.measure)
            return graph_of(student, state)

    def _tell(self, tuner: Finetune, epoch: int, loss: float, measure: str) -> None:
        if tuner.progress:
            tuner.progress(Event(STAGE, epoch + 1, self.hint_epochs, loss, 0.0, math.nan, measure))


def facts(before: Graph, after: Graph, tuner: Finetune) -> dict[str, Any]:
    """Quality of the student on the samples that decide, in percent: as it came, and once it has learned."""
    torch = import_torch()
    with deterministic(torch, tuner.threads):
        problem = tuner.problem
        return {
            "measure": problem.measure,
            "teacher": problem.yardstick.before.value,
            "before": problem.judge(before)[1],
            "quality": problem.judge(after)[1],
        }
