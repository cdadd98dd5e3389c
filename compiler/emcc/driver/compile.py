"""The driver: a model and options in, the files of an artefact out."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.driver.request import CompileOptions
from emcc.files.artefact import MANIFEST, Artefact, to_json

TARGETS = ("eie",)
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
    if options.target not in TARGETS:
        raise EmccError(f"no target {printable(options.target)!r}", hint=f"there is {', '.join(TARGETS)}")
    from emcc.backends import rom, verilog
    from emcc.compress.record import Recorder
    from emcc.container import encode
    from emcc.driver import manifest, plan
    from emcc.driver.dump import Dump
    from emcc.driver.encoder import Encoder
    from emcc.driver.recipe import Recipe
    from emcc.driver.scaling import Scaling, emptied
    from emcc.driver.search import search
    from emcc.driver.steps import Steps
    from emcc.eie.activity import activity
    from emcc.eie.lower import lower
    from emcc.eie.store import save_program
    from emcc.frontend import load
    from emcc.legal.hardware import require_hardware
    from emcc.measure import truth
    from emcc.measure.agreement import Agreement
    from emcc.measure.values import digests
    from emcc.passes.fold import Fold
    from emcc.passes.quantise import table_errors
    from emcc.report import html
    from emcc.samples.dataset import load_data
    from emcc.samples.sampling import sample

    progress("reading")
    recipe = Recipe.read(options.recipe) if options.recipe else Recipe()
    source = load(options.model)
    require_hardware(source, options.model)
    data = load_data(options.data, source) if options.data else None
    check_goal(options)
    dump = Dump(options.dump) if options.dump else None
    steps = Steps(progress, dump)
    steps.say("import", truth.check(source, options.model, sample(source, data, CHECKED).x))
    scaling = Scaling.of(recipe, source, data, options.keep_weights)
    original, data = steps.run((Fold(), *scaling.passes), source), scaling.data
    planned = plan.make(recipe, data, original, options.keep_weights, options.pes, progress)
    for name, reason in planned.skipped if options.goal is None else ():
        steps.say(name, reason)
    encoder = Encoder.of(recipe, data.x if data else None, "compile")
    if options.goal is None:
        steps.watch = recorder = Recorder(encoder, Agreement(original, data and sample(source, data)))
        shared, steps.watch = steps.run(planned.compress, original), None
        record = {"layer_passes": recorder.rows}
    else:
        assert data is not None
        shared, record = search(original, data, options, recipe, encoder, progress)
        planned = plan.searched(planned, recipe, options.keep_weights)
        steps.searched(shared, record)
    calibrated = steps.run(planned.quantise[:1], shared)
    quantised = steps.run(planned.quantise[1:], calibrated)
    steps.say("calibrate", scaling.said(scales := scaling.facts(quantised)))
    told = (*planned.warnings, *scaling.warnings(scales), *emptied(original, shared))
    planned = replace(planned, warnings=told)
    progress("lowering and rendering")
    active = activity(quantised, sample(source, data, WEIGHED).x) if data else None
    program = lower(quantised, planned.lower, active)
    if dump:
        dump("program", program)
    images = rom.images(program)
    files = {
        "model.emc": encode(quantised, coding=encoder.coding),
        "program.npz": save_program(program),
        **verilog.render(program),
        **rom.render(images, "hex"),
    }
    progress("measuring")
    errors = table_errors(calibrated, quantised)
    compiled = manifest.Compiled(
        original, shared, quantised, program, images, data, planned, tuple(steps.sentences), record, errors, scales
    )
    facts = manifest.build(options, compiled, files["model.emc"])
    files["report.html"] = html.render(facts)
    return Artefact({**files, MANIFEST: to_json({**facts, "files": digests(files)})})


def check_goal(options: CompileOptions) -> None:
    """EmccError where a goal cannot be had."""
    if options.goal is not None and options.data is None:
        raise EmccError("automatic compression needs data to judge by", hint="give it with --data")
    if options.goal is not None:
        options.goal.check(options.keep_weights)
    if options.goal is None and options.work is not None:
        raise EmccError("--work keeps the steps of automatic compression", hint="give a goal: --max-drop 0.3")
