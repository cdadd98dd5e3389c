"""Host speed of the emitted C against onnxruntime, one thread each, side by side in one run; and a Cortex-M4's figures.

    python benchmarks/hls.py --data ../shared/data [--only NAME...] [--json FILE]

LeNet-300-100 and LeNet-5 pruned by Dynamic Network Surgery, MNIST-8 and MLPerf Tiny's KWS and IC, weights kept. C is
compiled with -O3 -march=native and called from C, sample after sample, in a shared library; onnxruntime runs the
model's own file, with batches of one. Both take turns, ROUNDS times; of each the fastest round counts, for the machine
has others to serve. Where arm-none-eabi-gcc and qemu-system-arm are there, also what a Cortex-M4 takes (-O2): bytes,
and instructions of an inference, beside what was said of them (emcc.json's "c"). Exit code 1 where an integer differs
from the reference, or LeNet-300-100 is slower than onnxruntime.
"""

import argparse
import ctypes
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import emcc
from benchmarks.common import firmware, mnist
from emcc.backends.hls import Model, plain
from emcc.container import decode
from emcc.runtime.segmented import crossed
from emcc.samples.sampling import by_input, quantised
from emcc.tools.cc import built

ROUNDS, SECONDS = 7, 0.3
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
GOAL = "lenet300100_dns_sparse"
SAMPLES = 64


def images(scale: float) -> Callable[[Path], np.ndarray]:
    """Digits of MNIST's test set as the models take them."""
    return lambda data: (mnist.read(data / "mnist", "test")[0][:SAMPLES] * scale).astype(np.float32)


def tiny(name: str, key: str) -> Callable[[Path], np.ndarray]:
    """MLPerf Tiny's own inputs."""
    return lambda data: np.load(data / f"models/mlperf_tiny/{name}.npz")[key].astype(np.float32)


MODELS: Mapping[str, tuple[str, int, Callable[[Path], np.ndarray]]] = {
    "lenet300100_dns_sparse": ("lenet300100_dns_sparse.onnx", 16, images(1.0)),
    "lenet5_dns_sparse": ("lenet5_dns_sparse.onnx", 16, images(1.0)),
    "mnist-8": ("mnist-8/model.onnx", 16, images(256.0)),
    "kws": ("mlperf_tiny/kws_int8_qdq.onnx", 8, tiny("kws", "xq")),
    "ic": ("mlperf_tiny/ic_int8_qdq.onnx", 8, tiny("ic", "xq")),
}
"""File, bits an activation, samples."""


def row(name: str, data: Path) -> dict[str, Any]:
    """Measure one model."""
    file, bits, samples = MODELS[name]
    path, x = data / "models" / file, samples(data)
    artefact = emcc.compile(path, data=x, keep_weights=True, target="c", recipe={"calibrate": {"bits": bits}})
    model = Model(plain(decode(artefact.files["model.emc"])), name)
    integers = quantised(model.program, x)
    ((into, wanted),) = crossed(model.program, by_input(model.program, integers))
    kind = np.dtype(f"i{bits // 8}")
    given, got = into.astype(kind), np.zeros(wanted.shape, kind)
    call = _called(model, given, got)
    call()
    runs = {"c": call, "onnxruntime": _onnxruntime(path, x)}
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(ROUNDS):
        for engine, one in runs.items():
            best[engine] = min(best[engine], _timed(one) / len(x))
    return {
        **{f"{engine}_us": round(1e6 * value, 2) for engine, value in best.items()},
        "faster": round(best["onnxruntime"] / best["c"], 2),
        "mismatches": int(np.count_nonzero(got != wanted)),
        "said": {key: value for key, value in artefact.manifest["c"].items() if key != "name"},
        **_on_a_chip(artefact.files, artefact.manifest["c"]["name"]),
    }


def _on_a_chip(files: Mapping[str, bytes], name: str) -> dict[str, Any]:
    """Return what a Cortex-M4 takes; nothing where a tool is missing."""
    if firmware.missing(firmware.CC, firmware.SIZE, firmware.QEMU):
        return {}
    own = {file.removeprefix("c/"): content for file, content in files.items() if file.startswith("c/")}
    with TemporaryDirectory() as folder:
        place = Path(folder)
        return {
            "measured": {
                **vars(firmware.sizes(own, name, place)),
                "instructions": firmware.instructions(own, name, place),
                "wrong": firmware.run(own, name, place),
            }
        }


def _called(model: Model, given: np.ndarray, got: np.ndarray) -> Callable[[], None]:
    """Return what runs all samples once, in C."""
    name, count = model.name, len(given)
    loop = (
        f'#include "emcc_{name}.h"\n'
        f"typedef int{model.program.act_w}_t act;\n"
        "void all(const act *x, act *y);\n"
        "void all(const act *x, act *y) {\n"
        f"  static emcc_{name}_scratch scratch;\n"
        f"  for (int n = 0; n < {count}; ++n)\n"
        f"    emcc_{name}_segment_0(x + n * {given.shape[1]}, y + n * {got.shape[1]}, &scratch);\n"
        "}\n"
    )
    library = ctypes.CDLL(str(built({**model.common(), "all.c": loop.encode()}, ["all.c", f"emcc_{name}.c"], FLAGS)))
    pointers = [array.ctypes.data_as(ctypes.c_void_p) for array in (given, got)]
    return lambda: library.all(*pointers)


def _onnxruntime(path: Path, x: np.ndarray) -> Callable[[], None]:
    """Return what runs all samples once, one after the other."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    (name,) = (one.name for one in session.get_inputs())
    kind = {"tensor(int8)": np.int8, "tensor(uint8)": np.uint8}.get(session.get_inputs()[0].type, np.float32)
    batches = [{name: sample[None].astype(kind)} for sample in x]

    def all_of() -> None:
        for batch in batches:
            session.run(None, batch)

    return all_of


def _timed(run: Callable[[], None]) -> float:
    """Return the seconds of one call, over as many as take SECONDS."""
    begun, calls = time.perf_counter(), 0
    while time.perf_counter() - begun < SECONDS:
        run()
        calls += 1
    return (time.perf_counter() - begun) / calls


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where something is wrong or the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with models/ and mnist/")
    parser.add_argument("--only", nargs="+", choices=MODELS, metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there, after each one")
    given = parser.parse_args(arguments)
    rows: dict[str, dict[str, Any]] = {}
    for name in given.only or MODELS:
        rows[name] = row(name, given.data)
        found = rows[name]
        print(f"{name}: C {found['c_us']} us, onnxruntime {found['onnxruntime_us']} us, {found['faster']} times; "
              f"{found['mismatches']} integers differ", flush=True)  # fmt: skip
        if given.json:
            given.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    missed = GOAL in rows and rows[GOAL]["faster"] <= 1
    wrong = any(found["mismatches"] or found.get("measured", {}).get("wrong") for found in rows.values())
    return int(missed or wrong)


if __name__ == "__main__":
    sys.exit(main())
