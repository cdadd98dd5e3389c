"""Host speed of the emitted C against onnxruntime, one thread each, side by side in one run; and small processors'.

    python benchmarks/hls.py --data ../shared/data [--only NAME...] [--json FILE]

A sine perceptron that is made here, LeNet-300-100 and LeNet-5 pruned by Dynamic Network Surgery, MNIST-8, MLPerf Tiny's
KWS and IC, SqueezeNet after Deep Compression; weights kept. C is compiled with -O3 -march=native and called from C,
sample after sample, in a shared library; onnxruntime runs the model's own file, with batches of one. Both take turns,
ROUNDS times; seconds are the process's own, of each the fastest round's, for the machine has others to serve. Where
arm-none-eabi-gcc and qemu-system-arm are there, also what a Cortex-M4 takes (-O2): bytes, and instructions of an
inference, beside what was said of them (emcc.json's "c"); with the ziglang wheel, bytes of RV32IMC. Exit code 1 where
an integer differs from the reference, LeNet-300-100 is slower than onnxruntime, or the perceptron's code is over 8 KB.
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
from benchmarks.common import firmware, mnist, riscv, sine
from benchmarks.common.cnn import photographs
from emcc.backends.hls import Model, plain
from emcc.container import decode
from emcc.runtime.segmented import crossed
from emcc.samples.sampling import by_input, quantised
from emcc.tools.cc import built

ROUNDS, SECONDS = 7, 0.1
FLAGS = ("-O3", "-march=native", "-shared", "-fPIC")
GOAL, SMALL, TEXT = "lenet300100_dns_sparse", "sine", 8192
SAMPLES = 64
LARGE = 100_000_000
"""Instructions, as they are said, from which on a model is not run in an emulator."""
PUBLISHED = "onnx2c publishes 8.2 KB of text for its sine network"


def images(scale: float) -> Callable[[Path], np.ndarray]:
    """Digits of MNIST's test set as the models take them."""
    return lambda data: (mnist.read(data / "mnist", "test")[0][:SAMPLES] * scale).astype(np.float32)


def tiny(name: str, key: str) -> Callable[[Path], np.ndarray]:
    """MLPerf Tiny's own inputs."""
    return lambda data: np.load(data / f"models/mlperf_tiny/{name}.npz")[key].astype(np.float32)


MODELS: Mapping[str, tuple[str, int, Callable[[Path], np.ndarray]]] = {
    "sine": ("", 8, lambda data: sine.samples(SAMPLES)),
    "lenet300100_dns_sparse": ("lenet300100_dns_sparse.onnx", 16, images(1.0)),
    "lenet5_dns_sparse": ("lenet5_dns_sparse.onnx", 16, images(1.0)),
    "mnist-8": ("mnist-8/model.onnx", 16, images(256.0)),
    "kws": ("mlperf_tiny/kws_int8_qdq.onnx", 8, tiny("kws", "xq")),
    "ic": ("mlperf_tiny/ic_int8_qdq.onnx", 8, tiny("ic", "xq")),
    "squeezenet": ("squeezenet_deep_compression.onnx", 16, lambda data: photographs.read(photographs.JUDGED[:1])),
}
"""File, none for what is made here, bits an activation, samples."""


def row(name: str, data: Path) -> dict[str, Any]:
    """Measure one model."""
    file, bits, samples = MODELS[name]
    with TemporaryDirectory() as folder:
        path, x = data / "models" / file, samples(data)
        if not file:
            sine.write(path := Path(folder) / f"{name}.onnx")
        return _measured(name, path, bits, x)


def _measured(name: str, path: Path, bits: int, x: np.ndarray) -> dict[str, Any]:
    """Compile, compare, time."""
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
    said = {key: value for key, value in artefact.manifest["c"].items() if key != "name"}
    return {
        **{f"{engine}_us": round(1e6 * value, 2) for engine, value in best.items()},
        "faster": round(best["onnxruntime"] / best["c"], 2),
        "mismatches": int(np.count_nonzero(got != wanted)),
        "said": said,
        **_on_a_chip(artefact.files, artefact.manifest["c"]["name"], said["instructions"] < LARGE),
    }


def _on_a_chip(files: Mapping[str, bytes], name: str, runs: bool) -> dict[str, Any]:
    """Return what a Cortex-M4 and RV32IMC take, as far as the tools are there."""
    own = {file.removeprefix("c/"): content for file, content in files.items() if file.startswith("c/")}
    found: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        place = Path(folder)
        if not firmware.missing(firmware.CC, firmware.SIZE):
            found["measured"] = dict(vars(firmware.sizes(own, name, place)))
            if runs and not firmware.missing(firmware.QEMU):
                found["measured"]["instructions"] = firmware.instructions(own, name, place)
                found["measured"]["wrong"] = firmware.run(own, name, place)
        if not riscv.missing(riscv.SIZE):
            found["rv32"] = dict(vars(riscv.sizes(own, name, place / "rv32")))
            if runs and not riscv.missing(riscv.QEMU):
                found["rv32"]["wrong"] = riscv.run(own, name, place / "rv32")
    return found


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
    begun, calls = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        run()
        calls += 1
    return (time.process_time() - begun) / calls


def table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return all rows in Markdown; text, data and bss as a linker has them, data and bss without input and output."""
    head = ("model", "C, us", "onnxruntime, us", "C is faster", "differ", "M4 text", "M4 tables", "M4 bss (said)",
            "M4 instructions (said)", "RV32IMC text")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for name, row in rows.items():
        chip, other, said = row.get("measured", {}), row.get("rv32", {}), row["said"]
        cells: list[Any] = [name, row["c_us"], row["onnxruntime_us"], f"{row['faster']} times", row["mismatches"]]
        cells += [chip.get("text", "-"), chip.get("constants", "-"), f"{chip.get('scratch', '-')} ({said['scratch']})"]
        cells += [f"{chip.get('instructions', '-')} ({said['instructions']})", other.get("text", "-")]
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join([*lines, "", f"data is 0 everywhere. {PUBLISHED}."])


def wrong(rows: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether an integer differs or a goal is missed."""
    differs = any(row["mismatches"] or row.get(chip, {}).get("wrong")
                  for row in rows.values() for chip in ("measured", "rv32"))  # fmt: skip
    slow = GOAL in rows and rows[GOAL]["faster"] <= 1
    return bool(differs or slow or rows.get(SMALL, {}).get("measured", {}).get("text", 0) > TEXT)


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
    print(table(rows))
    return int(wrong(rows))


if __name__ == "__main__":
    sys.exit(main())
