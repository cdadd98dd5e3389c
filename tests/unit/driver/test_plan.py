"""What the recipe, the data and --keep-weights decide."""

from pathlib import Path

import numpy as np
import pytest

from emcc.base.errors import EmccError
from emcc.compress.finetune import Gradual
from emcc.compress.kmeans import Share
from emcc.compress.magnitude import Prune
from emcc.driver.plan import SYNTHETIC, Plan, make
from emcc.driver.recipe import Recipe
from emcc.driver.request import CompileOptions
from emcc.ir.graph import Graph
from emcc.passes.calibrate import Calibrate
from emcc.samples.dataset import Dataset

TEACHER = Graph("", ("x",), ("x",), (), {}, {})
DATA = Dataset(np.zeros((8, 4), np.float32))


def plan(recipe: str = "", data: Dataset | None = None, keep: bool = False, pes: int | None = None) -> Plan:
    options = CompileOptions(Path("m.onnx"), keep_weights=keep, pes=pes)
    return make(Recipe.parse(recipe), data, TEACHER, options, None, lambda step: None)


def names(result: Plan) -> list[str]:
    return [step.name for step in result.compress]


def test_with_data_everything_runs() -> None:
    result = plan(data=DATA)
    assert names(result) == ["prune", "share", "finetune"]
    assert isinstance(result.compress[0], Gradual)
    assert result.compress[0].finetune.teacher is TEACHER
    assert result.fine_tuned
    assert (result.skipped, result.warnings) == ((), ())


def test_without_data_the_zero_pattern_stays() -> None:
    result = plan()
    assert names(result) == ["share"]
    assert [name for name, _ in result.skipped] == ["prune", "finetune"]
    assert SYNTHETIC in result.warnings
    assert not result.fine_tuned


def test_without_data_a_recipe_can_prune() -> None:
    result = plan("[prune]\nsparsity = 0.3\n")
    assert isinstance(result.compress[0], Prune)
    assert result.compress[0].sparsity == 0.3
    assert [name for name, _ in result.skipped] == ["finetune"]
    assert any("pruned without fine-tuning" in warning for warning in result.warnings)


@pytest.mark.parametrize("data", [None, DATA])
def test_keep_weights(data: Dataset | None) -> None:
    result = plan("[prune]\nsparsity = 0.3\n[share]\nbits = 2\ninit = 'density'\n", data, keep=True)
    (share,) = result.compress
    assert isinstance(share, Share)
    assert (share.bits, share.init) == (0, "density")
    assert [name for name, _ in result.skipped] == ["prune", "finetune"]
    assert any("[prune] is not used" in warning for warning in result.warnings)
    assert any("[share]" in warning for warning in result.warnings)
    assert result.resolved["share"]["bits"] == 0
    assert (SYNTHETIC in result.warnings) == (data is None)
    assert set(result.resolved) == {
        "scale",
        "equalise",
        "compress",
        "share",
        "calibrate",
        "quantise",
        "lower",
        "emit",
        "encode",
    }


def test_keep_weights_shares_in_the_bits_that_the_recipe_says() -> None:
    result = plan("[share]\nkept_bits = 2\n", keep=True)
    assert result.compress[0].bits == result.resolved["share"]["bits"] == 2


def test_calibration_gets_the_data() -> None:
    calibrate = plan("[calibrate]\nbits = 8\n", DATA, keep=True).quantise[0]
    assert isinstance(calibrate, Calibrate)
    assert calibrate.bits == 8
    assert calibrate.data is DATA.x


def test_pes_of_the_command_line_win() -> None:
    assert plan("[lower]\npes = 16\n").lower.pes == 16
    result = plan("[lower]\npes = 16\n", pes=4)
    assert result.lower.pes == 4
    assert result.resolved["lower"]["pes"] == 4


def test_groups_divide_the_pes() -> None:
    assert plan("[lower]\npes = 6\ngroups = 4\n", pes=12).lower.lanes == 3
    with pytest.raises(EmccError, match=r"6 PEs are not 4 equal groups(.|\n)*groups in .* may be 1, 2$"):
        plan("[lower]\npes = 12\ngroups = 4\n", pes=6)


def test_no_epochs_is_no_tuning() -> None:
    result = plan("[finetune]\nepochs = 0\nshared_epochs = 0\n", DATA)
    assert names(result) == ["prune", "share"]
    assert not result.fine_tuned
