"""Processing element: sim/cocotb/pe."""

import pytest
from cocotb_cases import PE, PE_SLOW
from common.pe_case import design, passes, reuse, write

pytestmark = pytest.mark.sim


RAMS = {"block_ram": 0, "lut_ram": 1024}
"""Words of sums up to which a PE keeps them in LUTs."""


def cases():
    """Every quick case with both kinds of RAM; the sweep over widths with either in turn."""
    for ram, words in RAMS.items():
        yield from (pytest.param(case, words, id=f"{name}-{ram}") for name, case in PE.items())
    for at, (name, case) in enumerate(PE_SLOW.items()):
        ram = list(RAMS)[(at + at // 4) % 2]
        yield pytest.param(case, RAMS[ram], id=f"{name}-{ram}", marks=pytest.mark.slow)


@pytest.mark.parametrize(("case", "sum_lut_words"), list(cases()))
def test_pe(check, tmp_path, case, sum_lut_words):
    program = case.program()
    todo = passes(program, case.pe, repeats=3)
    rows = [(accumulator, y) for one in todo for accumulator, y, enabled in one.rows if enabled]
    assert case.distances <= reuse(program, case.pe)
    assert not case.padding or sum(layer.padding for layer in program.layers) > 50
    assert not case.saturates or {program.layers[0].z_fmt.low, program.layers[0].z_fmt.high} <= {y for _, y in rows}
    assert min(rows)[0] < 0 < max(rows)[0]
    assert min(int(layer.bias.min()) for layer in program.layers) < 0
    write(program, case.pe, todo, tmp_path)
    check(design(program, sum_lut_words=sum_lut_words), "bench_pe", {"pe": case.pe}, tmp_path)
