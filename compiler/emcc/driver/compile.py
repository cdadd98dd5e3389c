"""The driver: a model and options in, the files of an artefact out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emcc.base.errors import EmccError
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.files.artefact import MANIFEST, Artefact, to_json

CHECKED = 64
WEIGHED = 1024


def compile_model(options: CompileOptions, progress: Callable[[Any], None] = lambda step: None) -> Artefact:
    """Compiles. The same options and files give the same bytes.

    Args:
        options: see CompileOptions.
        progress: called with the name of every step as it begins, and with every events.Event.

    Raises:
        EmccError: the model, the data, the recipe or the options are at fault.
    """
    from emcc.driver.targets import check_weights, emitted_c, targets_of

    targets = targets_of(options.target)
    check_weights(options.weights, targets)
    from emcc.backends.options import EmitOptions
    from emcc.compress.product.product import scalars
    from emcc.compress.record import Recorder
    from emcc.container import encode
    from emcc.driver import goals, losses, manifest, onboard, plan, teachers
    from emcc.driver.audition import auditioned
    from emcc.driver.dump import Dump
    from emcc.driver.emit import emit, of_board
    from emcc.driver.encoder import Encoder
    from emcc.driver.lowering import COUNTED, lowered_to_fit
    from emcc.driver.recipe import Recipe
    from emcc.driver.scaling import Scaling, emptied
    from emcc.driver.search import search, unpruned
    from emcc.driver.sizing import fitted
    from emcc.driver.soc import INFERENCES, soc_files
    from emcc.driver.steps import Steps
    from emcc.eie.activity import activity
    from emcc.eie.store import save_program
    from emcc.frontend import load
    from emcc.legal.array import require_array
    from emcc.link.digest import digest_of
    from emcc.measure import truth
    from emcc.measure.agreement import Agreement
    from emcc.measure.values import digests, rounded
    from emcc.passes.fold import Fold
    from emcc.passes.quantise import table_errors
    from emcc.report import html
    from emcc.samples.doubts import of_data
    from emcc.samples.load import load_data
    from emcc.samples.sampling import sample

    if options.search is not None:
        asked = replace(options, goal=options.goal or replace(goals.DEFAULT, refuses=True))
        return auditioned(asked, progress, compile_model, html.render)
    progress("reading")
    recipe = (Recipe.read(options.recipe) if options.recipe else Recipe()).naming(options.method)
    board = onboard.target(options, recipe)
    shapes = options.shapes
    source = load(options.model, "emcc compile", options.output, shapes)
    require_array(source, options.model)
    teacher = teachers.Teacher.of(options, source, "emcc compile")
    data = load_data(options.data, source) if options.data else None
    goal = goals.goal_of(options, recipe)
    check_goal(options, goal)
    check_factors(options, recipe)
    dump = Dump(options.dump) if options.dump else None
    steps = Steps(progress, dump)
    steps.say("import", truth.check(source, options.model, sample(source, data, CHECKED).x, shapes))
    scaling = Scaling.of(recipe, source, data, options.keep_weights)
    original, data = steps.run((Fold(), *scaling.passes), source), scaling.data
    against, factored = original, original if teacher else steps.run(recipe.factors, original)
    channels = goals.channels_of(options, recipe, goal, source, original)
    set_up = goals.set_up(options, recipe, goal, data, source, factored, goals.MINUTES)
    if teacher:
        original = teacher.taught(original, recipe, data, set_up.sides, options.task, progress)
        teacher.check(goal)
        against = teacher.folded
        steps.say("distil", teacher.sentence)
        factored = steps.run(recipe.factors, original)
    planned = plan.make(recipe, data, against, options, set_up.sides, progress, factored, channels)
    for name, reason in planned.skipped if goal is None else ():
        steps.say(name, reason)
    encoder = Encoder.of(recipe, data.x if data else None, "compile")
    if goal is None:
        steps.watch = recorder = Recorder(encoder, Agreement(against, data and sample(source, data), options.task))
        shared, steps.watch = steps.run(planned.compress, factored), None
        pruned, record = steps.before.get("share", factored), {"layer_passes": recorder.rows}
    else:
        assert data is not None
        found, record = search(against, factored, data, set_up, options, recipe, encoder, progress, channels)
        planned = plan.searched(planned, recipe, set_up.search, options.keep_weights)
        pruned, shared = found.pruned, scalars(found.shared)
        planned = replace(planned, warnings=(*planned.warnings, *unpruned(goal, found, factored)))
        steps.searched(shared, record, goal is not options.goal)
    calibrated = steps.run(planned.quantise[:1], shared)
    quantised = steps.run(planned.quantise[1:], calibrated)
    steps.say("calibrate", scaling.said(scales := scaling.facts(quantised)))
    told = (*of_data(data), *planned.warnings, *scaling.warnings(scales), *emptied(factored, shared))
    planned = replace(planned, warnings=told)
    progress("lowering and rendering")
    active = activity(quantised, sample(source, data, WEIGHED).x) if data else None
    few, sized = sample(source, data, COUNTED).x, None
    if board:
        sized = fitted(quantised, planned.lower, active, few, board.board, board.given, options.updatable, progress)
    choice = sized.taken.choice if sized else lowered_to_fit(quantised, planned.lower, active, few)
    program, run_bits = choice.program, sized.taken.run_bits if sized else planned.lower.run_bits
    planned = plan.shaped(planned, program.pes, program.groups, run_bits)
    if dump:
        dump("program", program)
    c_files, c_facts = emitted_c(quantised, options.model.stem, targets, few, options.weights)
    emitted = emit(program, choice.tried, recipe.of(EmitOptions).weights)
    stored = save_program(program)
    files = {
        "model.emc": encode(quantised, coding=encoder.coding),
        "program.npz": stored,
        **emitted.files,
        **c_files,
        **soc_files(program, stored, emitted.files, sample(source, data, INFERENCES).x),
    }
    digest = digest_of(files)
    files |= of_board(program, files, digest)
    progress("measuring")
    graphs = losses.Stages(original, pruned, shared, calibrated, program, against)
    worth = losses.worth(graphs, set_up.sides, options, goal)
    errors = table_errors(calibrated, quantised)
    compiled = manifest.Compiled(
        original,
        factored,
        shared,
        quantised,
        program,
        emitted,
        data,
        planned,
        tuple(steps.sentences),
        record,
        worth,
        errors,
        scales,
        digest,
        board.hz if board else None,
        onboard.lut_words(sized),
        c_facts,
    )
    facts = manifest.build(options, compiled, files["model.emc"]) | (teacher.facts if teacher else {})
    if board and sized:
        facts["board"] = rounded(onboard.facts(board, sized, facts["totals"]))
    files["report.html"] = html.render(facts)
    return Artefact({**files, MANIFEST: to_json({**facts, "files": digests(files)})})


def check_factors(options: CompressOptions, recipe: Any) -> None:
    """EmccError where layers are to be split, and weights to be kept or channels to be taken out."""
    if recipe.factors and recipe.channels:
        raise EmccError(
            f"{recipe.factors[0].name} and {recipe.channels.name} each change what layers there are",
            file=options.recipe,
            hint="use one of them; then compress compressed.onnx with the other",
        )
    if options.keep_weights and recipe.factors:
        raise EmccError(
            f"--keep-weights keeps every weight, and {recipe.factors[0].name} splits layers into others",
            file=options.recipe,
            hint="leave out --keep-weights, or [compress] factors",
        )


def check_goal(options: CompileOptions, goal: Any) -> None:
    """EmccError where a goal cannot be had, or an option has no use."""
    if options.goal is not None and options.data is None:
        raise EmccError("automatic compression needs data to judge by", hint="give it with --data")
    if options.validate is not None and options.data is None:
        raise EmccError("--validate gives samples that decide, beside those of --data", hint="give --data too")
    if options.goal is not None and options.fixed:
        raise EmccError("--fixed follows no goal", hint="leave out --fixed, or the goal")
    if options.goal is not None:
        options.goal.check(options.keep_weights)
    if goal is None and options.work is not None:
        raise EmccError("--work keeps the steps of automatic compression", hint="give a goal: --max-drop 0.3")
    if goal is None and (options.steps is not None or options.minutes is not None):
        raise EmccError("--steps and --minutes are of automatic compression", hint="give a goal: --max-drop 1")
