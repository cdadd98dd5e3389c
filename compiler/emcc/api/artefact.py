"""What was compiled or compressed, in memory or in a folder, and what can be asked of it."""

import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from emcc.api.inputs import Data, EmccWarning, Inputs, Named, in_python
from emcc.api.report import Report, report
from emcc.base.errors import EmccError
from emcc.base.text import printable
from emcc.files.artefact import MANIFEST, changed, read_file, read_manifest
from emcc.files.artefact import Artefact as Files
from emcc.ir.graph import Array
from emcc.runtime.engines import engine as engine_of
from emcc.runtime.final import ONE
from emcc.runtime.held import HeldResult
from emcc.runtime.opened import Opened, open_artefact
from emcc.runtime.result import Answers, SimulationResult
from emcc.samples.load import load_data

RUN = (MANIFEST, "model.emc", "program.npz")
"""Files that the reference needs."""

PAGE = "report.html"


class Artefact:
    """A compiled or compressed model; `emcc.compile`, `emcc.compress` and `emcc.load` make one."""

    def __init__(self, files: Files | None, folder: Path | None = None) -> None:
        self._files, self._folder = files, folder

    def __repr__(self) -> str:
        kind = "compressed" if self.manifest.get("kind") == "compressed" else "compiled"
        return f"<emcc.Artefact: {printable(self.manifest['model']['file'])}, {kind}, {self._where}>"

    @property
    def folder(self) -> Path | None:
        """Where it was loaded from or last written to; None as long as it is in memory alone."""
        return self._folder

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What went in, what was done, what came out and what it costs: emcc.json."""
        return self._files.manifest if self._files is not None else read_manifest(self._home)

    @property
    def files(self) -> Mapping[str, bytes]:
        """Every file of the artefact by its "/"-separated name.

        Raises:
            EmccError: it was loaded, and its files are not any more what its emcc.json says.
        """
        return self._whole.files

    def predict(self, x: Data, engine: str = "reference") -> Array:
        """Return what the compressed model answers, as the ONNX model would: [n, ...], float32, or int64 of an ArgMax.

        Host operators such as a Softmax at the end are applied.

        Args:
            x: samples with the batch first, in the units and the shape of the model's input; or an .npz file with x.
            engine: "reference", the bit-exact model in NumPy; "rtl", the emitted RTL in Verilator; "c" or "hls", the
                emitted C of that target.

        Raises:
            EmccError: x is not what the model takes, the engine is not to be had or differs from the reference, or the
                model has several outputs, which `run` returns.
        """
        answers = self.run(x, engine)
        if answers.failure:
            raise EmccError(f"the engine {engine} is not what the reference is: {printable(answers.failure, None)}")
        if ONE not in answers.final:
            raise EmccError(f"the model has {len(answers.final)} outputs", hint="use run(x).final, which has all")
        return answers.final[ONE]

    def run(self, data: Data, engine: str = "reference") -> Answers:
        """Return the answers with what they are worth: `emcc run`.

        Args:
            data: x, (x, y), or an .npz file; labels or targets y are judged by.
            engine: see `predict`.

        Raises:
            EmccError: the data is not what the model takes, or the engine is not to be had.

        Warns EmccWarning where more than 0.1 % of the inputs saturate.
        """
        chosen = engine_of(engine)
        with Inputs() as inputs:
            samples = load_data(_given(inputs.data(data)), self._opened.interface)
            if engine == "reference":
                answers: Answers = chosen.answer(self._opened, samples, _silent)
            else:
                with self._on_disk() as folder:
                    answers = chosen.answer(replace(self._opened, folder=folder), samples, _silent)
        _warn_of(answers.saturation)
        return answers

    def simulate(
        self,
        data: Data,
        *,
        count: int | None = None,
        trace: Named | None = None,
        engine: str = "rtl",
        trust_rtl: bool = False,
    ) -> SimulationResult | HeldResult:
        """Hold an engine against the reference, every output integer and every cycle count: `emcc simulate`.

        Args:
            data: x, (x, y), or an .npz file.
            count: the first so many samples.
            trace: a waveform (FST) to write.
            trust_rtl: simulate a loaded folder's RTL and memories as they are: whoever wrote them runs code here.

        Raises:
            EmccError: the data is not what the model takes, a tool is missing, there is no RTL, or it is not what emcc
                makes of the folder's program.
            emcc.tools.process.ToolError: a tool rejects what the artefact holds.

        Warns EmccWarning where more than 0.1 % of the inputs saturate. Differences are in the result: see its `ok`.
        """
        if not self._opened.array:
            raise EmccError("there is no RTL in it: emcc.compress made it", hint="use emcc.compile")
        if count is not None and count < 1:
            raise EmccError(f"count is {count}", hint="give at least 1, or leave it out")
        device = engine_of(engine)
        trusting = {"trust_rtl": True} if trust_rtl else {}
        waveform = None if trace is None else Path(trace)
        with Inputs() as inputs, self._on_disk() as folder:
            samples = load_data(_given(inputs.data(data)), self._opened.interface)
            result: SimulationResult | HeldResult = device.simulate(
                folder, samples, count=count, trace=waveform, **trusting
            )
        _warn_of(result.saturation)
        return result

    def report(self) -> Report:
        """Return the report: in Jupyter the page report.html, elsewhere the summary, and other coders'."""
        page = b""
        if PAGE in self.manifest["files"]:
            page = self._files.files[PAGE] if self._files is not None else read_file(self._home, PAGE)
        return report(self.manifest, printable(self._where, 1000), page, self._coders())

    def _coders(self) -> dict[str, Any] | None:
        """What other coders would take of model.emc; None where it is missing or damaged."""
        from emcc.measure.coders import MODEL, coders, coders_in

        return coders_in(self._home) if self._files is None else coders(self._files.files[MODEL])

    def write(self, folder: Named) -> Path:
        """Write it into a folder, as `emcc compile --out` does, and return the folder.

        Raises:
            EmccError: the folder holds something else, or cannot be written; it is then as it was.
        """
        target = Path(folder)
        with Inputs():
            self._whole.write(target)
        self._folder = target
        return target

    @property
    def _home(self) -> Path:
        assert self._folder is not None, "an artefact is in memory or in a folder"
        return self._folder

    @property
    def _where(self) -> str:
        return "in memory" if self._folder is None else str(self._folder)

    @property
    def _whole(self) -> Files:
        if self._files is None:
            wrong = changed(self._home, self.manifest)
            if wrong:
                names = [printable(name) for name in wrong[:10]]
                hint = "compile the model again, or fetch the folder again"
                raise EmccError("files changed or are missing", file=self._home, hint=hint, details=names)
            names = [MANIFEST, *self.manifest["files"]]
            self._files = Files({name: read_file(self._home, name) for name in names})
        return self._files

    @cached_property
    def _opened(self) -> Opened:
        if self._files is None:
            return open_artefact(self._home)
        with _written(Files({name: self._files.files[name] for name in RUN if name in self._files.files})) as folder:
            return open_artefact(folder)

    @contextmanager
    def _on_disk(self) -> Iterator[Path]:
        """Give a folder with all files in it: its own, or a temporary one."""
        if self._files is None:
            yield self._home
        else:
            with _written(self._files) as folder:
                yield folder


@contextmanager
def _written(files: Files) -> Iterator[Path]:
    """Write files into a temporary folder, which an EmccError calls "artefact"."""
    with tempfile.TemporaryDirectory(prefix="emcc-", ignore_cleanup_errors=True) as above:
        folder = Path(above) / "artefact"
        files.write(folder)
        try:
            yield folder
        except EmccError as error:
            if error.file is not None and Path(str(error.file)).is_relative_to(folder):
                error.file = Path(str(error.file)).relative_to(above)
                error.args = (str(error),)
            raise


def _given(path: Path | None) -> Path:
    if path is None:
        raise EmccError("no data is given", hint="give x, (x, y) or an .npz file")
    return path


def _silent(done: int, total: int) -> None:
    pass


def _warn_of(saturation: Any) -> None:
    if saturation is not None and saturation.warned:
        from emcc.report.saturation import sentence

        warnings.warn(in_python(sentence(saturation)), EmccWarning, stacklevel=3)
