"""Perceptrons in RTL against the reference model, every bit, and the cycle model, every cycle, over the parameters."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from emitted import samples, write
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from qgraphs import quantised

from emcc.eie import reference
from emcc.eie.groups import cycles
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program
from emcc.runtime.simulate import simulate
from emcc.runtime.simulator import Stalls
from emcc.samples.dataset import Dataset
from emcc.samples.sampling import by_input, format_of

pytestmark = pytest.mark.sim

DESIGNS: dict[str, tuple[list[int], dict[str, Any], LowerOptions]] = {
    "one_pe": ([9, 14, 5], {}, LowerOptions(pes=1)),
    "one_in_one_out": ([1, 1], {"density": 1.0}, LowerOptions(pes=3)),
    "odd_pes": (
        [50, 33, 17, 70],
        {"code_w": [4, 2, 8], "functions": ["table", "relu", "identity"]},
        LowerOptions(pes=5),
    ),
    "binary_and_dense": (
        [40, 30, 10],
        {"code_w": 1, "zero_code": False},
        LowerOptions(pes=8, groups=2, queue_depth=16),
    ),
    "byte": ([33, 40, 21], {"act_w": 8, "functions": ["table", "relu"]}, LowerOptions(pes=6, groups=2)),
    "long_runs": ([12, 300, 9], {"density": 0.02}, LowerOptions(pes=2, run_bits=2, balance="none", trim=False)),
    "more_pes_than_rows": ([64, 9, 3], {}, LowerOptions(pes=16, groups=4)),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_bits_and_cycles_are_the_predicted_ones(tmp_path: Path, name: str) -> None:
    sizes, how, options = DESIGNS[name]
    program = write(quantised(sizes, **how), options, tmp_path / "a")
    for density, scale in ((0.5, 0.1), (1.0, 1.0), (0.05, 0.5), (0.0, 0.0)):
        data = samples(program, 40, density=density, scale=scale)
        result = simulate(tmp_path / "a", data)
        assert result.ok, f"{result} {result.failure}"
        assert result.inferences == 40
        assert (result.cycles > 0).all()
    for seed, stalls in enumerate(
        (Stalls(0.5, 0.0, 1), Stalls(0.0, 0.9, 2), Stalls(0.3, 0.6, 3), Stalls(0.97, 0.97, 4))
    ):
        result = simulate(tmp_path / "a", samples(program, 40, seed=seed), stalls=stalls)
        assert result.ok, f"{stalls}: {result} {result.failure}"
        assert result.cycle_mismatches is None


@pytest.fixture(scope="module")
def table_design(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Program]:
    folder = tmp_path_factory.mktemp("design") / "a"
    sizes, how, options = DESIGNS["odd_pes"]
    return folder, write(quantised(sizes, **how), options, folder)


@settings(max_examples=40)
@given(
    density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    scale=st.sampled_from([0.001, 0.1, 1.0]),
    stalls=st.one_of(st.none(), st.builds(Stalls, st.floats(0, 0.95), st.floats(0, 0.95), st.integers(0, 1000))),
    seed=st.integers(0, 2**31),
)
def test_any_input_under_any_stalls(
    table_design: tuple[Path, Program], density: float, scale: float, stalls: Stalls | None, seed: int
) -> None:
    folder, program = table_design
    data = samples(program, 15, density=density, scale=scale, seed=seed)
    result = simulate(folder, data, stalls=stalls, jobs=1)
    assert result.ok, f"{result} {result.failure}"


def test_what_the_result_says(table_design: tuple[Path, Program]) -> None:
    folder, program = table_design
    data = samples(program, 25)
    seen: list[tuple[int, int]] = []
    result = simulate(folder, data, count=20, progress=lambda done, of: seen.append((done, of)))
    x = format_of(program, program.inputs[0]).quantise(data.x[:20])
    memory = reference.ran(program, by_input(program, x))
    integers = reference.run(program, x)
    assert seen[-1] == (20, 20)
    output = result.outputs
    assert np.array_equal(output, np.ldexp(integers, -format_of(program, program.outputs[0]).frac_bits))
    assert data.y is not None
    assert result.worth.accuracy == np.mean(integers.argmax(axis=1) == data.y[:20])
    values = [memory.values[step.sources[0]][:, 0] for step in program.steps]
    matrices = [
        reference.weights(program.slices[step.slices], program.codebooks[step.codebook], program.lanes).toarray()
        for step in program.steps
    ]
    pairs = list(zip(matrices, values, strict=True))
    products = sum(((value != 0).astype(int) @ (matrix != 0).T).sum(axis=1) for matrix, value in pairs)
    assert np.array_equal(result.products, products)
    assert result.utilisation == products.sum() / (program.pes * result.cycles.sum())
    assert result.layer_cycles.shape == (20, 3)
    assert (np.diff(result.layer_cycles, axis=1) > 0).all()
    assert (result.layer_cycles[:, -1] == result.cycles).all()
    assert np.array_equal(result.broadcasts, sum((value != 0).sum(axis=1) for value in values))


PATTERNS = ("none", "all", "one", "few", "half")
LAYER = st.fixed_dictionaries(
    {
        "n_out": st.sampled_from([1, 2, 3, 7, 16, 33, 64, 100, 257]),
        "code_w": st.sampled_from([1, 2, 4, 8]),
        "function": st.sampled_from(["relu", "relu", "identity", "table"]),
    }
)
OPTIONS = st.builds(
    LowerOptions,
    pes=st.sampled_from([1, 2, 3, 5, 8, 16, 17, 32]),
    groups=st.sampled_from([1, 2, 4]),
    queue_depth=st.sampled_from([16, 32, 64, 128]),
    run_bits=st.sampled_from([0, 0, 1, 2, 4]),
    balance=st.sampled_from(["none", "entries"]),
    trim=st.booleans(),
).filter(lambda options: options.pes % options.groups == 0)


def patterned(program: Program, pattern: str, seed: int) -> Dataset:
    """30 samples with none, one, few (a twentieth), half or all of their activations not zero."""
    x = samples(program, 30, density=1.0, scale=0.3, seed=seed).x.reshape(30, -1)
    rng = np.random.default_rng(seed)
    least = format_of(program, program.inputs[0]).dequantise(np.int64(1))
    x = np.where(x == 0, least, x).astype(np.float32)
    if pattern == "one":
        keep = np.arange(x.shape[1]) == rng.integers(0, x.shape[1], (30, 1))
    else:
        keep = rng.random(x.shape) < {"none": 0.0, "few": 0.05, "half": 0.5, "all": 1.0}[pattern]
    return Dataset((x * keep).astype(np.float32).reshape(-1, *program.inputs[0].shape))


DESIGN = st.fixed_dictionaries(
    {
        "n_in": st.sampled_from([1, 2, 5, 30, 64, 130]),
        "layers": st.lists(LAYER, min_size=1, max_size=4),
        "density": st.sampled_from([0.0, 0.02, 0.1, 0.3, 0.9]),
        "act_w": st.sampled_from([8, 16]),
        "zero_code": st.booleans(),
        "options": OPTIONS,
        "seed": st.integers(0, 2**31),
    }
)


def is_as_predicted(design: dict[str, Any]) -> None:
    """Build a design and compare its outputs and cycles with the reference and the cycle model, for every pattern."""
    layers, seed = design["layers"], design["seed"]
    graph = quantised(
        [design["n_in"], *(layer["n_out"] for layer in layers)],
        seed=seed,
        density=design["density"],
        code_w=[layer["code_w"] for layer in layers],
        functions=[layer["function"] for layer in layers],
        act_w=design["act_w"],
        zero_code=design["zero_code"],
    )
    with TemporaryDirectory() as folder:
        program = write(graph, design["options"], Path(folder) / "a")
        for pattern in PATTERNS:
            data = patterned(program, pattern, seed)
            result = simulate(Path(folder) / "a", data)
            assert result.ok, f"{pattern}: {result} {result.failure}"
            assert result.cycle_mismatches == 0
            integers = format_of(program, program.inputs[0]).quantise(data.x.reshape(len(data), -1))
            predicted = cycles.count(program, by_input(program, integers))
            np.testing.assert_array_equal(result.layer_cycles, predicted.pass_done)
            np.testing.assert_array_equal(result.broadcasts, predicted.broadcasts)
            np.testing.assert_array_equal(result.stalls, predicted.stalls)
        result = simulate(Path(folder) / "a", patterned(program, "half", seed), stalls=Stalls(0.3, 0.5, seed))
        assert result.ok, f"under stalls: {result} {result.failure}"


# Shrinking would build a simulator for every step.
@pytest.mark.slow
@settings(max_examples=2, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(design=DESIGN)
def test_any_design(design: dict[str, Any]) -> None:
    is_as_predicted(design)
