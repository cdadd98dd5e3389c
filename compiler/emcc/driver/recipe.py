"""The recipe: a TOML file with a section for each step of compiling, checked against the steps' own fields."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from difflib import get_close_matches
from inspect import get_annotations
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar, cast

from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.compress.method import (
    METHODS,
    NONE,
    Binarises,
    Codebooks,
    Combination,
    Shrinks,
    Splits,
    Zeros,
    combined,
    method,
)
from emcc.compress.untouched import Untouched
from emcc.files import door
from emcc.files.texts import LONGEST, from_toml


class Section(Protocol):
    """A dataclass whose fields are options of the recipe."""

    name: ClassVar[str]


T = TypeVar("T", bound=Section)
HINT = "`emcc recipe` prints every option with its default"


@dataclass(frozen=True)
class Recipe:
    """What the user chose; all else is at its default.

    Attributes:
        chosen: section -> key -> value, checked.
    """

    chosen: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str, file: object | None = None) -> Self:
        """From TOML. Raises EmccError with all that is wrong."""
        try:
            table = from_toml(text)
        except ValueError as error:
            raise EmccError(f"not TOML: {printable(str(error), 300)}", file=file) from None
        problems = check(table)
        if problems:
            count = "a mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
            raise EmccError(f"{count} in the recipe", file=file, details=problems, hint=HINT)
        return cls(table)

    @classmethod
    def read(cls, path: Path | str) -> Self:
        """From a file."""
        try:
            text = door.read(path, LONGEST).decode("utf-8")
        except FileNotFoundError:
            raise EmccError("no such file", file=path) from None
        except OSError as error:
            raise EmccError(f"cannot be read: {error.strerror}", file=path) from None
        except UnicodeDecodeError as error:
            raise EmccError(f"not TOML: not UTF-8 at byte {error.start}", file=path) from None
        return cls.parse(text, path)

    @property
    def given(self) -> frozenset[str]:
        """The sections that the recipe has."""
        return frozenset(self.chosen)

    def of(self, kind: type[T]) -> T:
        """The options or the pass of that class, made of the chosen values; its `name` is its section."""
        return kind(**self.chosen.get(kind.name, {}))

    def naming(self, methods: str | None) -> Self:
        """The recipe with --method. EmccError where it names none."""
        if methods is None:
            return self
        combined(methods)
        section = {**self.chosen.get("compress", {}), "methods": methods}
        return replace(self, chosen={**self.chosen, "compress": section})

    @property
    def named(self) -> Mapping[str, str]:
        """The methods by role. EmccError where [compress] methods names none."""
        chosen = self.of(Combination)
        if chosen.methods:
            return combined(chosen.methods)
        split = {} if chosen.factors == NONE else {"factor": chosen.factors}
        signs = {} if chosen.activations == NONE else {"binarise": chosen.activations}
        return {**split, **signs, "prune": chosen.zeros, "share": chosen.codebooks}

    @property
    def channels(self) -> Shrinks | None:
        """The method that takes out channels, if one is in use, with its options."""
        return cast(Shrinks, self.of(method(self.named["shrink"]))) if "shrink" in self.named else None

    @property
    def zeros(self) -> Zeros:
        """The method that chooses zeros, with its options."""
        return cast(Zeros, self.of(method(self.named["prune"]))) if "prune" in self.named else Untouched()

    @property
    def shares(self) -> bool:
        """Whether a method that shares weights is in use."""
        return "share" in self.named

    @property
    def codebooks(self) -> Codebooks:
        """The method that shares weights, with its options; where none is in use, codebooks that keep weights."""
        if self.shares:
            return cast(Codebooks, self.of(method(self.named["share"])))
        return cast(Codebooks, self.of(method("share"))).kept()

    @property
    def factors(self) -> tuple[Splits, ...]:
        """The method that splits layers, with its options; nothing where there is none."""
        return (cast(Splits, self.of(method(self.named["factor"]))),) if "factor" in self.named else ()

    def splitting(self, progress: Callable[[str], None]) -> tuple[Splits, ...]:
        """`factors`, which tell of each layer that they split."""
        return tuple(step.telling(progress) for step in self.factors)

    @property
    def activations(self) -> Binarises | None:
        """The method that has layers hand on signs, if one is in use, with its options."""
        return cast(Binarises, self.of(method(self.named["binarise"]))) if "binarise" in self.named else None

    def effective(self, taught: bool = False) -> dict[str, dict[str, Any]]:
        """Every section's every value, defaults included, but for what is not used: for the manifest.

        taught: whether a student learns of a teacher.
        """
        unused = set(METHODS) - {*self.named.values(), self.codebooks.name} | (set() if taught else {"distil"})
        return {section: self._effective(section) for section in sections() if section not in unused}

    def _effective(self, section: str) -> dict[str, Any]:
        chosen = self.chosen.get(section, {})
        values = {entry.name: chosen.get(entry.name, default(entry)) for entry in options(section)}
        silent = {e.name for e in options(section) if e.metadata["silent"] and values[e.name] == default(e)}
        return {name: value for name, value in values.items() if name not in silent}


def sections() -> dict[str, str]:
    """The recipe's sections, and where the dataclass of each is."""
    return {
        "scale": "emcc.passes.scale:Scale",
        "equalise": "emcc.passes.equalise:Equalise",
        "compress": "emcc.compress.method:Combination",
        **{name: where for name, (_, where) in METHODS.items()},
        "finetune": "emcc.compress.finetune:Finetune",
        "distil": "emcc.compress.distil:Distil",
        "calibrate": "emcc.passes.calibrate:Calibrate",
        "quantise": "emcc.passes.quantise:Quantise",
        "lower": "emcc.eie.options:LowerOptions",
        "encode": "emcc.container.options:EncodeOptions",
        "emit": "emcc.backends.options:EmitOptions",
        "search": "emcc.compress.search.goal:Search",
    }


def options(section: str) -> tuple[Field[Any], ...]:
    """The fields of a section that a recipe may set, made with `base.options.option`; those of a base class last."""
    module, name = sections()[section].split(":")
    kind = getattr(importlib.import_module(module), name)
    found = (entry for entry in fields(kind) if "doc" in entry.metadata)
    return tuple(sorted(found, key=lambda entry: entry.name not in get_annotations(kind)))


def default(entry: Field[Any]) -> Any:
    """A field's default."""
    return entry.default_factory() if entry.default_factory is not MISSING else entry.default


def check(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with a parsed recipe, a line each, in its order."""
    problems = []
    for section, values in table.items():
        if section not in sections():
            name = printable(section)
            cause = f"no section [{name}]" if isinstance(values, dict) else f"{name} is in no section"
            problems.append(cause + _near(section, list(sections()), "the sections are"))
        elif not isinstance(values, dict):
            problems.append(f"{section} is a section: write [{section}], and its options below")
        else:
            known = {entry.name: entry for entry in options(section)}
            for key, value in values.items():
                where = f"[{section}] {printable(key)}"
                if key in known:
                    problems += check_value(where, value, known[key])
                else:
                    problems.append(f"{where}: no such option{_near(key, list(known), 'its options are')}")
    return problems


def check_value(where: str, value: Any, entry: Field[Any]) -> list[str]:
    """What is wrong with a value of a field; in a table, with each of its values."""
    metadata, wanted = entry.metadata, default(entry)
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return [f"{where} is {_show(value)}, not a table of values by layer"]
        kind = int if "int" in str(entry.type) else float
        items = ((f"{where}.{printable(repr(key))}", item) for key, item in value.items())
        return [line for name, item in items for line in _check_scalar(name, item, kind, metadata)]
    return _check_scalar(where, value, type(wanted), metadata)


def _check_scalar(where: str, value: Any, kind: type, metadata: Mapping[str, Any]) -> list[str]:
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}
    right = (int, float) if kind is float else kind
    if not isinstance(value, right) or (isinstance(value, bool) and kind is not bool):
        return [f"{where} is {_show(value)}, not {words[kind]}"]
    choices, low, high = metadata["choices"](), metadata["low"], metadata["high"]
    if choices and value not in choices:
        known = [str(choice) for choice in choices]
        return [f"{where} is {_show(value)}{_near(str(value), known, 'it can be')}"]
    above, below = low is None or value >= low, high is None or value <= high
    if above and below:
        return []
    return [f"{where} is {_show(value)}, not {_range(low, high)}"]


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return f"from {low} to {high}"


def _near(name: str, known: Sequence[str], lead: str) -> str:
    near = get_close_matches(name, known, 1)
    return f", did you mean {near[0]}?" if near else f"; {lead} {', '.join(known)}"


def _show(value: Any) -> str:
    return printable(_toml(value) if isinstance(value, bool | int | float | str) else f"a {type(value).__name__}", 60)


def _toml(value: bool | int | float | str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if isinstance(value, str) else repr(value)


def default_text() -> str:
    """The recipe in which everything is at its default, with a comment on each option; it parses to the defaults."""
    lines = ["# emcc's recipe: every option at its default. Keep the lines you change; the rest may go."]
    for section in sections():
        lines += ["", f"[{section}]"]
        tables = []
        for entry in options(section):
            if isinstance(default(entry), dict):
                tables.append(entry)
            else:
                lines += [*_comment(entry), f"{entry.name} = {_toml(default(entry))}"]
        for entry in tables:
            lines += ["", *_comment(entry), f"[{section}.{entry.name}]"]
    return "\n".join(lines) + "\n"


def _comment(entry: Field[Any]) -> list[str]:
    choices, low, high = entry.metadata["choices"](), entry.metadata["low"], entry.metadata["high"]
    allowed = ""
    if choices:
        allowed = f" ({', '.join(_toml(choice) for choice in choices)})"
    elif low is not None or high is not None:
        allowed = f" ({_range(low, high)})"
    return [f"# {entry.metadata['doc']}{allowed}"]
