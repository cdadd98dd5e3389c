"""Running programs: exit codes, time limits, stale files, output, and what happens to the others when one fails."""

import fcntl
import sys
from pathlib import Path

import pytest

from emcc.tools.process import ToolError, parallel, run


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_output_is_both_streams_in_order_and_line_by_line() -> None:
    lines: list[str] = []
    code = "import sys; print('a', flush=True); print('b', file=sys.stderr, flush=True); print('c')"
    finished = run("python", python(code), timeout=60, on_line=lines.append)
    assert (finished.code, finished.output, lines) == (0, "a\nb\nc\n", ["a", "b", "c"])


def test_a_failing_program_is_an_error_with_the_end_of_its_output() -> None:
    with pytest.raises(ToolError, match="thing failed with exit code 7") as caught:
        run("thing", python("for i in range(100): print('line', i)\nraise SystemExit(7)"), timeout=60)
    assert caught.value.code == 7
    assert "line 99" in str(caught.value)
    assert "line 50" not in str(caught.value)
    assert "60 lines left out" in str(caught.value)
    assert "line 50" in caught.value.output


def test_without_check_the_exit_code_is_returned() -> None:
    assert run("python", python("raise SystemExit(3)"), timeout=60, check=False).code == 3


def test_a_program_and_its_children_end_with_the_time_limit(tmp_path: Path) -> None:
    lock, late = tmp_path / "lock", tmp_path / "late"
    child = f"import fcntl, pathlib, time; lock = open({str(lock)!r}, 'w'); fcntl.flock(lock, fcntl.LOCK_EX)\n"
    child += f"time.sleep(20); pathlib.Path({str(late)!r}).touch()"
    with pytest.raises(ToolError, match=r"did not finish in 0\.5 s"):
        run("python", python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"), timeout=0.5)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # waits for the child's end
    assert not late.exists()


def test_a_signal_is_told() -> None:
    with pytest.raises(ToolError, match="was killed by signal 9"):
        run("python", python("import os; os.kill(os.getpid(), 9)"), timeout=60)


def test_stale_files_are_gone_before_the_program_runs(tmp_path: Path) -> None:
    report = tmp_path / "report"
    report.write_text("old")
    run("python", python("pass"), timeout=60, stale=[report, tmp_path / "never there"])
    assert not report.exists()


def test_environment_is_added_to_and_folder_is_used(tmp_path: Path) -> None:
    code = "import os; print(os.environ['EMCC_TEST'], os.getcwd(), 'PATH' in os.environ)"
    assert (
        run("python", python(code), timeout=60, cwd=tmp_path, env={"EMCC_TEST": "x"}).output == f"x {tmp_path} True\n"
    )


def test_parallel_keeps_the_order() -> None:
    assert parallel(lambda n: n * n, range(20), 4) == [n * n for n in range(20)]


def test_one_failure_ends_the_other_programs() -> None:
    survived = []

    def one(number: int) -> None:
        run("python", python("raise SystemExit(5)" if number == 0 else "import time; time.sleep(20)"), timeout=120)
        survived.append(number)

    with pytest.raises(ToolError, match="exit code 5"):
        parallel(one, range(6), 3)
    assert not survived
