"""load and survey: one file -> Graph, or what stands in the way.

A model is read for a fixed number of samples at a time. Where its batch axis is dynamic it is read for two numbers
that no real dimension has, and must come out the same: then it treats each sample by itself, for any number. Where
it does not (an exporter froze the batch to 1), it is read for one sample.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend.behind_rules import RECURRENT
from emcc.frontend.constants import Room
from emcc.frontend.context import Initializers, Model
from emcc.frontend.external import external_size
from emcc.frontend.facts import cast_to_floats, facts_of, input_data, model_problems
from emcc.frontend.opened import Opened, opened
from emcc.frontend.operands import BATCH, Data
from emcc.frontend.outputs import choose, several
from emcc.frontend.read import opset_of
from emcc.frontend.refusal import quoted
from emcc.frontend.report import NodeReport, Shapes, Survey, Taken, names_of
from emcc.frontend.topology import check_length, ordered, real_inputs, uses
from emcc.frontend.walk import Walk
from emcc.ir.graph import Array, Graph, Tensor

BATCHES = (1009, 1013)
"""Numbers of samples to read a model with a dynamic batch for."""


@dataclass(frozen=True)
class _Model:
    path: Path
    opened: Opened
    opset: int
    nodes: list[onnx.NodeProto]
    by: str
    size: int
    taken: tuple[str, ...] = ()
    decoded: dict[str, Array] = field(default_factory=dict)

    @property
    def proto(self) -> onnx.ModelProto:
        """The model."""
        return self.opened.proto

    @property
    def outputs(self) -> list[str]:
        """The tensors that are taken as outputs, or all outputs where that is open."""
        return list(self.taken) or [value.name for value in self.proto.graph.output]

    @cached_property
    def read(self) -> set[str]:
        """What nodes read."""
        return {name for node in self.nodes for name in uses(node)}

    @cached_property
    def cast(self) -> set[str]:
        """The inputs of integers that are floats at once."""
        return cast_to_floats(self.proto.graph, self.nodes)

    @property
    def inputs(self) -> list[str]:
        """The model's inputs that nodes read."""
        return [value.name for value in real_inputs(self.proto.graph) if value.name in self.read]


def load(path: Path, by: str = "emcc", output: Taken = None, shapes: Shapes | None = None) -> Graph:
    """Return the model as a Graph of ONNX operators in order, attributes of the newest opset, the batch axis None.

    Raises EmccError where the file is not a model, or the model is not one that emcc compiles; then every node at
    fault is listed. `by` is the command that messages name; `output`: see outputs.choose;
    `shapes`: see shapes.put.
    """
    model, problems = _open(path, by, names_of(output), shapes)
    walk = _read(model)
    refused = [report for report in walk.reports if not report.supported]
    if problems or refused:
        raise _refusal(problems, refused, path)
    return _graph(model, walk)


def survey(path: Path, output: Taken = None, shapes: Shapes | None = None) -> Survey:
    """Report on every node that the output depends on, and on the model."""
    model, problems = _open(path, "emcc", names_of(output), shapes)
    walk = _read(model)
    if not problems and all(report.supported for report in walk.reports):
        try:
            _graph(model, walk)
        except EmccError as error:
            problems = [error]
    sentences = tuple(error.message + (f" ({error.hint})" if error.hint else "") for error in problems)
    facts = facts_of(model.proto, model.opset, path)
    own = tuple(name for name, *_ in facts.outputs)
    taken = "" if model.taken in ((), own) else ", ".join(model.taken)
    return Survey(walk.reports, replace(facts, problems=sentences, taken=taken, renamed=model.opened.renamed))


def _open(path: Path, by: str, output: tuple[str, ...], shapes: Shapes | None) -> tuple[_Model, list[EmccError]]:
    """Return the model with its outputs chosen, and what is wrong with it as a whole."""
    file = opened(path, shapes)
    proto = file.proto
    size = path.stat().st_size + external_size(proto.graph, path)
    whole = _Model(path, file, opset_of(proto, path), ordered(proto.graph, path), by, size)

    def only(*names: str) -> _Model:
        nodes = ordered(proto.graph, path, names)
        check_length(nodes, path)
        return replace(whole, nodes=nodes, taken=names)

    def plain(name: str) -> bool:
        own = only(name)
        walk = _read(own)
        return not _faults(walk, own) and name in walk.makers and walk.data[name].dtype == "float32"

    chosen = choose(proto.graph, tuple(map(file.name, output)), plain, path)
    model = whole if chosen is None else only(*chosen)
    check_length(model.nodes, path)
    problems = model_problems(proto, path, model.read, model.cast)
    return model, [*problems, *([several(proto.graph, path)] if chosen is None else [])]


def _read(model: _Model) -> Walk:
    """Return the walk for the batch that the model fixes, for any batch, or else for one sample.

    Where the first axis, of fixed size, cannot be samples, all that goes in is one sample without a batch axis.
    """
    graph = model.proto.graph
    batch = None
    data: dict[str, Data] = {}
    alone: dict[str, Data] = {}
    cast = model.cast
    for value in real_inputs(graph):
        data[value.name], fixed = input_data(value)
        if value.name in cast:
            data[value.name] = replace(data[value.name], dtype="float32")
        if fixed is not None and (shape := data[value.name].shape) and not data[value.name].bare:
            alone[value.name] = replace(data[value.name], shape=(None, fixed, *shape[1:]), bare=True)
        batch = fixed if fixed is not None and value.name in model.inputs else batch

    names = {*(tensor.name for tensor in graph.initializer), *data}
    names.update(name for node in graph.node for name in node.output)
    functions = {(function.domain, function.name) for function in model.proto.functions}
    opsets = {entry.domain: entry.version for entry in model.proto.opset_import} | {"": model.opset}

    readers = Counter(name for node in model.nodes for name in uses(node))

    recurrent = any(node.op_type in RECURRENT for node in model.nodes)

    def walk(samples: int, frozen: bool = False, behind: bool = True, given: dict[str, Data] = data) -> Walk:
        known = Initializers({tensor.name: tensor for tensor in graph.initializer}, model.path, model.decoded)
        about = Model(model.path, opsets, frozenset(data), functions, model.by, readers, behind)
        room = Room(model.size)
        return Walk(about, samples, frozen, known, dict(given), set(names), room=room).run(model.nodes, model.outputs)

    first = walk(BATCHES[0] if batch is None else batch)
    if not _faults(first, model) and (batch is not None or _same(first, walk(BATCHES[1]))):
        return first
    if batch is None:
        single = walk(1, frozen=True, behind=recurrent)
        if not _faults(single, model):
            return single
    elif batch != 1 and alone.keys() >= set(model.inputs):
        whole = walk(1, given={**data, **alone})
        if not _faults(whole, model):
            return whole
    plain = walk(BATCHES[0] if batch is None else batch, behind=False)
    return first if _faults(first, model) < _faults(plain, model) + recurrent else plain


def _faults(walk: Walk, model: _Model) -> int:
    """What is in the way: nodes that are refused, and outputs whose samples are not along their first axis."""
    refused = sum(not report.supported for report in walk.reports)
    return refused + sum(name in walk.data and not walk.data[name].in_front for name in model.outputs)


def _same(a: Walk, b: Walk) -> bool:
    """Return whether two walks made the same nodes and constants."""
    return (
        a.reports == b.reports
        and a.nodes == b.nodes
        and a.data == b.data
        and all(a.used[name] is b.used[name] or np.array_equal(a.used[name], b.used[name]) for name in a.used)
    )


def _refusal(problems: list[EmccError], refused: list[NodeReport], path: Path) -> EmccError:
    """Return one error for all problems and refused nodes."""
    if not refused and len(problems) == 1:
        return problems[0]
    if not problems and len(refused) == 1:
        (only,) = refused
        return EmccError(f"{only.reason} ({printable(only.op)})", file=path, node=only.name, hint=only.hint or None)
    hints = [problem.hint for problem in problems] + [report.hint for report in refused]
    lines = [problem.message for problem in problems]
    lines += [f"{quoted(report.name)} ({printable(report.op)}): {report.reason}" for report in refused]
    return EmccError(
        f"{len(refused)} nodes cannot be compiled" if not problems else f"cannot be compiled: {len(lines)} problems",
        file=path,
        details=lines,
        hint="; ".join(dict.fromkeys(hint for hint in hints if hint)) or None,
    )


def _graph(model: _Model, walk: Walk) -> Graph:
    """Return the Graph of a walk without refusals: the nodes between inputs and outputs, with unique names."""
    graph, path, outputs = model.proto.graph, model.path, tuple(model.outputs)
    sources = [value.name for value in real_inputs(graph)]
    for output in outputs:
        if output not in walk.data:
            message = f"its output {quoted(output)} does not depend on its input"
            raise EmccError(message, file=path, hint="export it again")
        if not walk.data[output].in_front:
            message = f"the samples of its output {quoted(output)} are not along the first axis"
            raise EmccError(message, file=path, hint=BATCH)
        if output in sources:
            raise EmccError(f"its output is its input {quoted(output)}: there is nothing to compile", file=path)
    chain, wanted = [], set(outputs)
    for node in reversed(walk.nodes):
        if node.outputs[0] in wanted:
            chain.append(node)
            wanted.update(node.inputs)
    nodes, names, numbers = [], set[str](), Counter[str]()
    for node in reversed(chain):
        unique = node.name
        while unique in names:
            numbers[node.name] += 1
            unique = f"{node.name}#{numbers[node.name] + 1}"
        names.add(unique)
        nodes.append(replace(node, name=unique))
    inputs = tuple(name for name in sources if name in wanted)
    tensors = {name: _tensor(name, walk.data[name]) for name in inputs}
    tensors.update({node.outputs[0]: _tensor(node.outputs[0], walk.data[node.outputs[0]]) for node in nodes})
    used = {name for node in nodes for name in node.inputs if name} - set(tensors)
    constants = {name: walk.used[name] for name in sorted(used)}
    units = {name: walk.used_units[name] for name in constants if name in walk.used_units}
    return Graph(graph.name, inputs, outputs, tuple(nodes), tensors, constants, units=units)


def _tensor(name: str, data: Data) -> Tensor:
    if data.shape is None:
        raise ValueError(f"{name!r} has no shape")
    return Tensor(name, data.shape, "float32" if data.dtype == "bool" else data.dtype)
