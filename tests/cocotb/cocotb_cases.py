"""Networks that the PE's and the array's benches run, and what their stimulus has to reach."""

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from common.networks import Dense, network

from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program


@dataclass(frozen=True)
class Case:
    """A network and the array to run it on.

    Attributes:
        n_in, layers, act_w: see common.networks.network.
        pes, queue, run_bits, trim: of lowering.
        pe: the PE that is the DUT of the PE's bench.
        distances: after so many products a row must come again; padding: padding zeros must be there; saturates:
            both ends of an activation must be reached; stalls: LNZD must have to wait for a queue.
    """

    n_in: int
    layers: tuple[Dense, ...]
    act_w: int = 16
    pes: int = 2
    queue: int = 16
    run_bits: int = 0
    trim: bool = True
    pe: int = 1
    distances: frozenset[int] = frozenset()
    padding: bool = False
    saturates: bool = False
    stalls: bool = False

    def program(self) -> Program:
        """The network, dealt to PEs."""
        options = LowerOptions(pes=self.pes, queue_depth=self.queue, run_bits=self.run_bits, trim=self.trim)
        return lower(network(self.n_in, self.layers, self.act_w), options)


def parameters(quick: dict[str, Case], slow: dict[str, Case]) -> Sequence[object]:
    """The cases as pytest parameters, the second kind marked slow."""
    marks = [pytest.mark.slow]
    return [pytest.param(case, id=name) for name, case in quick.items()] + [
        pytest.param(case, id=name, marks=marks) for name, case in slow.items()
    ]


RELU = Dense(30, 0.4, function="relu")

PE = {
    # A row comes again after one to five products, in one column and from one column to the next.
    "forwarding": Case(
        90,
        (Dense(2, 0.9), Dense(90, 0.9), Dense(4, 0.8), Dense(90, 0.5), Dense(6, 0.8), Dense(17, 0.5)),
        distances=frozenset({1, 2, 3, 4, 5}),
        trim=False,
    ),
    "mixed_codes": Case(
        60, (Dense(30, 0.3, 2), Dense(41, 0.5, 8, "relu"), Dense(9, 0.6, 1), Dense(34)), pes=3, pe=2, queue=32
    ),
    "padding": Case(50, (Dense(160, 0.03), Dense(120, 0.02, 2)), pes=1, pe=0, run_bits=1, padding=True),
    "saturation": Case(40, (Dense(40, 0.5, shift=0, weight=32767), Dense(30, 0.5, shift=27)), saturates=True),
    # What is left of the accumulator after the shift is narrower than an activation.
    "wide_shift": Case(40, (Dense(30, 0.5, shift=30), Dense(20, 0.5, function="relu", shift=29))),
    "binary_8": Case(70, (Dense(33, code_w=1, zero=False), Dense(20, 0.4, 1, "relu")), act_w=8),
    "table_16": Case(
        40, (Dense(30, 0.4, 4, "table"), Dense(25, 0.4, 4, "relu"), Dense(20, 0.4, 4, "table")), saturates=True
    ),
    "table_8": Case(40, (Dense(30, 0.4, 4, "table"), Dense(25, 0.4, 8)), act_w=8),
}
PE_SLOW = {
    f"code{code_w}_run{run_bits}": Case(80, (Dense(90, 0.1, code_w), Dense(70, 0.2, code_w, "relu")), run_bits=run_bits)
    for code_w in (1, 2, 4, 8)
    for run_bits in (1, 2, 3, 6)
}

ARRAY = {
    "1_pe": Case(25, (Dense(20, 0.3, function="relu"), Dense(9, 0.5, 2)), pes=1),
    # More output words than the output's FIFO holds.
    "1_layer": Case(70, (Dense(90, 0.5),), pes=4, stalls=True),
    "3_pes_table": Case(40, (Dense(31, 0.4, function="table"), Dense(26, 0.3, 2, "table"), Dense(10)), pes=3),
    "4_pes_8_bits": Case(
        50, (RELU, Dense(33, 0.5, 1, zero=False), Dense(21, 0.4, 8, "table")), act_w=8, pes=4, stalls=True
    ),
    "8_pes_deep": Case(
        70, (RELU, Dense(44, 0.2, 8, "relu"), RELU, Dense(5, 0.5, 1, "relu"), Dense(70, 0.5)), pes=8, run_bits=2
    ),
    # More PEs than rows, more than one group of the broadcast, and one column that feeds several words of rows.
    "narrow": Case(3, (Dense(2, 0.9), Dense(1, 1.0), Dense(50, 1.0, function="relu"), Dense(3, 0.7)), pes=12),
}
ARRAY_SLOW = {
    f"{pes}_pes_queue_{queue}": Case(
        120, (Dense(100, 0.3, function="relu"), RELU, Dense(40)), pes=pes, queue=queue, stalls=pes > 1
    )
    for pes, queue in ((1, 16), (2, 32), (3, 16), (4, 32), (5, 16), (8, 32), (16, 16), (16, 32))
}
