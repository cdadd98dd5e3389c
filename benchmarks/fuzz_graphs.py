"""Random graphs with branches: all that computes them agrees, and floats within half a place.

    python benchmarks/fuzz_graphs.py [--seed N] [--count 200] [--json FILE]

The graphs are those of tests/random_qgraphs.py: convolutions (grouped, dilated, strided, depthwise), matrix products,
pools, sums, products, Concat, moves, host parts, several inputs and outputs, 8 and 16 bits. Every quantised node is its
float meaning rounded once; the Program, saved and read again, gives the graph's integers, and so do the memory images
of the array of column groups (tests/emulate.py); model.emc holds the graph.
The images are ONNX models of tests/random_images.py: gates, spelt-out functions, moves, work of the host, several
inputs and outputs; onnxruntime, the graph loaded, folded and exported agree, and graph and Program in integers.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common import fuzz
from emcc.container import decode, encode
from emcc.eie import reference
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.graph import Array, Graph
from emcc.ir.program import GROUPS

from emc_models import same  # isort: skip
from emulate import emulate  # isort: skip
from image_meanings import Case, in_floats, in_integers  # isort: skip
from quantised_meaning import agree  # isort: skip
from random_images import images  # isort: skip
from random_qgraphs import qgraphs  # isort: skip

CASE = st.tuples(
    qgraphs(),
    st.sampled_from([(pes, groups) for pes in (1, 2, 3, 8, 12, 16) for groups in GROUPS if pes % groups == 0]),
    st.sampled_from(["none", "entries"]),
    st.sampled_from(["huffman", "range", "auto"]),
)


def agrees(case: tuple[tuple[Graph, dict[str, Array]], tuple[int, int], str, str]) -> str | None:
    """Hold one graph's meanings against each other; raise AssertionError where two differ."""
    (graph, x), (pes, groups), balance, coding = case
    options = LowerOptions(pes=pes, groups=groups, balance=balance)
    agree(graph, x, options)
    flat = {name: value.reshape(len(value), -1) for name, value in x.items()}
    program = lower(graph, options)
    wanted, got = reference.run_ports(program, flat), emulate(program, flat)
    for name, value in wanted.items():
        np.testing.assert_array_equal(got[name], value, err_msg=name)
    assert same(decode(encode(graph, coding=coding)), graph)
    return None


IMAGE = st.tuples(images(), st.sampled_from([8, 16]), st.integers(0, 2**32 - 1))


def means_the_same(case: tuple[Case, int, int]) -> str | None:
    """Hold one model's meanings against each other; raise AssertionError where two differ."""
    drawn, bits, seed = case
    in_floats(drawn, seed)
    return in_integers(drawn, bits, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    return fuzz.main(__doc__ or "", {"graphs": (CASE, agrees), "images": (IMAGE, means_the_same)}, arguments)


if __name__ == "__main__":
    sys.exit(main())
