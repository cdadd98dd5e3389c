"""Each Program runs on one of the two arrays."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from qgraphs import quantised
from random_qgraphs import qgraphs

from emcc.backends import rom, verilog
from emcc.compress.kmeans import Share
from emcc.eie.groups.schedule import plan
from emcc.eie.hardware import CHAIN, GROUPS, array
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.frontend import load
from emcc.ir.program import Program
from emcc.passes.calibrate import Calibrate
from emcc.passes.fold import Fold
from emcc.passes.quantise import Quantise

sys.path.insert(0, str(Path(__file__).parents[2] / "golden"))
from golden_cases import CASES  # isort: skip
from models import save  # isort: skip


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """Two convolutions, their sum, a pool, a matrix product over the flattened map."""
    model = CASES["small_conv"].model
    assert not isinstance(model, str)
    folded = Fold().apply(load(save(model(), tmp_path_factory.mktemp("conv") / "m.onnx")))
    return lower(Quantise().apply(Calibrate().apply(Share().kept().apply(folded))), LowerOptions(pes=2))


def test_convolutions_take_column_groups(convolutional: Program) -> None:
    assert array(convolutional) == GROUPS
    planned = plan(convolutional)
    assert {row.step for row in planned.passes} == set(range(len(convolutional.steps)))
    assert set(rom.core_images(convolutional, planned)) >= {"walk", "taps", "drain", "host", "codebook", "pe001_ptr"}


def test_a_perceptron_is_a_chain_unless_groups_are_asked_for() -> None:
    graph = quantised([12, 9, 4], seed=1)
    assert array(lower(graph, LowerOptions(pes=4))) == CHAIN
    assert array(lower(graph, LowerOptions(pes=4, groups=2))) == GROUPS


@settings(max_examples=100)
@given(qgraphs())
def test_every_program_is_of_one_array(case: tuple[object, object]) -> None:
    program = lower(case[0], LowerOptions(pes=2))  # type: ignore[arg-type]
    if array(program) == CHAIN:
        assert len(program.layers) == len(program.steps)
        assert verilog.render(program)
        assert rom.images(program)
    else:
        assert rom.core_images(program, plan(program))
