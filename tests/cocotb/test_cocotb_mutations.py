"""The benches shown able to fail: each fault must turn its bench red, and for the right reason."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cocotb_cases import ARRAY, PE
from common import array_case, pe_case
from common.simulator import Design, Outcome, library, simulate
from mutations import ACT_QUEUE, LNZD, Mutation
from mutations import ARRAY as OF_ARRAY
from mutations_pe import ARITH, DRAIN

from emcc.eie import descriptor, reference
from emcc.eie.layout import Layout
from emcc.ir.graph import Array
from emcc.ir.program import Program
from emcc.ops.fixed import activate

pytestmark = pytest.mark.sim


def mutated(mutation: Mutation) -> dict[str, bytes]:
    """The library with the fault in it."""
    files = library()
    name = f"rtl/{mutation.file}.sv"
    text = files[name].decode()
    assert text.count(mutation.old) == 1, f"{mutation.old!r} stands {text.count(mutation.old)} times in {name}"
    return {**files, name: text.replace(mutation.old, mutation.new).encode()}


def lnzd(mutation: Mutation, place: Path) -> Outcome:
    parameters = {"Lanes": "5", "AddrW": "6", "ColW": "10"}
    return simulate(Design("emcc_lnzd", mutated(mutation), parameters), "bench_lnzd", place, {"lanes": 5})


def act_queue(mutation: Mutation, place: Path) -> Outcome:
    design = Design("emcc_act_queue", mutated(mutation), {"Width": "21", "LogDepth": "4"})
    return simulate(design, "bench_act_queue", place, {"depth": 16, "width": 21})


def pe(mutation: Mutation, place: Path) -> Outcome:
    case = PE[mutation.case]
    program = case.program()
    pe_case.write(program, case.pe, pe_case.passes(program, case.pe, repeats=3), place)
    return simulate(pe_case.design(program, mutated(mutation)), "bench_pe", place, {"pe": case.pe})


def array(mutation: Mutation, place: Path) -> Outcome:
    program = ARRAY[mutation.case].program()
    array_case.write(program, array_case.inputs(program, array_case.KINDS), place)
    return simulate(array_case.design(program, mutated(mutation)), "bench_array", place, {"pes": program.pes})


ALL = [*LNZD, *ACT_QUEUE, *ARITH, *DRAIN, *OF_ARRAY]
BENCHES: dict[str, Callable[[Mutation, Path], Outcome]] = {
    "lnzd": lnzd,
    "act_queue": act_queue,
    "pe": pe,
    "array": array,
}


def red(outcome: Outcome, says: str) -> None:
    """The run failed, and its log has the reason."""
    assert not outcome.passed, "the bench is green with a fault in the design"
    assert re.search(says, outcome.log), f"red, but not because of {says!r}:\n{outcome.complaint()}"


@pytest.mark.parametrize("mutation", ALL, ids=[f"{one.bench}: {one.name}" for one in ALL])
def test_a_fault_in_the_rtl_is_red(tmp_path: Path, mutation: Mutation) -> None:
    red(BENCHES[mutation.bench](mutation, tmp_path), mutation.says)


@pytest.mark.parametrize("rom", ["pe000_spmat", "pe001_ptr", "pe002_bias", "codebook", "coarse", "fine", "layers"])
def test_a_flipped_bit_in_a_memory_is_red(tmp_path: Path, rom: str) -> None:
    program = ARRAY["3_pes_table"].program()
    x = array_case.inputs(program, array_case.KINDS)
    array_case.write(program, x, tmp_path)
    word, bit = place_of_a_bit(program, x, rom)
    file = tmp_path / "rom" / f"{rom}.hex"
    lines = file.read_text().splitlines()
    at = sum(line.startswith("//") for line in lines) + word
    lines[at] = f"{int(lines[at], 16) ^ 1 << bit:0{len(lines[at])}x}"
    file.write_text("\n".join(lines) + "\n")
    red(simulate(array_case.design(program), "bench_array", tmp_path, {"pes": 3}), r"of inference \d+: RTL")


def place_of_a_bit(program: Program, x: Array, rom: str) -> tuple[int, int]:
    """(word, bit) of a memory that the inferences use."""
    layout, layer, table = Layout(program), program.layers[0], program.tables[0]
    sums = reference.weights(layer, layer.codebook, program.pes) @ x[0, program.inputs[0].slots] + layer.bias
    u = int(activate(sums, layer.shift, layer.z_fmt.width, "identity", None)[0]) - layer.z_fmt.low
    fine = u >> (program.act_w - table.hi_bits) << table.lo_bits | u & (1 << table.lo_bits) - 1
    relu = next(place.at for place in descriptor.places(layout) if place.field.name == "relu")
    return {
        "pe000_spmat": (0, layer.code_w - 1),
        "pe001_ptr": (0, 0),
        "pe002_bias": (0, layer.shift + 8),
        "codebook": (int(layer.code[0]), 10),
        "coarse": (u >> table.lo_bits, program.act_w - 2),
        "fine": (fine, 8),
        "layers": (0, relu),
    }[rom]
