"""Useful products, counted from the slices, against the dense matrices."""

import numpy as np
import pytest
from qgraphs import inputs, quantised

from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.runtime.work import by_step, weights_by_column


@pytest.mark.parametrize("pes", [1, 3, 8])
def test_products_are_those_of_the_dense_matrices(pes: int) -> None:
    program = lower(quantised([23, 17, 5], seed=pes, density=0.2), LowerOptions(pes=pes))
    memory = reference.ran(program, {program.inputs[0].name: inputs(6, 23)})
    wanted = np.zeros(6, np.int64)
    for step in program.steps:
        slices, book = program.slices[step.slices], program.codebooks[step.codebook]
        dense = reference.weights(slices, book, pes).toarray()
        assert weights_by_column(slices, book).tolist() == (dense != 0).sum(axis=0).tolist()
        wanted += [(np.abs(dense) * np.abs(row) != 0).sum() for row in memory.values[step.sources[0]][:, 0]]
    assert by_step(program, memory.values).sum(axis=1).tolist() == wanted.tolist()
