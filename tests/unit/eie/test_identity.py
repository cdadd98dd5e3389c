"""Weights that are their codes: packed, checked, stored and run without a codebook."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emcc.base.errors import EmccError
from emcc.eie import reference
from emcc.eie.bounds import accumulators
from emcc.eie.groups.schedule import plan
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.program_check import problems
from emcc.eie.store import load_program, save_program
from emcc.ir.graph import Array, Format, Graph, Node, Tensor
from emcc.ir.program import Program
from emcc.legal.verify import verify
from emcc.ops import interpret


def layer(codes: Array, multiplier: Array | None = None, shift: int = 9, **attrs: Any) -> Graph:
    """A chain of one layer whose codes are the weights; or a convolution of [n, in, 4, 5]."""
    conv = codes.ndim == 4
    bias = np.arange(len(codes)) * 37 - 100
    constants = {"codes": codes, "bias": bias} | ({} if multiplier is None else {"by": multiplier})
    step = {"act_w": 16, "function": "identity", "hi_bits": 0, "lo_bits": 0, "shift": shift, "z_frac": 8 + 6 - shift}
    step |= {"code_w": 8 * codes.dtype.itemsize, "weight_frac": 6}
    if conv:
        step |= {"group": 1, "strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1), **attrs}
    inputs = ("x", "codes", "", "bias", *([] if multiplier is None else ["by"]))
    shape = (None, codes.shape[1] * step.get("group", 1), 4, 5) if conv else (None, codes.shape[1])
    made = (None, len(codes), 4, 5) if conv else (None, len(codes))
    tensors = {"x": Tensor("x", shape, fmt=Format(16, 8)), "y": Tensor("y", made, fmt=Format(16, 14 - shift))}
    nodes = (Node("one", "QConv" if conv else "QLinear", inputs, ("y",), step),)
    return Graph("g", ("x",), ("y",), nodes, tensors, constants)


def program_of(graph: Graph, pes: int = 3) -> Program:
    """Lowered, and through its file."""
    verify(graph, after="quantise")
    return load_program(save_program(lower(graph, LowerOptions(pes=pes))))


@given(st.data())
def test_slices_hold_the_weights(data: Any) -> None:
    """Any integers, dense or sparse, with runs that need padding: two's complement, zero is zero."""
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    dtype = data.draw(st.sampled_from(["int8", "int16"]))
    rows, columns = data.draw(st.integers(1, 40)), data.draw(st.integers(1, 9))
    held = np.iinfo(dtype)
    codes = rng.integers(held.min, held.max + 1, (rows, columns)).astype(dtype)
    codes[rng.random(codes.shape) < data.draw(st.sampled_from([0.0, 0.5, 0.95]))] = 0
    program = program_of(layer(codes), data.draw(st.integers(1, 5)))
    (slices,) = program.slices
    assert program.steps[0].codebook == -1
    assert not program.codebooks
    assert slices.code.dtype == f"u{dtype}"
    assert slices.padding == np.count_nonzero(slices.code == 0)
    dense = reference.weights(slices, None, program.pes).toarray()
    order = program.buffers[program.steps[0].target].order
    columns_left = program.buffers[program.steps[0].sources[0]].order
    np.testing.assert_array_equal(dense, codes[order][:, columns_left])


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("shape", [(7, 5), (6, 3, 3, 3), (4, 1, 3, 3)])
@pytest.mark.parametrize("scaled", [False, True])
def test_the_program_computes_what_the_graph_says(dtype: str, shape: tuple[int, ...], scaled: bool) -> None:
    rng = np.random.default_rng(len(shape))
    held = np.iinfo(dtype)
    codes = rng.integers(held.min, held.max + 1, shape).astype(dtype)
    codes.flat[:2] = held.min, held.max
    more: dict[str, Any] = {"group": 4} if shape[1:2] == (1,) else {}
    multiplier = rng.integers(1, 1 << 14, len(codes)) if scaled else None
    graph = layer(codes, multiplier, (13 if scaled else 0) + (18 if dtype == "int16" else 10), **more)
    program = program_of(graph)
    x = rng.integers(-(1 << 15), 1 << 15, (6, *graph.tensors["x"].shape[1:]))  # type: ignore[arg-type]
    wanted = np.asarray(interpret.run(graph, x)).reshape(6, -1)
    np.testing.assert_array_equal(reference.run(program, x.reshape(6, -1)), wanted)
    assert len(np.unique(wanted)) > 10
    (bound,) = (bits for _, bits in accumulators(program))
    largest = int(np.abs(codes.astype(int)).reshape(len(codes), -1).sum(1).max()) << 15
    assert largest.bit_length() <= bound <= largest.bit_length() + 2


@pytest.mark.parametrize("multiplier", [None, np.full(3, 7)])
def test_the_array_runs_them(multiplier: Array | None) -> None:
    (row,) = plan(program_of(layer(np.ones((3, 4), np.int16), multiplier))).passes
    assert (row.ident, row.code_w, row.scale >= 0) == (True, 16, multiplier is not None)


BAD: dict[str, tuple[Any, str]] = {
    "codes of one byte": (lambda s: replace(s, code=s.code.astype(np.uint8)), "codes of 16 and runs of"),
    "width": (lambda s: replace(s, code_w=4, code=s.code.astype(np.uint8) & 7), "weights of 4 bits without a codebook"),
    "padding": (lambda s: replace(s, padding=s.padding + 1), "padding zeros of"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_slices_are_refused(kind: str) -> None:
    change, said = BAD[kind]
    program = program_of(layer(np.arange(1, 13, dtype=np.int16).reshape(3, 4)))
    wrong = replace(program, slices=(change(program.slices[0]),))
    with pytest.raises(EmccError) as error:
        load_program(save_program(wrong))
    assert said in str(error.value)


def test_codes_of_16_bits_have_no_codebook() -> None:
    program = program_of(layer(np.arange(1, 13, dtype=np.int16).reshape(3, 4)))
    step = replace(program.steps[0], codebook=0)
    wrong = replace(program, steps=(step,), codebooks=(np.arange(300),))
    assert any("a codebook of 300 entries for codes of 16 bits" in text for text in problems(wrong))


def test_local_codes_of_other_types_are_refused() -> None:
    program = program_of(layer(np.ones((4, 1, 3, 3), np.int16), group=4))
    assert program.codes[0].dtype == np.uint16
    assert any(
        "codes that are not taps by slots" in text
        for text in problems(replace(program, codes=(program.codes[0].astype(np.int16),)))
    )
