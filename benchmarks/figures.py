"""The quick figures of README and docs, made again: fails where a document says something else.

    python benchmarks/figures.py [--json FILE] [--only NAME...]        (make figures)

nine-layers: cycles of the EIE paper's layers by the cycle model, which Verilator has confirmed (eie_layers.py), with
queues of 64 and of the default depth. demo: what `make demo` prints of the compiled model. kept: sizes of
`emcc compress --keep-weights`. design: what the default design is. Figures that take longer name their command.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.common.design import counted, fastest
from benchmarks.common.layers import CASES, named, problem
from emcc.driver.compile import compile_model
from emcc.driver.compress import compress_model
from emcc.driver.request import CompileOptions, CompressOptions
from emcc.eie.options import DEEP, SHALLOW, LowerOptions

ROOT = Path(__file__).resolve().parents[1]
MODELS = Path(os.environ.get("EMCC_DATA", ROOT.parent / "shared" / "data")) / "models"
PES = 64


@dataclass(frozen=True)
class Figure:
    """A text that a document must have: `text` once spaces are made one, in `document`."""

    document: str
    text: str


def nine_layers() -> Iterator[Figure]:
    """Yield each layer's row up to the paper's cycles, and the rows of the default queue depth."""
    default = DEEP
    for case in CASES:
        shallow = []
        for layer in named([]):
            task = problem(layer, case)
            made = [fastest(task.graph, LowerOptions(pes=PES, queue_depth=depth), task.x) for depth in (64, default)]
            (deep, groups), (less_deep, fewer) = ((int(counted(one, task.x)[0]), one.groups) for one in made)
            shallow.append(f"{less_deep:,} ({fewer})")
            yield Figure("docs/performance.md", f"| {layer.name} | {groups} | {deep:,} | {layer.paper_cycles:,} |")
        yield Figure("docs/performance.md", f"| {case} | {' | '.join(shallow)} |")


def demo() -> Iterator[Figure]:
    """Yield what `make demo` prints of the compiled model; Verilator is left to the demo itself."""
    digits = ROOT / "examples" / "digits"
    artefact = compile_model(CompileOptions(digits / "digits.onnx", data=digits / "train.npz", pes=8,
                                            recipe=digits / "recipe.toml"))  # fmt: skip
    total = artefact.manifest["totals"]
    sizes = f"{total['dense_bytes']:,} bytes, {total['bytes']:,} bytes: {total['compression']:.1f} times smaller |"
    yield Figure("README.md", f"| size: float32 parameters, `model.emc` | {sizes}")
    yield Figure("README.md", f"| weights kept | {total['density']:.2%} |".replace("%", " %"))
    yield Figure("README.md", f"({total['dense_cycles']:,}) |")


def kept() -> Iterator[Figure]:
    """Yield the sizes that --keep-weights gives; none without the shared models."""
    for model in ("lenet300100_dns_sparse", "lenet5_dns_sparse", "squeezenet_deep_compression"):
        path = MODELS / f"{model}.onnx"
        if not path.is_file():
            print(f"kept: left out, there is no {path.name}", file=sys.stderr)
            return
        artefact = compress_model(CompressOptions(path, keep_weights=True))
        size = len(artefact.files["model.emc"])
        ratio = artefact.manifest["totals"]["compression"]
        digits = f"{ratio:.0f}x" if ratio >= 100 else f"{ratio:.1f}x"
        yield Figure("docs/compression.md", f"`--keep-weights` | {size:,} B | {digits} |")


def design() -> Iterator[Figure]:
    """Yield what the documents say of the default design."""
    yield Figure("docs/performance.md", f"The default design has queues of {SHALLOW} or {DEEP}.")


FIGURES: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "design": design,
    "kept": kept,
    "demo": demo,
    "nine-layers": nine_layers,
}


def missing(figures: Sequence[Figure]) -> list[str]:
    """Return the figures that their documents do not have."""
    pages = {figure.document: spaced((ROOT / figure.document).read_text(encoding="utf-8")) for figure in figures}
    return [
        f"{figure.document} has no {figure.text!r}" for figure in figures if figure.text not in pages[figure.document]
    ]


def spaced(text: str) -> str:
    """Return the text with one space for any run of them."""
    return re.sub(r"\s+", " ", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """1 where a document says something else."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--only", nargs="+", default=list(FIGURES), choices=FIGURES)
    given = parser.parse_args(arguments)
    wrong, made = [], {}
    for name in given.only:
        figures = list(FIGURES[name]())
        made[name] = [{"document": figure.document, "text": figure.text} for figure in figures]
        wrong += missing(figures)
        print(f"{name}: {len(figures)} figures", flush=True)
    if given.json:
        given.json.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    for line in wrong:
        print(f"wrong: {line}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
