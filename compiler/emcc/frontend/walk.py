"""Goes through a model's nodes once, for one number of samples: folds constants, makes ir nodes, notes refusals."""

from collections import ChainMap, Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx

from emcc import ops
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.frontend import constants, legacy, rules_microsoft, rules_qonnx
from emcc.frontend.behind_rules import to_front
from emcc.frontend.context import Initializers, Model
from emcc.frontend.hints import INLINE, STANDARD, hint_for
from emcc.frontend.integers import GRIDDED, dequantized, dtype_after, grid_after, moved_unit, takes_integers
from emcc.frontend.operands import LARGEST, Data, Operands
from emcc.frontend.refusal import Refusal, UnknownShapeError, quoted
from emcc.frontend.report import NodeReport
from emcc.frontend.rules import EITHER_SIDE, OUTPUT, Rule, rule_for, standard
from emcc.frontend.schema import attributes
from emcc.frontend.spelling import Spelling
from emcc.frontend.spelt import Spell, spell_of, spelt
from emcc.frontend.topology import node_name, uses
from emcc.ir.graph import Array, Node
from emcc.ops.shapes import elements


@dataclass
class Walk:
    """What one pass over the nodes gives: a report a node, ir nodes, their tensors and constants.

    `names` are all that the model uses, and that the walk has made; `makers` the ir nodes by the tensors they make;
    `units` of constants that are integers times units, these; `used_units` of `used`. `room` is what constants take.
    """

    model: Model
    batch: int
    frozen: bool
    known: Initializers
    data: dict[str, Data]
    names: set[str]
    nodes: list[Node] = field(default_factory=list)
    used: dict[str, Array] = field(default_factory=dict)
    reports: list[NodeReport] = field(default_factory=list)
    makers: dict[str, Node] = field(default_factory=dict)
    units: dict[str, Array] = field(default_factory=dict)
    used_units: dict[str, Array] = field(default_factory=dict)
    room: constants.Room = field(default_factory=constants.Room)

    @property
    def opset(self) -> int:
        """Of the default domain."""
        return self.model.opsets[""]

    def run(self, protos: Sequence[onnx.NodeProto], outputs: Sequence[str]) -> "Walk":
        """Self, after all nodes, which are in topological order."""
        wanted = {name for proto in protos for name in uses(proto)} | set(outputs)
        waiting = Counter(name for proto in protos for name in uses(proto)) + Counter(outputs)
        for proto in protos:
            op = proto.op_type if standard(proto) else f"{proto.domain}.{proto.op_type}"
            try:
                self._node(proto, wanted)
                self.reports.append(NodeReport(node_name(proto), op, True))
            except UnknownShapeError:
                self._unknown(proto)
                self.reports.append(NodeReport(node_name(proto), op, True, "as far as can be told"))
            except Refusal as refusal:
                self._unknown(proto)
                self.reports.append(NodeReport(node_name(proto), op, False, refusal.reason, refusal.hint))
            except EmccError as error:
                self._unknown(proto)
                self.reports.append(NodeReport(node_name(proto), op, False, error.message, error.hint or ""))
            self._free(proto, waiting)
        return self

    def _free(self, proto: onnx.NodeProto, waiting: Counter[str]) -> None:
        """Let go of the computed constants that no later node reads."""
        for name in uses(proto):
            waiting[name] -= 1
            if not waiting[name] and name in self.room.held:
                self.room.free(name)
                self.known.pop(name, None)

    def _unknown(self, proto: onnx.NodeProto) -> None:
        derived = proto.op_type in ("Shape", "Size") or not self._computed(proto)
        self.data.update({name: Data(None, derived=derived) for name in proto.output if name})

    def _computed(self, proto: onnx.NodeProto) -> list[str]:
        """The inputs that depend on what flows through the model, not on shapes alone."""
        return [name for name in uses(proto) if name in self.data and not self.data[name].derived]

    def _node(self, given: onnx.NodeProto, wanted: set[str]) -> list[Node]:
        """The ir nodes that it became; none where it is constant."""
        proto = rules_microsoft.standard_form(given)
        op, own = proto.op_type, (proto.domain, proto.op_type) in self.model.functions
        computed = self._computed(proto)
        spell = None if own else spell_of(proto, computed)
        if spell is not None:
            return self._spelt(proto, spell, wanted)
        rule = rule_for(proto)
        if not standard(proto) and (rule is None or own):
            raise Refusal(
                f"{printable(op)} is not a standard operator, but one of the domain {quoted(proto.domain)}",
                INLINE if own else STANDARD,
            )
        domain = "" if standard(proto) else proto.domain
        if domain in rules_qonnx.DOMAINS:
            attrs = rules_qonnx.attributes(proto)
        elif domain == rules_microsoft.DOMAIN:
            attrs = rules_microsoft.attributes(proto)
        elif given is not proto:
            attrs = attributes(proto, rules_microsoft.GRID_OPSET)
        else:
            attrs = attributes(proto, self.model.opsets.get(domain, 1), domain)
        derived = any(name in self.data and self.data[name].derived for name in proto.input)
        if derived and (not computed or rule):
            raise UnknownShapeError
        if not computed and (not domain or domain in rules_qonnx.DOMAINS):
            self._fold(proto, attrs)
        elif op in ("Shape", "Size") and len(computed) == 1:
            self._shape_of(proto, attrs)
        elif rule and computed:
            return self._make(proto, attrs, rule, wanted)
        else:
            raise Refusal(f"operator {printable(op)} is not supported by {self.model.by}", hint_for(op))
        return []

    def _spelt(self, proto: onnx.NodeProto, spell: Spell, wanted: set[str]) -> list[Node]:
        """The ir nodes of those that spell out a node."""
        if any(name in self.data and self.data[name].derived for name in uses(proto)):
            raise UnknownShapeError
        if standard(proto):
            attributes(proto, self.opset)
        path, constants_too = self.model.path, self.known
        spelling = Spelling(
            proto, path, self.opset, self.batch, self.data, constants_too, lambda name: name in self.names
        )
        parts = spelt(spell, proto, spelling)
        self.names.update(spelling.made)
        read = wanted | {name for part in parts for name in uses(part)}
        return [made for part in parts for made in self._node(part, read)]

    def _fold(self, proto: onnx.NodeProto, attrs: Mapping[str, object]) -> None:
        if proto.op_type == "Constant":
            self.known[proto.output[0]] = constants.constant_value(
                {a.name: attrs[a.name] for a in proto.attribute}, self.model.path
            )
            return
        constants.check_tensors(proto, self.model.path)
        values = [self.known[name] if name else None for name in proto.input]
        if proto.domain in rules_qonnx.DOMAINS:
            self._hold(proto, *rules_qonnx.folded(proto, attrs, values))
            return
        grid = dequantized(proto, attrs, values) if proto.op_type in GRIDDED else None
        if grid is not None:
            self._hold(proto, *grid)
            return
        named = proto
        if self.opset < legacy.BROADCASTING and "broadcast" in attrs and len(values) == 2:
            first, second = (np.asarray(value) for value in values)
            values, named = [first, legacy.aligned(second, attrs, first.ndim)], legacy.without_broadcast(proto)
        opset = max(self.opset, rules_microsoft.GRID_OPSET if named.op_type in GRIDDED else 0)
        results = constants.evaluate(named, opset, values, self.room)
        for name, value in zip([name for name in proto.output if name], results, strict=True):
            self.known[name] = value
            self.room.hold(name, value)
        unit = moved_unit(named, self.opset, values, self.units)
        if unit is not None and len(results) == 1:
            self.units[proto.output[0]] = unit

    def _hold(self, proto: onnx.NodeProto, value: Array, unit: Array | None) -> None:
        """Note the constant that a node makes, and its unit."""
        self.known[proto.output[0]] = value
        if unit is not None:
            self.units[proto.output[0]] = unit

    def _shape_of(self, proto: onnx.NodeProto, attrs: Mapping[str, object]) -> None:
        shape = self.data[proto.input[0]].shape
        if shape is None:
            raise UnknownShapeError
        sizes = self.data[proto.input[0]].sizes(self.batch)
        full = np.asarray(sizes[1:] if self.data[proto.input[0]].bare else sizes, np.int64)
        if proto.op_type == "Size":
            self.known[proto.output[0]] = np.asarray(full.prod())
            return
        start, end = attrs.get("start", 0), attrs.get("end")
        self.known[proto.output[0]] = full[start:end]

    def _make(self, proto: onnx.NodeProto, attrs: Mapping[str, object], rule: Rule, wanted: set[str]) -> list[Node]:
        node = Operands(
            proto, attrs, self.model, self.batch, self.frozen, self.data, self.known, self.names, self.makers, self.used
        )
        node.integers_too, node.units, node.wanted = takes_integers(proto), self.units, wanted
        if not node.is_data(0) and rule not in EITHER_SIDE:
            raise Refusal("its first input is constant, another computed", "give it the computed tensor first")
        where = to_front(node)
        made, output = rule(node), proto.output[OUTPUT.get(proto.op_type, 0)]
        others = {name: other for name, other in node.others.items() if name in wanted}
        self.known.update(node.settled)
        made_too = {*others, *node.settled}
        extra = [name for name in proto.output if name in wanted and name != output and name not in made_too]
        if extra:
            which = "first" if output == proto.output[0] else "second"
            raise Refusal(f"its output {quoted(extra[0])} is used", f"only the {which} output of a node may be used")
        own: dict[str, Data] = {}
        nodes = []
        steps = [*((step.made, step.output) for step in node.steps), *((other, name) for name, other in others.items())]
        for (op, inputs, kept), name in [*steps, *([(made, output)] if output in wanted or not others else [])]:
            result = Node(node_name(proto), op, inputs, (name,), kept)
            own[name] = self._result(result, ChainMap(own, node.data), node.changed)
            nodes.append(result)
        bare = any(node.bare(i) for i in range(len(proto.input))) if node.leaves_bare is None else node.leaves_bare
        own |= {name: replace(own[name], bare=bare) for name in others}
        if output in own:
            own[output] = replace(own[output], bare=bare, unit=node.leaves_unit)
        for name in (name for name in (*others, output) if name in own):
            own[name] = replace(own[name], **{**where, **node.ends.get(name, {})})
        self.data.update(own)
        self.used.update(node.changed)
        self.used_units.update(node.changed_units)
        self.names.update(node.changed, own)
        self.makers.update({result.outputs[0]: result for result in nodes})
        self.nodes += nodes
        return nodes

    def _result(self, result: Node, data: Mapping[str, Data], changed: Mapping[str, Array]) -> Data:
        """The tensor that an ir node makes."""
        op, inputs = result.op, result.inputs
        sources = [data[name] for name in inputs if name in data]
        source = sources[0]
        if any(data.shape is None for data in sources):
            raise UnknownShapeError
        shapes = ((data[name].shape if name in data else changed[name].shape) if name else None for name in inputs)
        try:
            shape = ops.get(op).shape(result, *shapes)
        except ValueError as error:
            raise Refusal(f"its shapes do not fit: {error}", "check the model; None is the batch") from None
        if elements(shape) > max(LARGEST, *(elements(data.shape or ()) for data in sources)):
            raise Refusal(f"makes {elements(shape)} elements a sample", f"emcc takes up to {LARGEST}")
        counts = op == "ArgMax" or (op == "TopK" and result.attrs["indices"])
        dtype = "int64" if counts else dtype_after(result, source.dtype)
        return Data(shape, dtype, grid=grid_after(result, source.grid))
