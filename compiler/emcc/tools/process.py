"""Running a program: output captured, exit code checked, time limited, stale outputs deleted first."""

import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
TAIL_LINES = 40
KEPT_LINES = 20_000


class ToolError(RuntimeError):
    """A tool failed on files that emcc itself wrote: emcc's bug, or a damaged artefact, not a user's mistake.

    Attributes:
        tool: its short name; code: its exit code (negative: the signal); output: what it printed.
    """

    def __init__(self, tool: str, code: int, output: str, command: Sequence[str] = (), reason: str = "") -> None:
        self.tool, self.code, self.output = tool, code, output
        lines = output.splitlines()
        shown = [f"  ... {len(lines) - TAIL_LINES} lines left out"] if len(lines) > TAIL_LINES else []
        shown += [f"  {line}" for line in lines[-TAIL_LINES:]]
        head = f"{tool} {reason or (f'failed with exit code {code}' if code >= 0 else f'was killed by signal {-code}')}"
        super().__init__("\n".join([head, *([f"  $ {shlex.join(command)}"] if command else []), *shown]))


@dataclass(frozen=True)
class Finished:
    """What a program left behind: its exit code, and its standard output and error in the order written."""

    code: int
    output: str


def run(
    tool: str,
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float,
    stale: Iterable[Path] = (),
    check: bool = True,
    on_line: Callable[[str], object] | None = None,
) -> Finished:
    """Run `command` to its end, or to `timeout` seconds, and return what it left.

    `stale` files are deleted first, so that a report found afterwards is this run's. `env` is added to the
    environment. Every line of output is passed to `on_line` as it comes. The whole process group dies with the
    time limit, or with an exception here (a Ctrl-C).

    Raises:
        ToolError: the time ran out, or the exit code is not 0 and `check` is set.
        FileNotFoundError: there is no such program.
    """
    for path in stale:
        path.unlink(missing_ok=True)
    words = [str(word) for word in command]
    process = subprocess.Popen(
        words,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    crew: _Crew | None = getattr(_local, "crew", None)
    if crew:
        crew.add(process)
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(process)

    timer = threading.Timer(timeout, stop)
    timer.start()
    kept: deque[str] = deque(maxlen=KEPT_LINES)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            kept.append(line)
            if on_line:
                on_line(line.rstrip("\n"))
        code = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:
            _kill(process)
            process.wait()
        if process.stdout:
            process.stdout.close()
    output = "".join(kept)
    if late.is_set():
        raise ToolError(tool, code, output, words, reason=f"did not finish in {timeout:g} s")
    if check and code:
        raise ToolError(tool, code, output, words)
    return Finished(code, output)


def _kill(process: "subprocess.Popen[str]") -> None:
    """End the process and its children; the group is its own, see `start_new_session`."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Crew:
    """The programs that the threads of one `parallel` have running."""

    def __init__(self) -> None:
        self._lock, self._members, self._ended = threading.Lock(), list[subprocess.Popen[str]](), False

    def add(self, process: "subprocess.Popen[str]") -> None:
        """Count a program in; kill it where the crew has ended."""
        with self._lock:
            self._members = [member for member in self._members if member.returncode is None] + [process]
            if self._ended:
                _kill(process)

    def end(self) -> None:
        """Kill all programs, and those that are added later."""
        with self._lock:
            self._ended = True
            for member in self._members:
                if member.returncode is None:
                    _kill(member)


_local = threading.local()


def parallel(function: Callable[[T], R], items: Sequence[T], jobs: int | None = None) -> list[R]:
    """Return `function` of every item, in order, in `jobs` threads (one a core); for functions that wait for programs.

    When one raises, or a Ctrl-C arrives, the programs still running are killed and the exception goes on.
    """
    crew = _Crew()

    def join() -> None:
        _local.crew = crew

    with ThreadPoolExecutor(jobs or cores(), initializer=join) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            crew.end()
            raise


def cores() -> int:
    """Return the number of processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
