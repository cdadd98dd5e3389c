"""`--weights external`: the C for synthesis reads weights from words outside, tile after tile; nothing else changes."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from c_programs import mismatches
from commands import ended, run
from models import save
from qgraphs import inputs, quantised
from small_convs import images, small_conv
from specimens import patterned, specimen

from emcc.backends.hls import Model, plain, tiles
from emcc.backends.hls.external import External
from emcc.files.artefact import read_manifest
from emcc.tools.process import run as process

CHAINS = {
    "codes": ([50, 33, 17, 70], {"code_w": [4, 2, 8], "functions": ["table", "relu", "identity"]}),
    "columns": ([60, 90, 9], {"code_w": 8, "density": 0.1}),
}


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memories on the chip that no layer fits."""
    monkeypatch.setattr(tiles, "HELD", 100)


@pytest.mark.sim
@pytest.mark.usefixtures("_small")
@pytest.mark.parametrize("name", CHAINS)
def test_layers_in_tiles_give_the_same_integers(name: str) -> None:
    sizes, how = CHAINS[name]
    program, x = plain(quantised(sizes, **how)), {"x": inputs(12, sizes[0], high=127)}  # type: ignore[arg-type]
    model = Model(program, "m", external=True)
    assert len(model.context.calls) > 2 * len(program.steps)
    assert mismatches(program, x, external=True, top=True) == 0


@pytest.mark.sim
@pytest.mark.usefixtures("_small")
def test_every_kind_of_step_in_tiles() -> None:
    program, _ = specimen("groups")
    assert mismatches(program, patterned(program), ("-O1",), external=True, top=True) == 0


def test_tables_of_weights_are_not_in_the_file_and_memories_are_no_larger_than_a_tile() -> None:
    program = plain(quantised([200, 300, 40], code_w=8, density=0.9))
    inside, outside = Model(program, "m"), Model(program, "m", external=True)
    text = outside.common()["emcc_m.c"]
    assert len(text) < len(inside.common()["emcc_m.c"]) / 10
    assert b"const uint8_t emcc_codes" not in text
    assert outside.context.external is not None
    assert max(outside.context.external.sizes.values()) <= tiles.HELD
    assert len(outside.context.external.file) >= 200 * 300
    assert len(outside.context.calls) > 2


def test_packing_keeps_every_integer() -> None:
    external = External()
    arrays = {
        "bytes": [-128, 127, 3],
        "codes": [255, 0, 1, 2, 3],
        "words": [-32768, 7],
        "runs": [],
        "starts": [1 << 31],
    }
    fetches = {fetch.array: fetch for fetch in external.put(arrays)}
    assert set(fetches) == {"bytes", "codes", "words", "starts"}
    kinds = {"bytes": "<i1", "codes": "<u1", "words": "<i2", "starts": "<u4"}
    for name, fetch in fetches.items():
        found = np.frombuffer(external.file, kinds[name], offset=4 * fetch.first)[: len(arrays[name])]
        assert found.tolist() == arrays[name]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolutional network with a part of the host's in the middle, whose hls/ has its weights outside."""
    place = tmp_path_factory.mktemp("external")
    save(small_conv(hosted=True), place / "m.onnx")
    np.savez(place / "x.npz", x=images(6))
    told = run("compile", str(place / "m.onnx"), "--data", str(place / "x.npz"), "--keep-weights", "--target", "c,hls",
               "--weights", "external", "--out", str(place / "out"))  # fmt: skip
    assert "bytes of weights come from outside" in told
    return place


@pytest.mark.sim
def test_the_bench_reads_the_file_and_misses_it(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "hls"
    shutil.copytree(folder / "out" / "hls", place)
    assert "0 of " in process("make", ["make", "-C", place], timeout=120).output
    weights = place / "emcc_m_weights.bin"
    right = weights.read_bytes()
    assert len(right) == read_manifest(folder / "out")["c"]["external"]["bytes"]
    wrong = bytearray(right)
    wrong[0] ^= 64
    for content, says in ((bytes(wrong), "integers are wrong"), (right[:-1], "not there, or not"), (None, "not there")):
        weights.unlink()
        if content is not None:
            weights.write_bytes(content)
        done = process("bench", [place / "m_tb"], cwd=place, timeout=60, check=False)
        assert done.code == (1 if says == "integers are wrong" else 2)
        assert says in done.output


@pytest.mark.sim
def test_the_engine_runs_it_and_a_changed_weight_is_refused(folder: Path, tmp_path: Path) -> None:
    where = ("--data", str(folder / "x.npz"), "--engine")
    for engine in ("hls", "c"):
        assert "every output integer equals" in run("simulate", str(folder / "out"), *where, engine)
    shutil.copytree(folder / "out", tmp_path / "out")
    weights = tmp_path / "out" / "hls" / "emcc_m_weights.bin"
    weights.write_bytes(bytes([weights.read_bytes()[0] ^ 1]) + weights.read_bytes()[1:])
    assert "hls/ is not what emcc makes" in run("simulate", str(tmp_path / "out"), *where, "hls", code=2)


def test_the_port_is_a_master_of_its_own(folder: Path) -> None:
    top = (folder / "out" / "hls" / "emcc_m_top.c").read_text()
    words = read_manifest(folder / "out")["c"]["external"]["bytes"] // 4
    assert f"const uint32_t outside[{words}])" in top
    assert f"EMCC_PORT(outside, {words})" in top
    assert "add_files -tb emcc_m_weights.bin" in (folder / "out" / "hls" / "run_hls.tcl").read_text()
    assert re.search(r"define EMCC_PORT.*m_axi", (folder / "out" / "hls" / "emcc_pragmas.h").read_text())
    assert not list((folder / "out" / "c").glob("*.bin"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--target", "c", "--weights", "external"), "of the C for synthesis alone"),
        (("--weights", "external"), "of the C for synthesis alone"),
        (("--target", "hls", "--weights", "outside"), "no weights 'outside'"),
    ],
)
def test_mistakes(folder: Path, tmp_path: Path, options: tuple[str, ...], says: str) -> None:
    text = ended("compile", str(folder / "m.onnx"), *options, "--out", str(tmp_path / "out"), code=2).output
    assert says in text
    assert not (tmp_path / "out").exists()
