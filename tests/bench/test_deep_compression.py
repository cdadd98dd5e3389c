"""The benchmark against Deep Compression: what it measures on, and what it makes of the results."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import deep_compression as bench


def result(size: int, before: float, error: float) -> bench.Result:
    layer = {"name": "ip1", "weights": 90, "biases": 10, "kept": 9, "density": 0.1, "code_bits": 4, "run_bits": 0}
    coded = {"code_bits_coded": 2.0, "run_bits_coded": 5.0, "bytes": size - 60}
    totals = {"weights": 90, "bytes": size, "dense_bytes": 400}
    return bench.Result(before, error, {"layers": [{**layer, **coded}], "totals": totals})


def test_figures_are_means_over_seeds_against_float32_parameters() -> None:
    manifest = bench.figures("lenet300100", [result(9_000, 1.6, 1.5), result(11_000, 1.8, 1.3)])
    assert manifest["bytes"] == 10_000
    assert manifest["ratio"] == 4 * 266_610 / 10_000
    assert manifest["error_before"] == pytest.approx(1.7)
    assert manifest["error"] == pytest.approx(1.4)
    assert 4 * bench.lenet.parameters("lenet5") == 4 * 431_080


def test_rows_have_every_column_and_the_total_is_of_the_file() -> None:
    rows = bench.ours(result(160, 1.0, 1.0))
    assert (
        {len(row) for row in rows} == {len(bench.HEAD)} == {len(row) for rows in bench.PAPER.values() for row in rows}
    )
    assert rows[-1][-2:] == ("160 B", "40.00% (2x)")


def test_plain_is_without_augmentation_and_distillation() -> None:
    for (_, plain), effort in bench.EFFORTS.items():
        options = {**effort.search, **(bench.PLAIN if plain else bench.HELPED)}
        assert (options["augment"] == "none" and options["distil"] == 0) == plain
    assert bench.EFFORTS.keys() == {(kind, plain) for kind in bench.PAPER for plain in (False, True)}


@pytest.mark.shared
def test_validation_measures_on_training_images_that_do_not_train(shared_data: Path) -> None:
    job = bench.Job("lenet5", True, 0, shared_data / "mnist", 1)
    every, _ = bench.mnist.read(job.data, "train")
    (x, y), (judge, labels) = replace(job, validate=True).images()
    assert np.array_equal(np.concatenate([x, judge]), every)
    assert (len(x), len(y), len(judge), len(labels)) == (50_000, 50_000, 10_000, 10_000)
    (x, _), (judge, labels) = job.images()
    assert np.array_equal(x, every)
    assert np.array_equal(judge, bench.mnist.read(job.data, "test")[0])
    assert len(labels) == 10_000
