"""What looks wrong with data and a model, or is hidden by the one figure of quality: sentences for the user."""

import math
from collections.abc import Iterator

import numpy as np

from emcc.base.text import printable
from emcc.ir.graph import Array
from emcc.samples.dataset import Dataset
from emcc.samples.judge import NORMAL, POINT, TARGETS, Judge, Score, paired_bound
from emcc.samples.judges import AnyJudge, Judges, Scores

LEAST = 20
"""Samples from which a model can be doubted."""

NOTICED = 5.0
"""Points of a class's samples that are lost, from which the user is told."""

SHOWN = 5
"""Names, or classes, in what is said."""


def of_data(data: Dataset | None) -> list[str]:
    """Say where a file has arrays that may be labels, and none that is read as such."""
    if data is None or not data.unread:
        return []
    names = ", ".join(printable(name, 40) for name in data.unread[:SHOWN])
    return [
        f"the data has no y, and {names} beside x, which is not read: call labels or targets y (of one of several "
        "outputs y_NAME). Without them the compressed model is held against the original"
    ]


def of_model(judges: AnyJudge, before: Score) -> list[str]:
    """Say where the original itself, whose score is `before`, has nothing of its labels or targets."""
    return [
        f"{where}{said}: is x as in training (scale, order of the axes), and y as the outputs are (numbering, units)?"
        for where, judge, score, _ in _each(judges, before, before)
        for said in _doubted(judge, score)
    ]


def of_classes(judges: AnyJudge, before: Score, after: Score) -> list[str]:
    """Say which classes a compressed model misses, with the score `after`, where the original did not.

    Those of which 5 points or more are lost on the samples that decide, and surely (in 19 cases of 20) a point on
    others, the worst first; none where as much is lost of all samples, which is said anyway.
    """
    return [
        f"{where}class {kind}, {share:.1f} % of the samples that decide, is found in {now:.1f} % of its samples, "
        f"before in {was:.1f} %: the accuracy of all hardly shows a rare class. Allow less with --max-drop, or give "
        "--data and --validate with as many samples of each"
        for where, judge, old, new in _each(judges, before, after)
        for kind, share, was, now in sorted(_missed(judge, old, new), key=lambda row: row[3] - row[2])[:SHOWN]
    ]


def _doubted(judge: Judge, score: Score) -> Iterator[str]:
    if not judge.labelled or len(score.marks) < LEAST:
        return
    if judge.against == TARGETS:
        error = NORMAL * score.marks.std(axis=0) / math.sqrt(len(score.marks))
        bad = np.flatnonzero(score.parts + error < 0)
        if bad.size:
            at = int(bad[score.parts[bad].argmin()])
            of = "" if score.parts.size == 1 else f" of output {at}"
            yield f"the model itself explains {score.parts[at]:.4g} % of the targets' variance{of}, less than nothing"
        return
    kinds, found, error = _found(judge, score)
    if len(kinds) > 1 and found.mean() - 2 * error <= 100 / len(kinds):
        yield (
            f"the model itself is right in {score.value:.1f} % of the samples that decide, {found.mean():.1f} % of a "
            f"class on average, no better than guessing among {len(kinds)} classes"
        )


def _found(judge: Judge, score: Score) -> tuple[Array, Array, float]:
    """(classes that are there, share of each that is right, standard error of these shares' mean), in percent."""
    kinds, counts = np.unique(judge.wanted, return_counts=True)
    found = np.array([score.marks[judge.wanted == kind].mean() for kind in kinds])
    return kinds, found, float(np.sqrt((found * (100 - found) / counts).sum())) / len(kinds)


def _missed(judge: Judge, before: Score, after: Score) -> Iterator[tuple[int, float, float, float]]:
    """(class, share of the samples, found before, found after), in percent, of each class that is lost."""
    if judge.task != "classify" or after.lost(before) >= NOTICED:
        return
    for kind in np.unique(judge.wanted):
        was, now = (score.marks[judge.wanted == kind, 0] for score in (before, after))
        lost, won = int((was > now).sum()), int((was < now).sum())
        surely = -100 * paired_bound(won, lost, len(was))
        if was.mean() - now.mean() >= NOTICED and surely > POINT:
            yield int(kind), 100 * len(was) / len(judge.wanted), float(was.mean()), float(now.mean())


def _each(judges: AnyJudge, before: Score, after: Score) -> Iterator[tuple[str, Judge, Score, Score]]:
    """(words for the output, its judge, its scores)."""
    if isinstance(judges, Judge):
        yield "", judges, before, after
        return
    assert isinstance(judges, Judges)
    assert isinstance(before, Scores)
    assert isinstance(after, Scores)
    for name, (_, judge), old, new in zip(judges.names, judges.each, before.each, after.each, strict=True):
        yield f"output {printable(name, 40)!r}: ", judge, old, new
