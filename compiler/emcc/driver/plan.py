"""Which passes run, with which options: the recipe, the data and --keep-weights decide."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emcc.compress.finetune import Finetune, Gradual, Shrinking, Through
from emcc.compress.method import Codebooks, Combination, Shrinks
from emcc.compress.product.product import Product, Scalars
from emcc.compress.product.training import Iterative
from emcc.compress.quantisers.allocation import SAMPLES
from emcc.compress.quantisers.quantiser import Quantiser
from emcc.compress.search.goal import Search
from emcc.driver.opened import lower_options
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Graph
from emcc.passes.base import Pass
from emcc.passes.calibrate import Calibrate
from emcc.passes.quantise import Quantise
from emcc.samples.dataset import Dataset
from emcc.samples.split import Sides, spread

PRUNE = "skipped: no data to fine-tune on; the zero pattern stays (sparsity in the recipe's [prune] prunes anyway)"
FINETUNE = "skipped: no data"
KEPT = "skipped: --keep-weights"
SYNTHETIC = "no data: formats are for inputs in an assumed range ([calibrate] reach); give real ones with --data"


@dataclass(frozen=True)
class Plan:
    """The passes after folding.

    Attributes:
        compress: float to float; quantise: float to integers; lower: how to deal the result to PEs.
        skipped: (pass, why it does not run).
        fine_tuned: whether the data is trained on.
        warnings: what the user should know.
        resolved: every option of every section, by section.
    """

    compress: tuple[Pass, ...]
    quantise: tuple[Pass, ...]
    lower: LowerOptions
    skipped: tuple[tuple[str, str], ...]
    fine_tuned: bool
    warnings: tuple[str, ...]
    resolved: Mapping[str, Mapping[str, Any]]


def make(
    recipe: Recipe,
    data: Dataset | None,
    original: Graph,
    options: CompileOptions,
    sides: Sides | None,
    progress: Callable[[Any], None],
    network: Graph | None = None,
    channels: Shrinks | None = None,
) -> Plan:
    """The plan. `original` is the folded model: what distilling learns from, where there are no labels.

    `network` is what is compressed, where that is not the original but the same with layers split; `channels` the
    method that takes out channels, with what it knows of the model before folding.
    """
    keep_weights = options.keep_weights
    effective = recipe.effective(options.teacher is not None)
    resolved = {name: section for name, section in effective.items() if name != "search"}
    lower = lower_options(options, recipe)
    resolved["lower"] |= {"pes": lower.pes, "memory": lower.memory}
    calibrate = replace(recipe.of(Calibrate), data=None if data is None else data.x)
    warnings = [SYNTHETIC] if calibrate.synthetic and not original.ranges else []
    zeros, codebooks = recipe.zeros, recipe.codebooks if data is None else recipe.codebooks.on(data.x)
    if isinstance(codebooks, Quantiser | Product):
        codebooks.check(network or original)
    compress: tuple[Pass, ...] = (codebooks,)
    skipped: tuple[tuple[str, str], ...] = ((zeros.name, PRUNE), ("finetune", FINETUNE))
    tuned = False
    if keep_weights:
        compress = (codebooks.kept(),)
        skipped = ((zeros.name, KEPT), ("finetune", KEPT))
        unused = sorted(recipe.given & {zeros.name, "finetune"})
        warnings += [f"--keep-weights: the recipe's [{section}] is not used" for section in unused]
        if _sets(recipe, "share", ("bits", "layers")):
            warnings.append("--keep-weights: of the recipe's [share] kept_bits is used, and not bits")
        resolved = {name: section for name, section in resolved.items() if name not in (zeros.name, "finetune")}
        resolved[codebooks.name] = {name: getattr(compress[0], name) for name in resolved[codebooks.name]}
    elif data is not None:
        compress, finetune = fixed(recipe, data, original, options, sides, progress, network, channels)
        skipped, tuned = (), bool(finetune.epochs or finetune.shared_epochs)
    elif recipe.of(Combination).methods or _sets(recipe, zeros.name, ("sparsity", "layers")):
        bare = Shrinking(channels, recipe.of(Finetune)) if channels else None
        compress = (*((bare,) if bare else ()), zeros, codebooks)
        skipped = skipped[1:]
        warnings.append("pruned without fine-tuning, since there is no data: accuracy may be gone")
    if isinstance(codebooks, Product):
        compress = (*compress[:-1], Scalars(compress[-1]))
    quantise = (calibrate, recipe.of(Quantise))
    return Plan(compress, quantise, lower, skipped, tuned, tuple(warnings), resolved)


def fixed(
    recipe: Recipe,
    data: Dataset,
    original: Graph,
    options: CompressOptions,
    sides: Sides | None,
    progress: Callable[[Any], None],
    network: Graph | None,
    channels: Shrinks | None,
) -> tuple[tuple[Pass, ...], Finetune]:
    """The passes of the fixed schedule, float to float, and what trains in them; see `make`."""
    codebooks = recipe.codebooks.on(data.x)
    if isinstance(codebooks, Quantiser) and sides is not None:
        some = sides.held[spread(len(sides.held), SAMPLES)]
        codebooks = codebooks.on(np.asarray(sides.judges.x[some], np.float32))
        codebooks.check(network or original)
    finetune = replace(recipe.of(Finetune), data=data, teacher=original, network=network, sides=sides)
    finetune = replace(finetune, task=options.task, progress=progress, codebooks=codebooks)
    compress = (Gradual(recipe.zeros, finetune), *_shared(codebooks, finetune, recipe.shares))
    return (*((Shrinking(channels, finetune),) if channels else ()), *compress), finetune


def _shared(codebooks: Codebooks, finetune: Finetune, shares: bool) -> tuple[Pass, ...]:
    """Sharing weights and what is trained of them: entries afterwards, or weights through a quantiser."""
    if isinstance(codebooks, Quantiser):
        return (Through(codebooks, finetune),)
    if isinstance(codebooks, Product):
        return (Iterative(codebooks, finetune),)
    return (codebooks, finetune) if finetune.shared_epochs and shares else (codebooks,)


def chosen(passes: Iterable[Pass]) -> dict[str, Any]:
    """What quantisers that ran chose by themselves, for emcc.json."""
    methods = [getattr(step, "codebooks", step) for step in passes]
    return {name: fact for method in methods if isinstance(method, Quantiser) for name, fact in method.facts.items()}


def searched(plan: Plan, recipe: Recipe, search: Search, keep_weights: bool) -> Plan:
    """The plan where a search stands for the passes up to "finetune"."""
    replaced = (recipe.zeros.name, recipe.codebooks.name, *(() if recipe.activations else ("finetune",)))
    resolved = {name: section for name, section in plan.resolved.items() if name not in replaced}
    resolved["search"] = {**recipe.effective()["search"], "steps": search.steps}
    return replace(plan, compress=(), skipped=(), fine_tuned=not keep_weights, resolved=resolved)


def shaped(plan: Plan, pes: int, groups: int, run_bits: int) -> Plan:
    """The plan with the numbers of PEs and column groups, and the option of runs, that were taken."""
    taken = {"pes": pes, "groups": groups, "run_bits": run_bits}
    resolved = {**plan.resolved, "lower": {**plan.resolved["lower"], **taken}}
    return replace(plan, lower=replace(plan.lower, pes=pes, groups=groups, run_bits=run_bits), resolved=resolved)


def _sets(recipe: Recipe, section: str, names: Iterable[str]) -> bool:
    """Whether the recipe sets one of these options."""
    return any(name in recipe.chosen.get(section, {}) for name in names)
