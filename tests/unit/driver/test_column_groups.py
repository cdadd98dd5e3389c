"""Compiling for column groups: what is emitted, what the manifest says of steps and host, what people see of it."""

import io
from pathlib import Path

import numpy as np
import pytest
from models import save
from rich.console import Console
from small_convs import images, small_conv

from emcc.driver.compile import compile_model
from emcc.driver.request import CompileOptions
from emcc.eie.options import SHALLOW
from emcc.eie.store import load_program
from emcc.files.artefact import Artefact, read_manifest
from emcc.report import html
from emcc.report.lines import headline, notes
from emcc.report.summary import print_summary
from emcc.runtime.designs import design_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("groups")


@pytest.fixture(scope="module")
def artefact(folder: Path) -> Artefact:
    """A network with the host in the middle."""
    np.savez(folder / "d.npz", x=images(20), y=np.arange(20) % 5)
    path = save(small_conv(hosted=True), folder / "m.onnx")
    return compile_model(CompileOptions(path, data=folder / "d.npz", keep_weights=True, pes=8))


def test_the_same_bytes_again(folder: Path, artefact: Artefact) -> None:
    again = compile_model(CompileOptions(folder / "m.onnx", data=folder / "d.npz", keep_weights=True, pes=8))
    assert again.files == artefact.files
    assert {"rtl/emcc_core.sv", "rtl/emcc_cfg_pkg.sv", "rom/walk.hex", "rom/host.hex"} <= set(again.files)


def test_layers_are_counted_as_convolutions(artefact: Artefact) -> None:
    rows = {row["name"]: row for row in artefact.manifest["layers"]}
    assert set(rows) == {"conv1", "conv2", "depthwise", "fc"}
    assert (rows["conv2"]["rows"], rows["conv2"]["columns"], rows["conv2"]["weights"]) == (6, 54, 324)
    assert rows["conv2"]["dense_cycles"] == 1 * 54 * 16  # 6 rows on 8 PEs, at 4 x 4 positions
    assert (rows["depthwise"]["rows"], rows["depthwise"]["columns"], rows["depthwise"]["run_w"]) == (6, 9, 0)
    weights = {item.name: item for item in small_conv(hosted=True).graph.initializer}
    dense = np.frombuffer(weights["k2"].raw_data, "<f4")
    assert rows["conv2"]["kept"] == np.count_nonzero(dense)


def test_steps_and_host(folder: Path, artefact: Artefact) -> None:
    manifest = artefact.manifest
    artefact.write(folder / "out")
    program = load_program(folder / "out" / "program.npz")
    assert [row["name"] for row in manifest["steps"]] == [step.name for step in program.steps]
    total = manifest["totals"]
    assert sum(row["cycles"] for row in manifest["steps"]) == pytest.approx(total["cycles"]["mean"], rel=1e-4)
    for row in manifest["steps"]:
        assert row["utilisation"] == pytest.approx(row["products"] / (8 * row["cycles"]), rel=1e-4)
    dense = {"conv1": 6 * 18 * 64, "conv2": 6 * 54 * 16, "depthwise": 6 * 9 * 32, "fc": 60}
    assert {row["name"]: row["macs"] for row in manifest["steps"] if row["macs"]} == dense
    assert manifest["partition"]["array"]["macs"] == sum(dense.values())
    assert manifest["partition"]["host"] == [{"name": "stack", "op": "Concat", "macs": 0}]
    # Two maps of 4 x 4 with 6 channels go out to the host. What comes back is part of a Concat: whole words of 8.
    into, *others = manifest["design"]["turns"]
    assert (into, others) == (program.inputs[0].order.size, [-192, 256, -5])
    assert manifest["design"]["turns"] == list(design_of(program).shape.turns)
    # An activation a cycle, and 4 before the first of the three rows that send; a row takes 2, a run one more to start.
    assert total["transfer_cycles"] == into + 256 + 192 + 5 + 3 * 4 + 2 * 6 + 2
    assert dict(manifest["design"]["tried"])[program.groups] == min(dict(manifest["design"]["tried"]).values())
    assert manifest["options"]["passes"]["lower"]["groups"] == manifest["design"]["groups"] == program.groups


def test_groups_that_are_asked_for(folder: Path) -> None:
    (folder / "r.toml").write_text("[lower]\ngroups = 4\n")
    path = save(small_conv(), folder / "plain.onnx")
    manifest = compile_model(CompileOptions(path, recipe=folder / "r.toml", keep_weights=True, pes=8)).manifest
    assert (manifest["design"]["groups"], manifest["design"]["tried"]) == (4, [])
    assert manifest["design"]["queue_depth"] == SHALLOW  # as deep as where the number is open
    assert "nothing on the host between steps" in "\n".join(notes(manifest))


def test_what_people_see(folder: Path, artefact: Artefact) -> None:
    manifest = artefact.manifest
    assert f"8 PEs in {manifest['design']['groups']} column groups" in headline(manifest)
    text = "\n".join(notes(manifest))
    assert f"{manifest['totals']['transfer_cycles']:,} cycles more an inference" in text
    assert "on the host between steps, 0.00 % of them: Concat (stack)" in text
    out = io.StringIO()
    print_summary(manifest, "out", Console(file=out, width=140, color_system=None))
    assert "depthwise" in out.getvalue()
    assert "local max" in out.getvalue()
    artefact.write(folder / "out")
    assert read_manifest(folder / "out") == manifest
    named = {**manifest, "steps": [{**row, "name": "<script>"} for row in manifest["steps"]]}
    page = html.render(named).decode()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "Left to the host between steps" in page
