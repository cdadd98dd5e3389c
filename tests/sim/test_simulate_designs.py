"""The RTL against the reference model, every bit, and the cycle model, every cycle, over the design's parameters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from emitted import samples, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qgraphs import quantised

from emcc.eie import reference
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program
from emcc.runtime.simulate import simulate
from emcc.runtime.simulator import Stalls

pytestmark = pytest.mark.sim

DESIGNS: dict[str, tuple[list[int], dict[str, Any], LowerOptions]] = {
    "one_pe": ([9, 14, 5], {}, LowerOptions(pes=1)),
    "one_layer_that_fills_the_bank": ([16, 7], {}, LowerOptions(pes=4, trim=False)),
    "one_in_one_out": ([1, 1], {"density": 1.0}, LowerOptions(pes=3)),
    "odd_pes": (
        [50, 33, 17, 70],
        {"code_w": [4, 2, 8], "functions": ["table", "relu", "identity"]},
        LowerOptions(pes=5),
    ),
    "binary_and_dense": ([40, 30, 10], {"code_w": 1, "zero_code": False}, LowerOptions(pes=8, queue_depth=16)),
    "byte": ([33, 40, 21], {"act_w": 8, "functions": ["table", "relu"]}, LowerOptions(pes=6)),
    "long_runs": ([12, 300, 9], {"density": 0.02}, LowerOptions(pes=2, run_bits=2, balance="none", trim=False)),
    "more_pes_than_rows": ([64, 20, 3], {}, LowerOptions(pes=32)),
    "keeps_empty_columns": ([70, 40, 9], {"density": 0.05}, LowerOptions(pes=8, queue_depth=16, drop_empty=False)),
    "no_overlap": ([70, 40, 9], {}, LowerOptions(pes=4, overlap=False)),
    "no_prefetch": ([70, 40, 9], {}, LowerOptions(pes=4, prefetch=False)),
    "nothing_on": ([70, 40, 9], {"density": 0.1}, LowerOptions(pes=7, drop_empty=False, overlap=False, prefetch=False)),
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


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
    integers = reference.run(program, program.layers[0].in_fmt.quantise(data.x[:20]))
    assert seen[-1] == (20, 20)
    assert np.array_equal(result.outputs, np.ldexp(integers, -program.layers[-1].out_fmt.frac_bits))
    assert data.y is not None
    assert result.accuracy == np.mean(integers.argmax(axis=1) == data.y[:20])
    values = reference.run_layers(program, program.layers[0].in_fmt.quantise(data.x[:20]))
    matrices = [reference.weights(layer, program.pes).toarray() for layer in program.layers]
    pairs = list(zip(matrices, values[:-1], strict=True))
    products = sum(((value != 0).astype(int) @ (matrix != 0).T).sum(axis=1) for matrix, value in pairs)
    assert np.array_equal(result.products, products)
    assert result.utilisation == products.sum() / (program.pes * result.cycles.sum())
    assert result.layer_cycles.shape == (20, 3)
    assert (np.diff(result.layer_cycles, axis=1) > 0).all()
    assert (result.layer_cycles[:, -1] < result.cycles).all()
    assert np.array_equal(result.broadcasts, sum((value != 0).sum(axis=1) for value in values[:-1]))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_random_designs(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    layers = int(rng.integers(1, 5))
    sizes = [int(rng.choice([1, 2, 3, 7, 16, 33, 64, 100, 257])) for _ in range(layers + 1)]
    graph = quantised(
        sizes,
        seed=seed,
        density=float(rng.choice([0.02, 0.1, 0.3, 0.9])),
        code_w=[int(rng.choice([1, 2, 4, 8])) for _ in range(layers)],
        functions=[str(rng.choice(["relu", "identity", "table"], p=[0.5, 0.2, 0.3])) for _ in range(layers)],
        act_w=int(rng.choice([8, 16])),
        zero_code=bool(rng.random() < 0.8),
    )
    options = LowerOptions(
        pes=int(rng.choice([1, 2, 3, 5, 8, 16, 17, 32])),
        queue_depth=int(rng.choice([16, 32, 64, 128])),
        run_bits=int(rng.choice([0, 0, 1, 2, 4])),
        balance="entries" if rng.random() < 0.7 else "none",
        trim=bool(rng.random() < 0.5),
        **{name: bool(rng.random() < 0.8) for name in ("drop_empty", "overlap", "prefetch")},
    )
    program = write(graph, options, tmp_path / "a")
    for stalls in (None, Stalls(0.3, 0.5, seed)):
        result = simulate(tmp_path / "a", samples(program, 50, seed=seed), stalls=stalls)
        assert result.ok, f"{result} {result.failure}"
