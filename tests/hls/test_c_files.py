"""What `--target c` and `--target hls` write: names, numbers, the same bytes, helpers for floats, errors."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import ended, run
from models import mlp, save
from qgraphs import inputs, quantised
from scipy.sparse import csr_array
from small_convs import images, small_conv

from emcc.backends.hls import Model, plain, validate
from emcc.backends.hls.columns import columns
from emcc.backends.hls.fields import PORT, STEP, signed, unsigned
from emcc.backends.hls.names import comment, identifier
from emcc.backends.hls.segments import segments
from emcc.backends.hls.weights import BOOK, BYTE, NIBBLE, WORD, forms_for
from emcc.base.errors import EmccError
from emcc.files.artefact import read_manifest
from emcc.runtime.segmented import crossed
from emcc.samples.sampling import quantised as integers_of
from emcc.tools.cc import built
from emcc.tools.process import run as process

HOSTILE = ["", "*/ int x; /*", "a\\", "??/", "int", 'x"y', "kernels", "Ünï", "9 lives", "a" * 300, "../../etc", "a\nb"]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_an_identifier_and_a_comment(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9_]{1,40}", identifier(name))
    assert re.fullmatch(r"[A-Za-z0-9_.:/ -]{0,80}", comment(name))
    assert "*/" not in comment(name)
    assert "/*" not in comment(name)
    assert "//" not in comment(name) or name == "../../etc"
    assert f"emcc_{identifier(name)}.h" != "emcc_kernels.h"


def test_types_are_as_narrow_as_values() -> None:
    assert [signed([low, high]) for low, high in ((-128, 127), (-129, 0), (0, 1 << 15), (0, 1 << 31))] == [
        "int8_t",
        "int16_t",
        "int32_t",
        "int64_t",
    ]
    assert [unsigned(value) for value in (255, 256, 1 << 16)] == ["uint8_t", "uint16_t", "uint32_t"]


def test_columns_are_the_matrix_again() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(-9, 9, (1500, 7)) * (rng.random((1500, 7)) < 0.004)
    found = columns(csr_array(matrix))
    again = np.zeros_like(matrix)
    for column in range(7):
        span = slice(found.starts[column], found.starts[column + 1])
        rows = np.cumsum(found.runs[span] + 1) - 1
        np.add.at(again[:, column], rows, found.weights[span])
    np.testing.assert_array_equal(again, matrix)
    assert found.runs.max() == 255
    assert (found.weights == 0).any()


def test_forms_take_the_fewest_bytes_and_are_one_where_that_is_cheap() -> None:
    rng = np.random.default_rng(0)
    small, wide = rng.integers(-99, 99, 400), rng.integers(-9999, 9999, 400)
    few, some = rng.choice([500, -500, 900], 400), rng.choice(rng.integers(-9999, 9999, 60), 4000)
    assert [forms_for([one])[0] for one in (small, wide, few, some)] == [BYTE, WORD, NIBBLE, BOOK]
    assert forms_for([some, rng.choice(some, 20)]) == [BOOK, BOOK]
    assert forms_for([small, wide]) == [BYTE, WORD]


def test_every_field_is_in_the_table_and_said() -> None:
    context = Model(plain(quantised([9, 4])), "m").context
    assert all(set(call.row) == set(STEP) for call in context.calls)
    assert all(set(row) == set(PORT) for row in context.ports)


def test_the_same_bytes_and_names_that_are_safe(tmp_path: Path) -> None:
    program = plain(quantised([20, 9, 4]))
    x = crossed(program, {"x": inputs(2, 20)})
    for name in HOSTILE[1:4]:
        hostile = replace(program, name=name, steps=tuple(replace(step, name=name) for step in program.steps))
        model = Model(hostile, name)
        files = {**model.library(x), **model.synthesised(x)}
        assert files == {**Model(hostile, name).library(x), **Model(hostile, name).synthesised(x)}
        assert all(content.isascii() and b"\\" not in content.replace(b"\\n", b"") for content in _texts(files, model))
        assert {part.name for part in (tmp_path / file for file in files)} == set(files)


@pytest.mark.parametrize("name", [*HOSTILE, "ACASXU_experimental_v2a_1_1", "My Net"])
def test_the_name_that_a_folder_keeps_gives_the_same_files(name: str) -> None:
    """An engine makes the C again, and knows no more of the model's name than the manifest says."""
    program = plain(quantised([4, 2]))
    model = Model(program, name)
    again = Model(program, model.name)
    assert {**again.common(), **again.top()} == {**model.common(), **model.top()}


def _texts(files: dict[str, bytes], model: Model) -> list[bytes]:
    return [content for file, content in files.items() if file.endswith((".c", ".h", ".tcl")) and model.name in file]


def test_too_large_is_an_error_before_anything_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    context = Model(plain(quantised([30, 20])), "m").context
    validate(context, synthesised=True)
    monkeypatch.setitem(validate.__globals__, "SYNTHESISED", 40)
    validate(context, synthesised=False)
    with pytest.raises(EmccError, match="larger than a chip"):
        validate(context, synthesised=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A convolutional network with a part of the host's in the middle, compiled for all targets."""
    place = tmp_path_factory.mktemp("hosted")
    save(small_conv(hosted=True), place / "m.onnx")
    np.savez(place / "x.npz", x=images(6))
    run("compile", str(place / "m.onnx"), "--data", str(place / "x.npz"), "--keep-weights", "--pes", "4",
        "--target", "c,hls", "--out", str(place / "out"), "--quiet")  # fmt: skip
    return place


@pytest.fixture(scope="module")
def array_alone(folder: Path) -> Path:
    """The same for the array alone."""
    run("compile", str(folder / "m.onnx"), "--data", str(folder / "x.npz"), "--keep-weights", "--pes", "4",
        "--out", str(folder / "eie"), "--quiet")  # fmt: skip
    return folder / "eie"


@pytest.mark.sim
@pytest.mark.parametrize("engine", ["c", "hls"])
def test_engines_from_the_command_line(folder: Path, engine: str, tmp_path: Path) -> None:
    where = (str(folder / "out"), "--data", str(folder / "x.npz"))
    shown = run("simulate", *where, "--engine", engine, "--json", str(tmp_path / "told.json"), "--outputs",
                str(tmp_path / "held.npz"))  # fmt: skip
    assert "every output integer equals the reference" in shown
    told = json.loads((tmp_path / "told.json").read_text())
    assert (told["ok"], told["inferences"], told["mismatches"], told["engine"]) == (True, 6, 0, engine)
    for name in (engine, "reference"):
        run("run", *where, "--engine", name, "--out", str(tmp_path / f"{name}.npz"), "--quiet")
    wanted = (tmp_path / "reference.npz").read_bytes()
    assert (tmp_path / f"{engine}.npz").read_bytes() == (tmp_path / "held.npz").read_bytes() == wanted


@pytest.mark.sim
def test_c_that_emcc_did_not_make_is_not_run(folder: Path, tmp_path: Path) -> None:
    (source,) = (name for name in read_manifest(folder / "out")["files"] if re.fullmatch(r"c/emcc_m\.c", name))
    path = folder / "out" / source
    right = path.read_text()
    path.write_text(re.sub(r"(  emcc_get\(.*\);\n)\}", r"\1  y[0] = (int16_t)(y[0] ^ 1);\n}", right))
    assert path.read_text() != right
    try:
        where = (str(folder / "out"), "--data", str(folder / "x.npz"), "--engine", "c")
        for words in (("simulate", *where), ("run", *where, "--out", str(tmp_path / "y.npz"))):
            assert "c/ is not what emcc makes of the folder's program" in run(*words, code=2)
        assert not (tmp_path / "y.npz").exists()
    finally:
        path.write_text(right)


@pytest.mark.sim
def test_the_test_programs_of_the_folders_say_yes(folder: Path) -> None:
    for kind, target in (("c", "m_test"), ("hls", "m_tb")):
        place = folder / "out" / kind
        done = process("make", ["make", "-C", place], timeout=120)
        assert "0 of " in done.output
        assert (place / target).is_file()
        process("make", ["make", "-C", place, "clean"], timeout=60)


def test_mistakes(folder: Path, array_alone: Path) -> None:
    text = ended("compile", str(folder / "m.onnx"), "--target", "c,tpu", code=2).output
    assert "no target 'tpu'" in text
    assert "eie, hls, c" in text
    where = (str(array_alone), "--data", str(folder / "x.npz"))
    text = run("simulate", *where, "--engine", "c", code=2)
    assert "there is no c/ in it" in text
    assert "--target c" in text
    text = run("simulate", str(folder / "out"), "--data", str(folder / "x.npz"), "--engine", "c", "--trace", code=2)
    assert "has no waveform" in text


def test_an_artefact_of_eie_is_what_it_was_but_for_the_manifest(folder: Path, array_alone: Path) -> None:
    plain_files, more = read_manifest(array_alone), read_manifest(folder / "out")
    assert "c" not in plain_files
    extra = {name for name in more["files"] if name not in plain_files["files"]}
    assert extra
    assert all(name.startswith(("c/", "hls/")) for name in extra)
    same = {name: facts for name, facts in more["files"].items() if name not in {*extra, "report.html"}}
    assert same == {name: facts for name, facts in plain_files["files"].items() if name != "report.html"}
    assert plain_files["design"]["digest"] == more["design"]["digest"]
    assert more["c"]["segments"] == len(segments(plain_of(folder))) > 1


def plain_of(folder: Path):  # type: ignore[no-untyped-def]
    """The Program that a folder's C is made of."""
    from emcc.runtime.opened import open_artefact

    return plain(open_artefact(folder / "out").held)


@pytest.mark.sim
def test_floats_become_the_integers_of_the_reference(tmp_path: Path) -> None:
    save(mlp((6, 9, 3), ["Relu", None], seed=2), tmp_path / "m.onnx")
    rng = np.random.default_rng(0)
    x = (rng.standard_normal((40, 6)) * np.array([1e-3, 1, 30, 5, 1, 1e3])).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x)
    run("compile", str(tmp_path / "m.onnx"), "--data", str(tmp_path / "x.npz"), "--keep-weights", "--target", "c",
        "--out", str(tmp_path / "out"), "--quiet")  # fmt: skip
    program, files = plain_of(tmp_path), {file.name: file.read_bytes() for file in (tmp_path / "out" / "c").iterdir()}
    files["main.c"] = FLOATS.encode()
    engine = built(files, ["main.c", "emcc_m.c", "emcc_m_float.c"])
    wide = np.concatenate([x, 1e6 * x[:4]])
    wide.tofile(tmp_path / "in")
    process("floats", [engine, tmp_path / "in", tmp_path / "out.bin"], timeout=60)
    found = np.fromfile(tmp_path / "out.bin", "<f4").reshape(len(wide), 6 + 3)
    np.testing.assert_array_equal(found[:, :6], integers_of(program, wide))
    run("run", str(tmp_path / "out"), "--data", str(tmp_path / "x.npz"), "--out", str(tmp_path / "y.npz"), "--quiet")
    with np.load(tmp_path / "y.npz") as answers:
        np.testing.assert_array_equal(found[: len(x), 6:], answers["y"])


FLOATS = """
#include <stdio.h>

#include "emcc_m_float.h"

static emcc_m_scratch scratch;

int main(int argc, char **argv) {
  FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
  FILE *out = argc == 3 ? fopen(argv[2], "wb") : NULL;
  float x[6], y[3], shown[6];
  int16_t q[6], z[3];
  if (in == NULL || out == NULL) return 1;
  while (fread(x, sizeof x, 1, in) == 1) {
    emcc_m_quantise(x, q);
    emcc_m_run(q, z, &scratch);
    emcc_m_dequantise(z, y);
    for (int i = 0; i < 6; ++i) shown[i] = q[i];
    fwrite(shown, sizeof shown, 1, out);
    fwrite(y, sizeof y, 1, out);
  }
  return fclose(out);
}
"""
