"""The tables, memories and emitted files of the array of column groups say the same."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from qgraphs import quantised

from emcc.backends.rom import core_images
from emcc.backends.verilog import render_core
from emcc.eie.groups.halves import with_half
from emcc.eie.groups.memory import core_memories
from emcc.eie.groups.plan import Plan
from emcc.eie.groups.schedule import plan
from emcc.eie.groups.tables import TABLES, Context, documented, packed, places, rows, unpacked, width
from emcc.eie.lower import lower
from emcc.eie.options import LowerOptions
from emcc.ir.program import Program

ROOT = Path(__file__).parents[3]
FILES = {"walk": "walk", "tap": "taps", "drain": "drain", "host": "host"}


@pytest.fixture(scope="module", params=[False, True])
def context(request: pytest.FixtureRequest) -> Context:
    """A design, and the same where a pass splits."""
    graph = quantised([60, 40, 30, 9], functions=["table", "relu", "identity"], seed=1)
    program = lower(graph, LowerOptions(pes=8, groups=2))
    program = with_half(program, 1, 4, 2) if request.param else program
    return Context(program, plan(program))


@pytest.mark.parametrize("name", TABLES)
def test_the_documentation_has_the_table(name: str) -> None:
    assert "\n".join(documented(TABLES[name])) in (ROOT / "docs" / "array.md").read_text()


@pytest.mark.parametrize("name", TABLES)
def test_a_row_is_its_fields(context: Context, name: str) -> None:
    fields = context.tables[name]
    for row, word in zip(rows(context.plan)[name], core_images(context.program)[FILES[name]].values, strict=True):
        assert packed(context, fields, row) == word
        values = unpacked(context, fields, int(word))
        for field, at in places(context, fields):
            bits = context.bits(field)
            assert (int(word) >> at) & ((1 << bits) - 1) == values[field.name] & ((1 << bits) - 1)
        assert int(word) >> width(context, fields) == 0


def test_a_value_that_does_not_fit_is_a_bug(context: Context) -> None:
    row = replace(context.plan.passes[0], rows=1000)
    with pytest.raises(ValueError, match="rows = 1000 does not fit"):
        packed(context, context.tables["walk"], row)


def test_the_package_says_where_they_are(context: Context) -> None:
    package = render_core(context.program)["rtl/emcc_cfg_pkg.sv"].decode()
    found = dict(re.findall(r"localparam (?:int|bit|bit \[4:0\]) (\w+) = (?:\d'b)?(\w+);", package))
    assert len(found) == package.count("localparam ")
    assert found["WalkIsLocalAt"] == str(width(context, context.tables["walk"]) - 1)
    assert found["DrainBits"] == str(width(context, context.tables["drain"]))
    for name, value in context.numbers.items():
        assert int(found[name], 2 if name.startswith(("Has", "CodeWidths")) else 10) == value


def test_what_the_library_reads_is_in_the_package(context: Context) -> None:
    """Each name of the package's form in the RTL is there; Verilator finds the rest."""
    files = render_core(context.program)
    package = set(re.findall(r"localparam .*?(\w+) =", files["rtl/emcc_cfg_pkg.sv"].decode()))
    for name in ("walk", "rows", "host"):
        used = set(re.findall(r"\b(?:Walk|Tap|Drain|Host)\w+(?:At|W|Bits)\b", files[f"rtl/emcc_{name}.sv"].decode()))
        assert used
        assert used <= package


def test_images_are_as_the_memories_say(context: Context) -> None:
    found = {memory.name: memory for memory in core_memories(context) if memory.kind in ("rom", "table")}
    images = core_images(context.program)
    for name, image in images.items():
        memory = found[{"taps": "tap"}.get(name, name.partition("_")[2] or name)]
        assert (len(image), image.width) == (memory.depth, memory.width)
    each = sum(row.copies if row.content in ("pe", "lane") else 1 for row in found.values())
    assert len(images) == each == 4 + 3 + 2 * 8 + 4
    assert found["codebook"].copies == 8
    assert found["coarse"].copies == 4, "one a lane"


def test_every_image_has_its_rom(context: Context) -> None:
    """The files that the RTL reads, in the top and in the library, are those that are written."""
    files = render_core(context.program)
    read = {name for text in files.values() for name in re.findall(r'"rom/(\w+)\.hex"', text.decode())}
    assert set(core_images(context.program)) == read - {"scale"}


def test_names_do_not_reach_the_files() -> None:
    program = lower(quantised([4, 3], seed=2), LowerOptions(pes=2))
    step = replace(program.steps[0], name='x\n`include "/etc/passwd"\u2028')
    evil: Program = replace(program, name="*/", steps=(step,))
    made: Plan = plan(evil)
    assert b"passwd" not in b"".join(render_core(evil, made).values())
    assert [line for line in core_images(evil, made)["walk"].comment if "\n" in line or "\u2028" in line] == []
