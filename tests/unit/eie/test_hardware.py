"""What the array has no hardware for is told, step by step, and nothing else is refused."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from qgraphs import quantised
from random_qgraphs import qgraphs

from emcc.backends import rom, verilog
from emcc.base.errors import EmccError
from emcc.compress.kmeans import Share
from emcc.eie.hardware import lacking, require_array
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.frontend import load
from emcc.ir.program import Program
from emcc.legal.hardware import LACKING
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


def test_each_step_says_what_it_needs(convolutional: Program) -> None:
    assert list(lacking(convolutional)) == [
        ("step 1 ('a_node')", "convolution"),
        ("step 2 ('c_node')", "convolution"),
        ("step 3 ('d_node')", "joining branches"),
        ("step 4 ('e_node')", "pooling"),
        ("step 5 ('y_node')", "convolution"),
    ]


def test_the_error_lists_them(convolutional: Program) -> None:
    with pytest.raises(EmccError, match=r"p\.npz: --target eie has no hardware yet") as error:
        require_array(convolutional, Path("p.npz"))
    assert "step 4 ('e_node'): pooling" in str(error.value)


def test_a_chain_lacks_nothing() -> None:
    program = lower(quantised([12, 9, 4], seed=1), LowerOptions(pes=3))
    require_array(program)
    assert set(rom.images(program)) >= {"layers", "codebook", "pe002_bias"}


def test_groups_are_told() -> None:
    program = lower(quantised([12, 9, 4], seed=1), LowerOptions(pes=4, groups=2))
    assert list(lacking(program)) == [("the program", "column groups")]


@settings(max_examples=100)
@given(qgraphs())
def test_what_lacks_nothing_is_emitted_and_the_rest_is_told(case: tuple[object, object]) -> None:
    program = lower(case[0], LowerOptions(pes=2))  # type: ignore[arg-type]
    wanted = [what for _, what in lacking(program)]
    assert set(wanted) <= set(LACKING)
    if not wanted:
        assert len(program.layers) == len(program.steps)
        assert verilog.render(program)
        assert rom.images(program)
