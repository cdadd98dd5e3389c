"""A torch module as an ONNX file."""

import inspect
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emcc.base.errors import EmccError
from emcc.base.text import printable

INPUT, OUTPUT, BATCH = "x", "y", "n"


def is_module(given: Any) -> bool:
    """Tell whether it is a torch module; torch is not loaded to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(given, torch.nn.Module)


def export(module: Any, example: Any) -> bytes:
    """Export a module of one input and one output, as it is in eval mode, with a batch of any size.

    The exporter is the one by tracing (`dynamo=False`; before torch 2.5 the only one): the other needs onnxscript.

    Args:
        example: an input with the batch first, an array or a tensor; floats are given in the module's type.

    Raises:
        EmccError: torch cannot export it.
    """
    torch = sys.modules["torch"]
    axes = {INPUT: {0: BATCH}, OUTPUT: {0: BATCH}}
    options: dict[str, Any] = {"input_names": [INPUT], "output_names": [OUTPUT], "dynamic_axes": axes}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    with tempfile.TemporaryDirectory(prefix="emcc-") as folder, _evaluating(module), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        file = Path(folder) / "model.onnx"
        try:
            torch.onnx.export(module, (_tensor(torch, module, example),), str(file), **options)
        except Exception as error:  # whatever the module's own code raises
            kind, first = type(module).__name__, printable(f"{type(error).__name__}: {error}".splitlines()[0], 300)
            hint = "check that the module runs on example_input; or export it yourself, and give the file"
            raise EmccError(f"torch cannot export the module {kind}: {first}", hint=hint) from error
        return file.read_bytes()


def _tensor(torch: Any, module: Any, example: Any) -> Any:
    """Return the example as a tensor on the module's device, floats in its type."""
    tensor = torch.as_tensor(example).detach()
    like = next(module.parameters(), None)
    if like is None:
        return tensor
    return tensor.to(like.device, like.dtype if tensor.is_floating_point() else tensor.dtype)


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """Put a module and its parts into eval mode, and then each back as it was."""
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
