"""onnxruntime, in a process of its own with limits of memory and time: what it does to a model is not done to emcc.

The process is started when it is first needed, and stays for the next model: a start is 0.15 s of processor time, most
of which importing onnxruntime here would take too. One that runs out of time or memory is ended, and the next is new.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from emcc.base.text import printable
from emcc.frontend.ort_worker import BASIC, receive, send
from emcc.ir.graph import Array

SECONDS = 600
"""That a model may take, its 64 samples included: VGG-16 takes a minute or two."""

MEMORY = 1 << 31
"""Bytes beside those that a caller says its arrays take."""


_DEATHS = {0: "its process ended", signal.SIGXCPU: "it takes too much time"}
"""By signal."""


class OrtError(Exception):
    """onnxruntime cannot do it, or takes too much; the text is printable, and ends a sentence."""


def installed() -> bool:
    """Tell whether onnxruntime is there."""
    return find_spec("onnxruntime") is not None


class Session:
    """A model in the process; one at a time (`turn`): the next one takes its place.

    Args:
        model: the file's bytes. outside: values of initializers that it names as external, by name.
        level: of onnxruntime's optimiser (ort_worker.LEVELS).
        room: bytes that its tensors take.
        seconds: that opening and each `run` may take.

    Attributes:
        inputs: type and axes by name, as onnxruntime has them.

    Raises:
        OrtError: onnxruntime refuses the model, or takes too much.
    """

    def __init__(
        self,
        model: bytes,
        outside: Mapping[str, Array] | None = None,
        *,
        level: str = BASIC,
        room: int = 0,
        seconds: int = SECONDS,
    ) -> None:
        import numpy as np

        held, self._seconds = dict(outside or {}), seconds
        size = len(model) + sum(value.nbytes for value in held.values())
        limits = {"memory": MEMORY + 6 * size + room, "seconds": 2 * seconds}
        arrays = {"model": np.frombuffer(model, np.uint8), **held}
        facts, _ = _asked({"open": True, "level": level, **limits}, arrays, seconds)
        self.inputs: dict[str, tuple[str, Sequence[Any]]] = {name: (kind, axes) for name, kind, axes in facts["inputs"]}

    def run(self, names: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """Return the outputs called `names`. OrtError where onnxruntime refuses, or takes too much."""
        _, made = _asked({"run": list(names)}, dict(feeds), self._seconds)
        return [made[str(i)] for i in range(len(names))]


class _Worker:
    """The process."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        places = [place for place in sys.path if place and Path(place).is_absolute()]
        environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        script = Path(__file__).with_name("ort_worker.py")
        pipe, away = subprocess.PIPE, subprocess.DEVNULL
        # A session of its own: Ctrl-C is for emcc, which ends it then.
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(script), json.dumps(places)],
            stdin=pipe, stdout=pipe, stderr=away, env=environment, start_new_session=True,
        )  # fmt: skip

    def ask(self, facts: Mapping[str, Any], arrays: Mapping[str, Array], seconds: int) -> tuple[Any, dict[str, Array]]:
        """Return its answer; EOFError where it died."""
        into, out = self.process.stdin, self.process.stdout
        assert into is not None
        assert out is not None
        late = threading.Event()

        def stop() -> None:
            late.set()
            self.end()

        timer = threading.Timer(seconds, stop)
        timer.daemon = True
        timer.start()
        try:
            send(into, facts, arrays)
            return receive(out)
        except (OSError, EOFError, ValueError):
            if late.is_set():
                raise OrtError(f"it takes more than {seconds} s") from None
            raise EOFError from None
        finally:
            timer.cancel()

    def end(self) -> None:
        """End it, if it still runs."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End it, and leave nothing of it."""
        if self.owner == os.getpid():
            self.end()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                pipe.close()  # type: ignore[union-attr]


turn = threading.RLock()
"""Held while a session is used: there is one at a time."""

_held: list[_Worker] = []


def _asked(facts: Mapping[str, Any], arrays: Mapping[str, Array], seconds: int) -> tuple[Any, dict[str, Array]]:
    """Ask the process, which is started where there is none."""
    with turn:
        if _held and (_held[0].owner != os.getpid() or _held[0].process.poll() is not None):
            close()
        try:
            if not _held:
                _held.append(_Worker())
            said, made = _held[0].ask(facts, arrays, seconds)
        except EOFError:
            code = _ended()
            raise OrtError(_DEATHS.get(-code, "it takes too much memory, or damages its own")) from None
        except OSError as error:
            raise OrtError(f"its process cannot be started: {error.strerror}") from None
        except BaseException:
            close()
            raise
    if "memory" in said or "bad_alloc" in said.get("error", "") or "Failed to allocate" in said.get("error", ""):
        raise OrtError("it takes too much memory")
    if "error" in said:
        raise OrtError(printable(str(said["error"]), 300))
    return said, made


def _ended() -> int:
    """Return the exit code of the process, and leave nothing of it."""
    worker = _held[0]
    close()
    return worker.process.returncode or 0


@atexit.register
def close() -> None:
    """End the process, if there is one."""
    while _held:
        _held.pop().close()
