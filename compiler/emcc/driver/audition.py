"""`--search methods`: combinations of methods are tried on a share of the training, and the best has the rest.

Two rounds before the last, as in successive halving (Jamieson and Talwalkar, "Non-stochastic best arm identification
and hyperparameter optimization", AISTATS 2016). In the first each method stands in for the default of its role alone;
in the second the best of what comes before pruning meet the best ways to share. What does not apply to the model is a
row with its reason. Steps are counted before anything is trained, so that the same steps give the same bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from emcc.base.errors import EmccError
from emcc.base.events import Event
from emcc.base.text import printable
from emcc.compress.method import having, method, spoken
from emcc.compress.search.budget import steps_of
from emcc.compress.search.goal import Goal, Search
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.files.artefact import MANIFEST, Artefact, to_json
from emcc.measure.values import digests

METHODS = "methods"
SEARCHES = (METHODS,)
"""What --search takes."""

MINUTES = 10.0
"""Of training in all, where nothing is said."""

SHARES = (0.25, 0.25)
"""Of the steps, for the two rounds before the last."""

BEST = 2
"""Of each side that meet in the second round."""

PAGE = "report.html"

Tell = Callable[[Event | str], None]
Page = Callable[[Mapping[str, Any]], bytes]
"""Draws the report of a manifest."""

Asked = TypeVar("Asked", bound=CompressOptions)


@dataclass(frozen=True)
class Trial:
    """A combination that was tried.

    Attributes:
        methods: as --method takes them. steps: of training that it might take. made: None where `error` says why not.
    """

    methods: str
    steps: int
    made: Artefact | None = None
    error: EmccError | None = None

    @property
    def why(self) -> str:
        """Why it was not made."""
        return self.error.message if self.error else ""

    def rank(self, goal: Goal) -> tuple[float, float]:
        """Less is better: the size where quality is the goal, else the quality, and then the other."""
        assert self.made
        size, quality = self.made.manifest["totals"]["bytes"], self.made.manifest["search"]["quality"]
        return (size, -quality) if goal.max_drop is not None else (-quality, size)

    def to_json(self) -> dict[str, Any]:
        """Return its row of emcc.json."""
        row: dict[str, Any] = {"methods": self.methods, "steps": self.steps}
        if self.made is None:
            return {**row, "why": self.why}
        search = self.made.manifest["search"]
        return {
            **row,
            "bytes": self.made.manifest["totals"]["bytes"],
            "quality": search["quality"],
            "lost": search["lost"],
        }


def auditioned(options: Asked, tell: Tell, make: Callable[[Asked, Tell], Artefact], page: Page) -> Artefact:
    """Return what the best combination of methods makes of a model, with a row for each in its manifest and report.

    Args:
        options: with a goal and data; `minutes` or `steps` are of all that is trained.
        make: `compress_model` or `compile_model`: what comes out of each trial is what the command would write.

    Raises:
        EmccError: the options do not go together, or no combination reaches the goal.
    """
    goal, recipe = _checked(options), Recipe.read(options.recipe) if options.recipe else Recipe()
    if "compress" in recipe.given:
        raise EmccError(
            "--search methods chooses the methods itself", file=options.recipe, hint="take [compress] out of the recipe"
        )
    total = _steps(options, recipe)
    fronts = ("", *having("shrink"), *having("factor"))
    shares = having("share")
    first = [("", share) for share in shares] + [(front, shares[0]) for front in fronts[1:]]
    trials = _round(first, max(1, int(total * SHARES[0] / len(first))), options, tell, make)
    if not (good := _good(trials, goal)):
        errors = [trial.error for trial in trials.values() if trial.error]
        if len({str(error) for error in errors}) == 1:
            raise errors[0]
        raise EmccError(
            "no method reaches the goal",
            file=options.model,
            details=[f"{trial.methods}: {trial.why}" for trial in trials.values()],
            hint="ask for less, or give more --minutes or data",
        )
    before = [front for front, share in good if share == shares[0]]
    ways = [share for front, share in good if not front]
    pairs = [(front, share) for front in before[:BEST] for share in ways[:BEST]] or good[:BEST]
    second = _round(pairs, max(1, int(total * SHARES[1] / len(pairs))), options, tell, make)
    good = _good(second, goal) or good
    steps = max(1, int(total * (1 - sum(SHARES))))
    last = _round(good[:1], steps, options, tell, make)
    every = [*trials.values(), *second.values(), *last.values()]
    winner = min((trial for trial in every if trial.made), key=lambda trial: trial.rank(goal))
    assert winner.made
    rows = [{**trial.to_json(), **({"taken": True} if trial is winner else {})} for trial in every]
    facts = {"steps": total, "methods": winner.methods, "rows": rows}
    manifest = {**winner.made.manifest, "audition": facts}
    files = {name: content for name, content in winner.made.files.items() if name != MANIFEST}
    files[PAGE] = page(manifest)
    return Artefact({**files, MANIFEST: to_json({**manifest, "files": digests(files)})})


def _checked(options: CompressOptions) -> Goal:
    """Return the goal; EmccError where the options do not go with --search."""
    if options.search not in SEARCHES:
        asked = printable(str(options.search), 60)
        raise EmccError(f"no search {asked!r}", hint=f"--search {METHODS} tries combinations of methods")
    if options.method is not None:
        raise EmccError("--search methods chooses the methods itself", hint="leave out --method")
    if options.fixed:
        raise EmccError("--search methods has a goal, and --fixed has none", hint="leave out one of them")
    if options.keep_weights:
        raise EmccError("--keep-weights leaves nothing to choose", hint="leave it out, or --search")
    if options.work is not None:
        raise EmccError("--work keeps the steps of one combination", hint="leave it out, or --search")
    if isinstance(options, CompileOptions) and options.dump is not None:
        raise EmccError("--dump writes the graphs of one combination", hint="leave it out, or --search")
    if options.data is None or options.goal is None:
        raise EmccError("a search needs data to hold methods against", hint="give --data")
    return options.goal


def _steps(options: CompressOptions, recipe: Recipe) -> int:
    """Return the steps of all training."""
    from emcc.frontend import load
    from emcc.passes.fold import Fold

    if options.steps is not None:
        return options.steps
    search = recipe.of(Search)
    if search.steps and options.minutes is None:
        return search.steps
    folded = Fold().apply(load(options.model, "emcc compress", options.output, options.shapes))
    return steps_of(MINUTES if options.minutes is None else options.minutes, folded, search)


def _round(
    pairs: list[tuple[str, str]], steps: int, options: Asked, tell: Tell, make: Callable[[Asked, Tell], Artefact]
) -> dict[tuple[str, str], Trial]:
    """Try pairs of what comes before pruning, and of how weights are shared."""
    found = {}
    for number, pair in enumerate(pairs):
        front, share = pair
        prune = having("prune")[0] if method(share).zeros_stay else ""
        methods = "+".join(spoken(name) for name in (front, prune, share) if name)

        def say(event: Event | str, head: str = f"{methods} ({number + 1} of {len(pairs)})") -> None:
            tell(replace(event, stage=f"{head}: {event.stage}") if isinstance(event, Event) else f"{head}: {event}")

        try:
            asked = replace(options, search=None, method=methods, minutes=None, steps=steps)
            found[pair] = Trial(methods, steps, make(asked, say))
        except EmccError as error:
            if error.file is not None and error.file != options.model:
                raise  # a file's fault is no method's
            found[pair] = Trial(methods, steps, error=error)
    return found


def _good(trials: Mapping[tuple[str, str], Trial], goal: Goal) -> list[tuple[str, str]]:
    """Return the pairs that were made, the best first."""
    made = {pair: trial for pair, trial in trials.items() if trial.made}
    return sorted(made, key=lambda pair: made[pair].rank(goal))
