"""Networks of all kinds in Verilator: every integer that comes out, and every completion's cycle."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import grouped
import numpy as np
import pytest
from commands import printed, run
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from models import save
from quantised_files import network, random_integers
from random_qgraphs import qgraphs
from small_convs import images, small_conv

from emcc.base.errors import EmccError
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.eie.store import load_program
from emcc.ir.graph import Array, Graph
from emcc.runtime.simulate import simulate
from emcc.runtime.simulator import Stalls

pytestmark = pytest.mark.sim


@pytest.fixture(scope="module")
def artefact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network with the host in the middle, and its data beside it."""
    folder = tmp_path_factory.mktemp("groups")
    np.savez(folder / "d.npz", x=images(40), y=np.arange(40) % 5)
    path = save(small_conv(hosted=True), folder / "m.onnx")
    options = CompileOptions(path, data=folder / "d.npz", keep_weights=True, pes=8)
    compile_model(options).write(folder / "out")
    return folder


def test_bits_and_cycles(artefact: Path) -> None:
    result = simulate(artefact / "out", artefact / "d.npz")
    assert result.ok, result.complaint
    assert (result.inferences, result.cycle_mismatches) == (40, 0)
    program = load_program(artefact / "out" / "program.npz")
    assert result.steps == tuple(step.name for step in program.steps)
    np.testing.assert_array_equal(result.step_cycles.sum(axis=1), result.cycles)
    np.testing.assert_array_equal(result.products, result.step_products.sum(axis=1))
    assert (result.step_cycles > 0).all()
    assert result.utilisation == result.products.sum() / (8 * result.cycles.sum())
    manifest = json.loads((artefact / "out" / "emcc.json").read_text())
    assert (result.transfer == manifest["totals"]["transfer_cycles"]).all()
    assert result.cycles.mean() == pytest.approx(manifest["totals"]["cycles"]["mean"], rel=1e-5)


@pytest.mark.parametrize("stalls", [Stalls(0.0, 0.0, 1), Stalls(0.5, 0.0, 2), Stalls(0.0, 0.8, 3), Stalls(0.6, 0.6, 4)])
def test_bits_under_stalls_from_random_registers(artefact: Path, stalls: Stalls) -> None:
    result = simulate(artefact / "out", artefact / "d.npz", stalls=stalls)
    assert result.ok, result.complaint
    assert result.cycle_mismatches is None


def test_engines_agree_and_a_flipped_bit_is_found(artefact: Path, tmp_path: Path) -> None:
    folder, data = str(artefact / "out"), str(artefact / "d.npz")
    for engine in ("reference", "rtl"):
        run("run", folder, "--data", data, "--out", str(tmp_path / engine), "--engine", engine)
    assert (tmp_path / "reference").read_bytes() == (tmp_path / "rtl").read_bytes()
    seen = printed("simulate", folder, "--data", data, "--count", "3")
    assert "cycles to load and unload" in seen
    assert "depthwise" in seen
    path = artefact / "out" / "rom" / "lane000_bias.hex"
    whole = path.read_text()
    lines = whole.splitlines()
    first = next(i for i, line in enumerate(lines) if not line.startswith("//"))
    lines[first] = f"{int(lines[first], 16) ^ 1 << 14:0{len(lines[first])}x}"
    path.write_text("\n".join(lines) + "\n")
    try:
        with pytest.raises(EmccError, match=r"files changed since it was compiled.*\n  rom/lane000_bias.hex"):
            simulate(artefact / "out", artefact / "d.npz", count=3)
        result = simulate(artefact / "out", artefact / "d.npz", count=3, trust_rtl=True)
    finally:
        path.write_text(whole)
    assert result.mismatches > 0
    assert result.difference is not None
    assert "of what the host reads for 'stack' (position (" in str(result.difference)
    assert "written by step" in str(result.difference)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_every_number_of_groups(artefact: Path, tmp_path: Path, groups: int) -> None:
    (tmp_path / "r.toml").write_text(f"[lower]\ngroups = {groups}\n[calibrate]\nbits = 8\n")
    path = save(small_conv(seed=groups, side=6), tmp_path / "m.onnx")
    compile_model(CompileOptions(path, recipe=tmp_path / "r.toml", keep_weights=True, pes=4)).write(tmp_path / "out")
    np.savez(tmp_path / "d.npz", x=images(12, side=6))
    assert simulate(tmp_path / "out", tmp_path / "d.npz").ok


def test_integers_that_stay_weights(tmp_path: Path) -> None:
    """A quantised model of integers in and out, a scale a channel: its 8-bit weights and multipliers, no codebook."""
    rng = np.random.default_rng(4)
    proto, _ = network(rng, "int8", channels=True, acts="uint8")
    np.savez(tmp_path / "d.npz", x=random_integers(rng, (20, 5, 6, 3), "uint8"))
    options = CompileOptions(save(proto, tmp_path / "m.onnx"), keep_weights=True, pes=8)
    compile_model(options).write(tmp_path / "out")
    program = load_program(tmp_path / "out" / "program.npz")
    own = [step for step in program.steps if max(step.slices, step.codes) >= 0 and step.codebook < 0]
    assert [step.multiplier >= 0 for step in own] == [True] * 3
    result = simulate(tmp_path / "out", tmp_path / "d.npz")
    assert result.ok, result.complaint
    assert (result.inferences, result.cycle_mismatches) == (20, 0)


OPTIONS = st.builds(
    LowerOptions,
    pes=st.sampled_from([2, 3, 4, 8, 12, 16]),
    groups=st.sampled_from([1, 2, 4]),
    queue_depth=st.sampled_from([16, 32]),
    trim=st.booleans(),
    run_bits=st.sampled_from([0, 1, 2]),
).filter(lambda options: options.pes % options.groups == 0)


# Shrinking would build a simulator for every step.
@pytest.mark.slow
@settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(qgraphs(), OPTIONS, st.integers(0, 100))
def test_any_network(case: tuple[Graph, dict[str, Array]], options: LowerOptions, seed: int) -> None:
    program = lower(case[0], options)
    inputs = {name: value.reshape(len(value), -1) for name, value in case[1].items()}
    with TemporaryDirectory() as folder:
        assert grouped.faults(program, *grouped.simulated(program, inputs, Path(folder))) == []
        stalled = grouped.simulated(program, inputs, Path(folder), Stalls(0.3, 0.5, seed))
        assert grouped.faults(program, *stalled, timed=False) == []
