"""What a caller may give in the place of a file. It is put into a file, and so comes in through the doors for files."""

import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from emcc.api.modules import export, is_module
from emcc.api.recipes import to_toml
from emcc.base.errors import EmccError
from emcc.files.arrays import write_npz
from emcc.ir.graph import Array

Named: TypeAlias = str | os.PathLike[str]
Data: TypeAlias = Named | ArrayLike | tuple[ArrayLike, ArrayLike | None] | Mapping[str, ArrayLike]
"""An .npz file, x alone, (x, y), or arrays by the names that they have in such a file (samples.load)."""

Recipe: TypeAlias = Named | Mapping[str, Mapping[str, Any]]
"""A TOML file, or its sections."""

NPZ, RECIPE = "data.npz", "recipe.toml"
_OPTION = re.compile(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)( (?=\d|reference\b))?")


class EmccWarning(UserWarning):
    """More is lost than the goal allows, or inputs saturate: what the command line says in colour."""


class Inputs:
    """Files of one call, in a temporary folder that goes when the call ends. Use it as a context manager.

    An EmccError that leaves it names what the caller gave, and options as Python has them.
    """

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._given: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._folder is not None:
            self._folder.cleanup()
        if isinstance(error, EmccError):
            error.file = self._given.get(str(error.file), error.file)
            error.message, error.hint = in_python(error.message), error.hint and in_python(error.hint)
            error.details = tuple(in_python(line) for line in error.details)
            error.args = (str(error),)

    def model(self, given: Any, example: Any, data: Data | None, name: str = "the model") -> Path:
        """Return the file of a model: a path, an onnx.ModelProto, or a torch module, exported for an example.

        `name` is what messages call it.

        Raises:
            EmccError: it is none of these, there is no example, or torch cannot export it.
        """
        if isinstance(given, (str, os.PathLike)):
            if example is not None:
                raise EmccError("example_input is for a torch module, and the model is a file", hint="leave it out")
            return Path(given)
        if callable(write := getattr(given, "SerializeToString", None)):
            return self._put(_file(name), write(deterministic=True), name)
        kind = type(given).__name__
        if not is_module(given):
            hint = "give an ONNX file, an onnx.ModelProto or a torch module"
            raise EmccError(f"{name} is of type {kind}", hint=hint)
        if example is None:
            example = _first(data)
        if example is None:
            hint = "give example_input=x0, with the batch first, as the module takes it"
            raise EmccError(f"the torch module {kind} is exported by running it on an input", hint=hint)
        return self._put(_file(name), export(given, example), f"the torch module {kind}")

    def data(self, given: Data | None, name: str = "data") -> Path | None:
        """Return the file of data; `name` is the option's. EmccError where it holds no arrays."""
        if given is None or isinstance(given, (str, os.PathLike)):
            return None if given is None else Path(given)
        parts = _parts(given, name)
        arrays = {key: as_array(value, f"{name}: {key}") for key, value in parts.items() if value is not None}
        return self._put(f"{name}.npz", write_npz(arrays), name)

    def recipe(self, given: Recipe | None) -> Path | None:
        """Return the file of a recipe. EmccError with all that is wrong with its sections."""
        if given is None or isinstance(given, (str, os.PathLike)):
            return None if given is None else Path(given)
        return self._put(RECIPE, to_toml(given).encode(), "recipe")

    def _put(self, name: str, content: bytes, given: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="emcc-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / name
        path.write_bytes(content)
        self._given[str(path)] = given
        return path


def _file(name: str) -> str:
    return f"{name.removeprefix('the ')}.onnx"


def as_array(value: Any, name: str) -> Array:
    """Return an array of numbers: of an array, a list, or a tensor of torch on any device. EmccError otherwise."""
    if callable(detach := getattr(value, "detach", None)):
        value = detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise EmccError(f"{name} cannot be made an array: {error}") from error
    if array.dtype.hasobject:
        raise EmccError(f"{name} holds Python objects, not numbers", hint="give an array of numbers, the batch first")
    return array


def in_python(text: str) -> str:
    """Write the options in a sentence as Python has them: --max-drop 1 is max_drop=1."""
    return _OPTION.sub(lambda found: f"{found[1].replace('-', '_')}=", text.replace(" with --out", ""))


def _parts(given: Any, name: str) -> dict[str, Any]:
    if isinstance(given, Mapping):
        if not all(isinstance(key, str) for key in given):
            raise EmccError(f"{name} has keys that are no names", hint="give arrays by names, such as x and y")
        return dict(given)
    if not isinstance(given, tuple):
        return {"x": given}
    if len(given) != 2:
        raise EmccError(f"{name} is a tuple of {len(given)}, not (x, y)", hint="give x, (x, y) or an .npz file")
    return {"x": given[0], "y": given[1]}


def _first(data: Data | None) -> Any:
    """Return the first sample, the batch of one first; None where the data is not in memory."""
    if data is None or isinstance(data, (str, os.PathLike)):
        return None
    given = _parts(data, "data").get("x")
    x = None if given is None else as_array(given, "data: x")
    return x[:1] if x is not None and x.ndim and len(x) else None
