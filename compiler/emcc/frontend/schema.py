"""A node against onnx's own definition of its operator: version, inputs, attributes, defaults."""

from collections.abc import Mapping
from typing import Any

import onnx
from onnx import AttributeProto

from emcc.frontend.refusal import Refusal, quoted


def attributes(node: onnx.NodeProto, opset: int, domain: str = "") -> Mapping[str, Any]:
    """Return the node's attributes over its operator's defaults in `opset`; raise Refusal for unknown ones."""
    try:
        schema = onnx.defs.get_schema(node.op_type, opset, domain)
    except onnx.defs.SchemaError:
        raise Refusal(
            f"opset {opset} has no operator {quoted(node.op_type)}", "check the opset the file states"
        ) from None
    if schema.deprecated:
        raise Refusal(f"{node.op_type} is deprecated in opset {opset}", "export with a newer exporter")
    given: dict[str, Any] = {}
    for attribute in node.attribute:
        expected = schema.attributes.get(attribute.name)
        if expected is None:
            raise Refusal(
                f"{node.op_type} of opset {opset} has no attribute {quoted(attribute.name)}",
                "remove the attribute, or state the opset that has it",
            )
        if attribute.name in given:
            raise Refusal(f"attribute {quoted(attribute.name)} is given twice", "export the model again")
        if attribute.ref_attr_name or int(attribute.type) != int(expected.type.value):
            raise Refusal(f"attribute {quoted(attribute.name)} is of the wrong type", "export the model again")
        given[attribute.name] = _value(attribute)
    missing = [name for name, known in schema.attributes.items() if known.required and name not in given]
    if missing:
        raise Refusal(f"has no attribute {', '.join(map(repr, missing))}", "export the model again")
    if not schema.min_input <= len(node.input) <= schema.max_input:
        raise Refusal(f"has {len(node.input)} inputs", f"{node.op_type} has {schema.min_input} to {schema.max_input}")
    if not schema.min_output <= len(node.output) <= schema.max_output:
        raise Refusal(
            f"has {len(node.output)} outputs", f"{node.op_type} has {schema.min_output} to {schema.max_output}"
        )
    defaults = {
        name: _value(known.default_value)
        for name, known in schema.attributes.items()
        if known.default_value.type != AttributeProto.UNDEFINED
    }
    return {**defaults, **given}


def _value(attribute: onnx.AttributeProto) -> Any:
    """Return Python numbers, text, tuples of them; protobuf messages as they are."""
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if attribute.type in (AttributeProto.INTS, AttributeProto.FLOATS):
        return tuple(value)
    if attribute.type == AttributeProto.STRINGS:
        return tuple(text.decode("utf-8", "replace") for text in value)
    return value
