"""Any program as C gives the reference's integers, under the sanitizers and without a warning."""

from typing import Any

import numpy as np
import pytest
from c_programs import SANITIZED, mismatches
from hand_qgraphs import Hand
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from qgraphs import inputs, quantised
from random_qgraphs import qgraphs
from specimens import patterned, specimen

from emcc.backends.hls import Model, plain
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.lint.grouped import GROUPED

pytestmark = pytest.mark.sim

ANY = LowerOptions(pes=8, groups=2, balance="entries")
CASE = st.tuples(qgraphs(), st.booleans(), st.booleans())
CHAINS: dict[str, tuple[list[int], dict[str, Any]]] = {
    "one_in_one_out": ([1, 1], {"density": 1.0}),
    "codes": ([50, 33, 17, 70], {"code_w": [4, 2, 8], "functions": ["table", "relu", "identity"]}),
    "binary_and_dense": ([40, 30, 10], {"code_w": 1, "zero_code": False}),
    "byte": ([33, 40, 21], {"act_w": 8, "functions": ["table", "relu"]}),
    "book": ([90, 40, 5], {"code_w": 8, "density": 0.9}),
    "long_runs": ([12, 900, 9], {"density": 0.002}),
}


def agrees(case: tuple[tuple[Graph, dict[str, Array]], bool, bool], flags: Any = SANITIZED) -> str:
    """Compile a drawn graph, as it is for C or dealt to PEs, for firmware or for synthesis; returns what it has."""
    (graph, x), dealt, top = case
    program = lower(graph, ANY) if dealt else plain(graph)
    assert mismatches(program, x, flags, top) == 0
    return f"{'of PEs' if dealt else 'plain'}, {'hls' if top else 'c'}{', with host parts' if program.parts else ''}"


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name: str) -> None:
    sizes, how = CHAINS[name]
    assert mismatches(plain(quantised(sizes, **how)), {"x": inputs(20, sizes[0], high=127)}, ("-O2",)) == 0


@pytest.mark.parametrize("name", ["groups", "no_codes", "own_codes", "own_codes_too"])
def test_specimens(name: str) -> None:
    """Every kind of pass that the RTL has, dealt to PEs: orders with holes, unrolled inputs."""
    program, _ = specimen(name)
    assert mismatches(program, patterned(program), ("-O1",)) == 0


@settings(max_examples=14, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(case=CASE)
def test_any_graph(case: Any) -> None:
    agrees(case)


def test_all_kernels_and_forms_are_tried() -> None:
    kernels, forms = set(), set()
    programs = [specimen(name)[0] for name in GROUPED]
    programs += [plain(quantised(sizes, **how)) for sizes, how in CHAINS.values()]
    for program in programs:
        calls = Model(program, "m").context.calls
        kernels |= {call.kernel for call in calls}
        forms |= {call.row["form"] for call in calls if call.row["form"]}
    assert kernels == {"dense", "full", "sparse", "local", "largest", "product"}
    assert forms == {1, 2, 4, 8}


@pytest.mark.parametrize("array", ["biases", "words", "codes", "runs", "starts", "books"])
def test_a_wrong_number_in_an_array_is_red(array: str) -> None:
    """Each of the read-only arrays is one that answers depend on."""
    how = {"codes": {"code_w": 2}, "books": {"code_w": 4}}.get(array, {"code_w": 8, "density": 0.1})
    program = plain(quantised([60, 40, 20], **how))  # type: ignore[arg-type]
    held = Model(program, "m").context.arrays.all[array]
    assert held
    assert mismatches(program, {"x": inputs(20, 60)}, ("-O1",), changed={array: _wrong(array, held)}) > 0


def _wrong(array: str, held: list[int]) -> list[int]:
    if array == "starts":
        return [0] * len(held)
    if array == "runs":
        return [min(value, 1) for value in held]
    return [value ^ 1 if array == "codes" else value + (1 << 12) for value in held]


def test_a_tensor_that_nothing_writes_is_zero() -> None:
    """Slots between the parts of a whole, dealt to lanes, are read by an average and are not what was there before."""
    hand = Hand((3, 4, 4), (2, 4, 4))
    joined = hand.concat(hand.conv("x0", 3), hand.conv("x1", 2))
    hand.conv(joined, 4)
    graph = hand.graph()
    rng = np.random.default_rng(0)
    x = {name: rng.integers(-900, 900, (4, *graph.tensors[name].shape[1:])) for name in graph.inputs}  # type: ignore[arg-type]
    assert mismatches(lower(graph, ANY), x) == 0
