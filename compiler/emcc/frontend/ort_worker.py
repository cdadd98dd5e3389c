"""The process that onnxruntime runs in: questions on standard input, answers on standard output, until the input ends.

Run as a file by `frontend.ort`, which reads the same messages. It imports nothing of emcc, and opens no file that a
model names. A message is a length, JSON, and the bytes of the arrays that the JSON lists.
"""

import json
import math
import os
import resource
import sys
from collections.abc import Mapping
from typing import IO, Any

KINDS = "fiub"
"""Kinds of the arrays that are sent."""

BASIC, PLAIN, EXACT = LEVELS = "basic", "plain", "exact"
"""Of onnxruntime's optimiser: its basic one; none; or the one that multiplies 8-bit integers exactly everywhere.

A processor with AVX2 and without VNNI adds two products of an unsigned and a signed byte in 16 bits, which cuts sums
beyond 32,767. At its extended level onnxruntime makes constants unsigned where it is told to be precise.
"""


def send(file: IO[bytes], facts: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
    """Send JSON and arrays of numbers by name."""
    rows = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
    head = json.dumps({**facts, "arrays": rows}).encode()
    file.write(len(head).to_bytes(8, "little") + head)
    for array in arrays.values():
        file.write(array.tobytes())
    file.flush()


def receive(file: IO[bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the next message. EOFError where the other end is gone, ValueError where it is no message."""
    import numpy as np

    facts = json.loads(_exactly(file, int.from_bytes(_exactly(file, 8), "little")))
    arrays = {}
    for name, kind, shape in facts.pop("arrays"):
        dtype = np.dtype(kind)
        if dtype.kind not in KINDS or any(type(size) is not int or size < 0 for size in shape):
            raise ValueError(f"an array of {kind}, {shape}")
        arrays[name] = np.frombuffer(_exactly(file, math.prod(shape) * dtype.itemsize), dtype).reshape(shape)
    return facts, arrays


def _exactly(file: IO[bytes], size: int) -> bytes:
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _limit(memory: int, seconds: int) -> None:
    """Allow `memory` bytes of addresses beyond what there are, and `seconds` of processor time from now on."""
    try:
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # there is none beside Linux, where the limit of addresses is not held either
        taken = 1 << 40
    used = resource.getrusage(resource.RUSAGE_SELF)
    wanted = {resource.RLIMIT_AS: taken + memory, resource.RLIMIT_CPU: int(used.ru_utime + used.ru_stime) + seconds}
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _opened(facts: Mapping[str, Any], arrays: dict[str, Any]) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    levels = ort.GraphOptimizationLevel
    numbers = {PLAIN: levels.ORT_DISABLE_ALL, BASIC: levels.ORT_ENABLE_BASIC, EXACT: levels.ORT_ENABLE_EXTENDED}
    options.graph_optimization_level = numbers[facts["level"]]
    options.add_session_config_entry("session.x64quantprecision", "1")
    model = arrays.pop("model").tobytes()
    if arrays:
        values = [ort.OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
        options.add_external_initializers(list(arrays), values)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main() -> None:
    """Answer until there are no more questions: {"open": ..., "level": ...} or {"run": names of outputs}."""
    sys.path[:] = json.loads(sys.argv[1])
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    import numpy as np

    session: Any = None
    while True:
        try:
            facts, arrays = receive(questions)
        except EOFError:
            return
        try:
            results: dict[str, Any] = {}
            if "open" in facts:
                session = None
                _limit(facts["memory"], facts["seconds"])
                session = _opened(facts, arrays)
                said: dict[str, Any] = {"inputs": [[each.name, each.type, each.shape] for each in session.get_inputs()]}
            else:
                made = session.run(facts["run"], arrays)
                if not all(isinstance(value, np.ndarray) and value.dtype.kind in KINDS for value in made):
                    raise TypeError("an output is no tensor of numbers")
                results, said = {str(i): value for i, value in enumerate(made)}, {}
        except MemoryError:
            said = {"memory": True}
        except Exception as error:
            said = {"error": str(error)}
        send(answers, said, results)


if __name__ == "__main__":
    main()
