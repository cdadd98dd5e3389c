"""What an update cannot exchange: the same for a network that was trained on, another for another array."""

from pathlib import Path

import numpy as np
from models import mlp, save
from onnx import ModelProto, numpy_helper

import emcc
from emcc.boards.design import read_design
from emcc.boards.memories.images import exchanged, structure

RECIPE = {"lower": {"groups": 1, "queue_depth": 16}}


def trained_on(model: ModelProto) -> ModelProto:
    """The same with last weights that are a little less: as many zeros, so as many entries."""
    changed = ModelProto()
    changed.CopyFrom(model)
    last = next(one for one in reversed(changed.graph.initializer) if len(one.dims) == 2)
    last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last) * np.float32(0.999), last.name))
    return changed


def test_other_weights_are_the_same_structure(tmp_path: Path) -> None:
    """Also where the artefact has its digest in a source that is not on the board: the AXI top's registers."""
    model = mlp((20, 12, 3), seed=1)
    for name, one, pes in (("a", model, 2), ("b", trained_on(model), 2), ("c", model, 3)):
        emcc.compile(save(one, tmp_path / f"{name}.onnx"), pes=pes, recipe=RECIPE).write(tmp_path / name)
    a, b, c = (read_design(tmp_path / name) for name in "abc")
    registers = "rtl/emcc_regs_pkg.sv"
    assert a.files[registers] != b.files[registers]
    assert registers not in a.names
    assert structure(a) == structure(b)
    assert exchanged(a) != exchanged(b)
    assert structure(a) != structure(c)
    assert {"rtl/emcc_assert.svh", *a.names} < set(structure(a))
