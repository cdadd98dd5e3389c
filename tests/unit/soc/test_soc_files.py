"""What an artefact holds for a SoC: registers in four forms of one table, the core file, the bench's vectors."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import several

from emcc.backends.soc import render_axi, values
from emcc.backends.soc.registers import REGISTERS, camel, table
from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.driver.soc import INFERENCES, MOST, soc_files, vectors
from emcc.eie.groups.schedule import plan
from emcc.eie.reference import ran
from emcc.eie.store import load_program
from emcc.runtime.designs import Design

ROOT = Path(__file__).parents[3]
DIGEST = bytes(range(200, 232))
FILES = render_axi(values(300, 20, DIGEST))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artefact of a network of two inputs and two outputs, 8 bits."""
    place = several.write(tmp_path_factory.mktemp("soc"))
    (place / "recipe.toml").write_text("[calibrate]\nbits = 8\n")
    options = CompileOptions(
        place / "m.onnx", keep_weights=True, pes=4, recipe=place / "recipe.toml", output=several.NAMES
    )
    compile_model(options).write(place / "out")
    return place / "out"


def test_the_documentation_has_the_table() -> None:
    assert "\n".join(table()) in (ROOT / "docs" / "axi.md").read_text()


def test_registers_do_not_overlap() -> None:
    assert len({register.address for register in REGISTERS}) == len(REGISTERS)
    for register in REGISTERS:
        assert register.address % 4 == 0
        assert register.address < 1 << 12
        used = [bit for bits in register.fields for bit in range(bits.at, bits.at + bits.width)]
        assert len(set(used)) == len(used)
        assert max(used, default=0) < 32


def test_every_register_is_in_the_rtl() -> None:
    text = FILES["rtl/emcc_regs.sv"].decode()
    for register in REGISTERS:
        assert f"emcc_regs_pkg::{camel(register.name)}Addr:" in text
        assert (f"emcc_regs_pkg::{camel(register.name)}Value" in text) == register.constant


def test_the_header_says_what_the_package_says(tmp_path: Path) -> None:
    """As a C compiler reads it."""
    (tmp_path / "emcc_regs.h").write_bytes(FILES["host/emcc_regs.h"])
    rows = [f"EMCC_{register.name}" for register in REGISTERS]
    rows += [f"EMCC_{register.name}_VALUE" for register in REGISTERS if register.constant]
    masks = [f"EMCC_{register.name}_{bits.name}" for register in REGISTERS for bits in register.fields]
    lines = [f'printf("{row} %lx\\n", (unsigned long){row});' for row in rows]
    lines += [f'printf("{row} %lx\\n", (unsigned long)({row}_MASK >> {row}_SHIFT));' for row in masks]
    program = '#include <stdio.h>\n#include "emcc_regs.h"\nint main(void) {\n' + "\n".join(lines) + "\nreturn 0; }\n"
    (tmp_path / "main.c").write_text(program)
    from emcc.tools import cxx

    compiler = [*cxx.compiler(), "-x", "c", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    subprocess.run([*compiler, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    said = {name: int(value, 16) for name, value in (line.split() for line in printed.splitlines())}
    package = FILES["rtl/emcc_regs_pkg.sv"].decode()
    numbers = {name: int(value, 16) for name, value in re.findall(r"(\w+) = 32'h(\w+);", package)}
    for register in REGISTERS:
        name = camel(register.name)
        assert said[f"EMCC_{register.name}"] == numbers[f"{name}Addr"] == register.address
        assert said.get(f"EMCC_{register.name}_VALUE") == numbers.get(f"{name}Value")
        for bits in register.fields:
            assert f"{name}{camel(bits.name)}At = {bits.at};" in package
            assert said[f"EMCC_{register.name}_{bits.name}"] == (1 << bits.width) - 1
    assert said["EMCC_DIGEST_1_VALUE"] == int.from_bytes(DIGEST[4:8], "big")
    assert (said["EMCC_IN_SIZE_VALUE"], said["EMCC_OUT_SIZE_VALUE"]) == (300, 20)


def test_the_digest_is_of_the_program(folder: Path) -> None:
    stored = hashlib.sha256((folder / "program.npz").read_bytes()).hexdigest()
    package = (folder / "rtl" / "emcc_regs_pkg.sv").read_text()
    assert "".join(re.findall(r"Digest\dValue = 32'h(\w{8});", package)) == stored[:32]
    registers = json.loads((folder / "tb" / "vectors.json").read_text())["registers"]
    assert f"{registers['DIGEST_0']['value']:08x}" == stored[:8]


def test_vectors_are_the_references(folder: Path) -> None:
    """Two inputs as they lie on the stream, two outputs behind each other."""
    program = load_program(folder / "program.npz")
    said = json.loads((folder / "tb" / "vectors.json").read_text())
    assert len(said["inferences"]) == INFERENCES
    into, out = (sum(abs(turn) for turn in said["turns"] if (turn > 0) == side) for side in (True, False))
    assert (said["registers"]["IN_SIZE"]["value"], said["registers"]["OUT_SIZE"]["value"]) == (into, out)
    assert said["turns"] == [7, -5]
    for one in said["inferences"]:
        given = {"a": np.zeros((1, 5), np.int64), "b": np.zeros((1, 2), np.int64)}
        at = 0
        for port in program.inputs:
            size = port.order.size
            given[port.name][0, port.order.ravel()] = one["into"][at : at + size]
            at += size
        memory = ran(program, given)
        wanted = np.concatenate([memory.values[port.buffer][0].ravel() for port in program.outputs])
        assert one["out"] == wanted.tolist()
        assert one["cycles"] == int(Design(program, plan(program)).traffic(given).cycles[0])


def test_a_long_inference_is_there_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, stored = load_program(folder / "program.npz"), (folder / "program.npz").read_bytes()
    emitted = dict.fromkeys(("rtl/files.f", "rtl/emcc_top.sv", "rom/a.hex"), b"")
    x = np.zeros((9, 7))
    assert MOST == 1 << 14
    monkeypatch.setattr("emcc.driver.soc.MOST", 13)
    files = soc_files(program, stored, emitted, x)
    assert len(json.loads(files["tb/vectors.json"])["inferences"]) == 1
    assert len(vectors(Design(program, plan(program)), x).inferences) == 9


def test_a_core_has_all_files_and_a_name_of_its_own(folder: Path) -> None:
    """As FuseSoC reads it; the serial line (rtl/uart.f) is no part of it."""
    pytest.importorskip("fusesoc")
    from fusesoc.capi2.coreparser import Core2Parser
    from fusesoc.core import Core

    core = Core(Core2Parser(resolve_env_vars=False, allow_additional_properties=False), str(folder / "emcc.core"))
    digest = hashlib.sha256((folder / "program.npz").read_bytes()).hexdigest()
    assert str(core.name) == f"emcc:design:emcc_{digest[:12]}:1.0"
    flags = {"is_toplevel": True, "target": "default"}
    listed = {entry["name"] for entry in core.get_files(flags)}
    on_disk = {
        file.relative_to(folder).as_posix()
        for part in ("rtl", "rom")
        for file in (folder / part).iterdir()
        if file.suffix in (".sv", ".svh", ".hex")
    }
    lines = {name: set((folder / "rtl" / name).read_text().split()) for name in ("uart.f", "files.f")}
    assert listed == on_disk - (lines["uart.f"] - lines["files.f"]) - {"rom/link.hex"}
    for target in ("lint", "sim", "sim_axi", "synth"):
        top = "emcc_top" if target == "sim" else "emcc_axi_top"
        assert core.get_toplevel({**flags, "target": target}) == top
        for entry in core.get_files({**flags, "target": target}):
            assert (folder / entry["name"]).is_file()


def test_the_bench_is_the_trees(folder: Path) -> None:
    for name in ("Makefile", "README.md", "run.py", "test_emcc.py", "test_axi.py"):
        assert (folder / "tb" / name).read_bytes() == (ROOT / "sim" / "artefact" / name).read_bytes()
