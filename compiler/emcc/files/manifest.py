"""The schema of emcc.json: what has to be in it, and of which kind, for what reads it to trust it."""

import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

SHOWN = 8
_LARGEST = 1 << 60
_FINITE = sys.float_info.max
COUNT, SIZE = range(_LARGEST), range(1, _LARGEST)
_SOURCE = {"file": str, "sha256": str}
_FILES = {"*": {"bytes": COUNT, "sha256": str}}
_COST = {"bytes": COUNT, "entropy_bytes": float}
_CODERS = {"huffman": _COST, "range?": _COST}
_CODED = {
    "layers": [
        {
            **dict.fromkeys(
                ("kept", "entries", "code_bits", "run_bits", "bytes", "codebook_bytes", "bias_bytes"), COUNT
            ),
            **dict.fromkeys(("density", "code_bits_coded", "run_bits_coded"), float),
            **{"inertia": (float, None), "name": str, "weights": SIZE, "biases": COUNT, "coders": _CODERS},
        }
    ],
    "totals": {
        **dict.fromkeys(("weights", "dense_bytes", "kept", "bytes", "header_bytes"), COUNT),
        **{"made_bytes?": COUNT, "compression": float, "coders": _CODERS},
    },
}
_QUALITY = {
    **{"samples": SIZE, "source": str, "task": str, "measure": str, "against": str, "labels": bool, "outputs": SIZE},
    **dict.fromkeys(("float", "float_worst", "compressed", "worst", "lost", "lost_at_most", "agreement"), float),
    **{"agreement_measure": str, "interval": [float]},
}
_UNKNOWN = {"measure": None, "samples": range(1), "interval?": ([float], None)}
_FIXED = dict.fromkeys(("fixed_error_max", "fixed_error_rms", "output_range"), float) | {
    "fixed_samples": SIZE,
    "synthetic": bool,
}
_LOSS = {
    **dict.fromkeys(("lost", "allowed", "by_rounding"), float),
    **{"measure": str, "source": str, "samples": SIZE, "rounded": [str], "advice": (str, None)},
    "causes": [{"cause": str, "lost": float}],
}
_TEACHER = {
    **_SOURCE,
    "parameters": SIZE,
    "student": {**{"measure": str, "features?": [str]}, **dict.fromkeys(("before", "quality", "teacher"), float)},
}
_AUDITION = {
    **{"steps": SIZE, "methods": str},
    "rows": [
        {
            **{"methods": str, "steps": SIZE, "bytes?": COUNT, "quality?": float, "lost?": float},
            **{"why?": str, "taken?": bool},
        }
    ],
}
_EITHER = {
    "audition?": _AUDITION,
    "teacher?": _TEACHER,
    "emcc": str,
    "model": {**_SOURCE, "name": str},
    "files": _FILES,
}
COMPRESSED = {
    **_EITHER,
    **_CODED,
    "data": ({**_SOURCE, "samples": COUNT}, None),
    "warnings?": [str],
    "search?": {
        **{"task": str, "measure": str, "score?": str},
        **dict.fromkeys(("held_out", "trained_on", "trained_steps"), COUNT),
        **dict.fromkeys(("quality_before", "quality", "lost", "lost_at_most", "agreement"), float),
    },
    "quality?": _QUALITY,
    "goal?": {"max_drop?": float},
    "options?": {"passes?": {}},
    "signs?": {"layers": [str], "activations": COUNT},
    "curve?": [{"stage": str, "steps": COUNT, "kept": float, "quality": (float, None)}],
    "histograms?": [
        {
            **{"name": str, "reach": float, "before": [COUNT], "after": [COUNT]},
            **dict.fromkeys(("zeros_before", "zeros"), COUNT),
        }
    ],
}
_END = {"name": str, "shape": [SIZE], "frac_bits": int, "scale": [float], "offset": [float]}
_CELLS = dict.fromkeys(("lut", "ff", "bram", "dsp"), COUNT)
_HOW = {"lut_words?": (COUNT, None), "run_bits?": COUNT, "large?": bool}
COMPILED = {
    **_EITHER,
    "model": {**_SOURCE, "name": str, "input": _END, "output": _END},
    "target": str,
    "data": ({**_SOURCE, "samples": COUNT, "labels": bool}, None),
    "options": {"fine_tuned": bool},
    "passes": [{"name": str, "did": str}],
    "warnings": [str],
    "scales": {
        **dict.fromkeys(("inputs", "outputs", "between"), str),
        **{"saturated": COUNT, "left_out": [{"sample": COUNT, "feature": COUNT}]},
    },
    "samples": str,
    "design": {
        **dict.fromkeys(("pes", "act_w", "acc_w"), SIZE),
        **{"digest": str, "host": [{"op": str}], "groups": SIZE, "tried": [[float]]},
        **{"boot_bytes?": SIZE, "boot_structure?": str},
    },
    "board?": {
        **dict.fromkeys(("name", "title", "part", "model"), str),
        **{"own": bool, "chosen": bool, "clock_hz": SIZE, "seconds": float},
        **{"cells": _CELLS, "there": _CELLS},
        "energy": ({"joules": float, "switching": bool, "source": str}, None),
        **{"lut_words?": (COUNT, None), "updatable?": bool, "spram?": SIZE},
        "tried": [{"pes": SIZE, "groups": SIZE, "cycles": float, **_CELLS, "fits": bool, **_HOW}],
    },
    "layers": [
        {
            **dict.fromkeys(("rows", "columns", "code_w", "run_w", "padding_zeros", "dense_bytes", "bytes"), COUNT),
            **{"name": str, "dense_cycles": COUNT, "density": float, "cycles": float, "made?": bool},
            "table_error?": (float, None),
        }
    ],
    "steps": [
        {
            **{"name": str, "kind": str, "products": float, "cycles": float, "utilisation": float},
            **dict.fromkeys(("positions", "passes"), SIZE),
            "macs": COUNT,
        }
    ],
    "partition": {
        "array": {"steps": COUNT, "macs": COUNT},
        "host": [{"name": str, "op": str, "macs": COUNT}],
        "share": float,
    },
    "totals": {
        **dict.fromkeys(("padding_zeros", "dense_bytes", "bytes", "dense_cycles", "transfer_cycles"), COUNT),
        **dict.fromkeys(("density", "compression", "seconds", "dense_seconds", "speedup", "utilisation"), float),
        **{"clock_hz": SIZE, "cycles": {"mean": float, "min": COUNT, "max": COUNT, "samples": COUNT}},
        "throughput?": {
            **dict.fromkeys(("cycles", "exposed_cycles", "seconds", "per_second"), float),
            "exact": bool,
        },
    },
    "compression": _CODED,
    "memory": [
        {"name": str, **dict.fromkeys(("copies", "depth", "width", "bits"), COUNT), "block_rams?": {"*": COUNT}},
    ],
    "quality": ({**_QUALITY, **_FIXED}, {**_UNKNOWN, **_FIXED}),
    "loss": (_LOSS, None),
    "c?": {
        **{"name": str, "segments": SIZE, "scratch": SIZE},
        **dict.fromkeys(("io", "constants", "text", "flash", "instructions"), COUNT),
        "external?": {"bytes": COUNT, "held": COUNT},
    },
}
"""As data: a type (float is any finite number), a range of whole numbers, None, a tuple of alternatives, a list of any
length, an object. A key that ends in "?" may be missing, "*" is any name, and what a schema does not name is free."""


def problems(manifest: Mapping[str, Any]) -> list[str]:
    """Say what is wrong with a manifest, at most SHOWN sentences; [] where what reads it may trust it."""
    compressed = manifest.get("kind") == "compressed"
    wrong = list(islice(_faults(manifest, COMPRESSED if compressed else COMPILED, ""), SHOWN))
    return wrong or [*_unsafe(manifest), *_apart(manifest, compressed)][:SHOWN]


def is_plain(name: str) -> bool:
    """Tell whether a name is a relative path, "/"-separated, that stays in its folder."""
    path = PurePosixPath(name)
    plain = path.parts and not path.is_absolute() and ".." not in path.parts
    return bool(plain) and "\\" not in name and "\0" not in name and str(path) == name


def _faults(value: Any, schema: Any, place: str) -> Iterator[str]:
    if isinstance(schema, tuple):
        if all(any(_faults(value, alternative, place)) for alternative in schema):
            yield from _faults(value, schema[0], place)
    elif isinstance(schema, dict):
        yield from _object_faults(value, schema, place)
    elif isinstance(schema, list):
        if type(value) is not list:
            yield f"{place[1:]} is not a list"
            return
        for i, item in enumerate(value):
            yield from _faults(item, schema[0], f"{place}[{i}]")
    elif isinstance(schema, range):
        if type(value) is not int or value not in schema:
            yield f"{place[1:]} is not a whole number from {schema.start} on"
    elif schema is float:
        if type(value) not in (int, float) or not abs(value) <= _FINITE:
            yield f"{place[1:]} is not a number"
    elif (value is not None) if schema is None else type(value) is not schema:
        yield f"{place[1:]} is not {'text' if schema is str else 'true or false' if schema is bool else 'null'}"


def _object_faults(value: Any, schema: dict[str, Any], place: str) -> Iterator[str]:
    if type(value) is not dict:
        yield f"{place[1:] or 'it'} is not an object"
        return
    for key, part in schema.items():
        name = key.removesuffix("?")
        if key == "*":
            for name, item in value.items():
                yield from _faults(item, part, f"{place}.{name}")
        elif name in value:
            yield from _faults(value[name], part, f"{place}.{name}")
        elif name == key:
            yield f"{place[1:] or 'it'} has no {name}"


def _unsafe(manifest: Mapping[str, Any]) -> Iterator[str]:
    for name in manifest["files"]:
        if not is_plain(name):
            yield f"files has {name!r}, which is not the name of a file in the folder"


def _apart(manifest: Mapping[str, Any], compressed: bool) -> Iterator[str]:
    """Say what does not go together."""
    quality = manifest.get("quality", {})
    measured = "search" in manifest or ("quality" in manifest if compressed else quality["measure"] is not None)
    if measured and manifest["data"] is None:
        yield "something was measured, and there is no data"
    design = {} if compressed else manifest["design"]
    if any(len(pair) != 2 for pair in design.get("tried", ())):
        yield "design's tried is not pairs of numbers"
    if len(quality.get("interval") or (0.0, 0.0)) != 2:
        yield "quality's interval is not two numbers"
