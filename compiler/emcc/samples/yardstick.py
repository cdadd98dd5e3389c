"""What a compressed model is held against: the original's score, and its outputs where it may know the samples."""

from dataclasses import dataclass

from emcc.ir.graph import Array, Graph
from emcc.samples import doubts
from emcc.samples.judge import Score
from emcc.samples.judges import AnyJudge, all_of_original, judge_all
from emcc.samples.split import VALIDATED, Sides


@dataclass(frozen=True)
class Yardstick:
    """The judge of some samples, and what the original gets from it.

    Attributes:
        judged: the judge. before: the original's score.
        same: the judge that takes the original's outputs for right; itself: the original's score by that one.
        fresh: whether the samples are new to the original model.
    """

    judged: AnyJudge
    before: Score
    same: AnyJudge
    itself: Score
    fresh: bool

    def agreement(self, outputs: Array) -> float:
        """How far outputs are the original's, in percent: by class, or by explained variance."""
        return self.same.score(outputs).value

    def lost(self, outputs: Array) -> float:
        """Points lost on these samples, by the output that lost most."""
        return self.judged.score(outputs).lost(self.before)

    def lost_at_most(self, outputs: Array) -> float:
        """Points that are lost on other samples, in 19 cases of 20 no more.

        A model is surer of the samples that it was trained on than of others, and changes sides on fewer of them. So
        where they are not fresh, whatever is not as the original has it counts as lost too.
        """
        bound = self.judged.score(outputs).lost_at_most(self.before)
        return bound if self.fresh else max(bound, self.same.score(outputs).lost_at_most(self.itself))

    def doubts(self, outputs: Array) -> list[str]:
        """What is to be said of the original, and of classes that these outputs miss."""
        score = self.judged.score(outputs)
        return doubts.of_model(self.judged, self.before) + doubts.of_classes(self.judged, self.before, score)


def yardstick(graph: Graph, outputs: Array, sides: Sides, task: str) -> Yardstick:
    """Make it of the original folded graph and its outputs [n, ...] on the samples that decide; see judge."""
    judged = judge_all(graph, outputs, sides.judges, sides.held, task)
    same = all_of_original(judged, outputs)
    return Yardstick(judged, judged.score(outputs), same, same.score(outputs), sides.source == VALIDATED)
