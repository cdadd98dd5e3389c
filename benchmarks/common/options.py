"""Options of lowering from a command line: whatever LowerOptions has, by name."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from emcc.eie.options import LowerOptions


def lower_options(settings: Sequence[str], **given: Any) -> LowerOptions:
    """LowerOptions of `given` and of settings such as "balance=false". Raises ValueError for what is not one."""
    defaults = LowerOptions()
    known = {field.name: type(getattr(defaults, field.name)) for field in fields(LowerOptions)}
    values = dict(given)
    for setting in settings:
        name, _, text = setting.partition("=")
        if name not in known:
            raise ValueError(f"lowering has no option {name!r}, only {', '.join(known)}")
        values[name] = _value(known[name], name, text)
    return LowerOptions(**values)


def _value(kind: type, name: str, text: str) -> Any:
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{name} is true or false, not {text!r}")
        return text.lower() == "true"
    return kind(text)
