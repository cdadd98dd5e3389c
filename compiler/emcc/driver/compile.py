"""The driver: a model and options in, the files of an artefact out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emcc.driver.opened import OpenedToCompile, to_compile
from emcc.driver.request import CompileOptions
from emcc.files.artefact import MANIFEST, Artefact, to_json

WEIGHED = 1024


def compile_model(options: CompileOptions, progress: Callable[[Any], None] = lambda step: None) -> Artefact:
    """Compiles. The same options and files give the same bytes.

    Args:
        options: see CompileOptions.
        progress: called with the name of every step as it begins, and with every events.Event.

    Raises:
        EmccError: the model, the data, the recipe or the options are at fault.
    """
    if options.search is not None:
        from emcc.driver import goals
        from emcc.driver.audition import auditioned
        from emcc.report import html

        asked = replace(options, goal=options.goal or replace(goals.DEFAULT, refuses=True))
        return auditioned(asked, progress, compile_model, html.render)
    return _made(options, to_compile(options, progress), progress)


def _made(options: CompileOptions, asked: OpenedToCompile, progress: Callable[[Any], None]) -> Artefact:
    """Return the artefact of a model that was read and checked. What this takes is imported only now."""
    from emcc.backends.options import EmitOptions
    from emcc.compress.product.product import scalars
    from emcc.compress.record import Recorder
    from emcc.container import encode
    from emcc.driver import goals, losses, manifest, onboard, plan, signs
    from emcc.driver.emit import emit, of_board
    from emcc.driver.encoder import Encoder
    from emcc.driver.lowering import COUNTED, lowered_to_fit
    from emcc.driver.scaling import Scaling, emptied
    from emcc.driver.search import search, unpruned
    from emcc.driver.sizing import fitted
    from emcc.driver.soc import INFERENCES, soc_files
    from emcc.driver.steps import Steps
    from emcc.driver.targets import emitted_c
    from emcc.eie.activity import activity
    from emcc.eie.store import save_program
    from emcc.link.digest import digest_of
    from emcc.measure.agreement import Agreement
    from emcc.measure.values import digests, rounded
    from emcc.passes.fold import Fold
    from emcc.passes.quantise import table_errors
    from emcc.report import html
    from emcc.samples.doubts import of_data
    from emcc.samples.sampling import sample

    recipe, board, source, teacher, data, goal, dump = (
        *(asked.recipe, asked.board, asked.source, asked.teacher),
        *(asked.data, asked.goal, asked.dump),
    )
    steps = Steps(progress, dump)
    steps.say("import", asked.checked)
    scaling = Scaling.of(recipe, source, data, options.keep_weights)
    original, data = steps.run((Fold(), *scaling.passes), source), scaling.data
    goal = goals.reachable(goal, options, original)
    signs.check(recipe, original)
    against, factored = original, original if teacher else steps.run(recipe.splitting(progress), original)
    channels = goals.channels_of(options, recipe, goal, source, original)
    set_up = goals.set_up(options, recipe, goal, data, source, factored, goals.MINUTES)
    if teacher:
        original = teacher.taught(original, recipe, data, set_up.sides, options.task, progress)
        teacher.check(goal)
        against = teacher.folded
        steps.say("distil", teacher.sentence)
        factored = steps.run(recipe.splitting(progress), original)
    factored = steps.run(signs.Signs.of(recipe, data, against, set_up, options.task, progress), factored)
    planned = plan.make(recipe, data, against, options, set_up.sides, progress, factored, channels)
    for name, reason in planned.skipped if goal is None else ():
        steps.say(name, reason)
    encoder = Encoder.of(recipe, data.x if data else None, "compile")
    if goal is None:
        steps.watch = recorder = Recorder(encoder, Agreement(against, data and sample(source, data), options.task))
        shared, steps.watch = steps.run(planned.compress, factored), None
        pruned = steps.before.get("share", factored)
        record = {"layer_passes": recorder.rows, **plan.chosen(planned.compress)}
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
    streamed = recipe.of(EmitOptions).weights == "boot"
    # Halves are chosen by the weights; a design whose weights are to be replaced has none.
    lowering = replace(planned.lower, halves=planned.lower.halves and not (options.updatable or streamed))
    if board:
        asked_of = (board.board, board.given, options.updatable, streamed)
        sized = fitted(quantised, lowering, active, few, *asked_of, progress)
    choice = sized.taken.choice if sized else lowered_to_fit(quantised, lowering, active, few)
    program, run_bits = choice.program, sized.taken.run_bits if sized else planned.lower.run_bits
    planned = plan.shaped(planned, program.pes, program.groups, run_bits)
    if dump:
        dump("program", program)
    c_files, c_facts = emitted_c(quantised, options.model.stem, asked.targets, few, options.weights)
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
