"""The emitted RTL under Verilator -Wall, Yosys and Icarus, and lint itself shown red."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from emcc.files.artefact import Artefact
from emcc.lint import __main__ as command
from emcc.lint.__main__ import READERS, Finding, lint, main
from emcc.lint.specimens import SPECIMENS

pytestmark = pytest.mark.synth

ALLOW_MISSING = not os.environ.get("CI")
"""Debian's Icarus is not to be had from pip: only CI must have it."""
HERE = ("table", "byte", "one_group", "groups", "booted")
"""Specimens that between them have every module of the library; `make lint-rtl` reads the others as well."""


def test_no_module_is_left_out_here() -> None:
    files = {name: set(SPECIMENS[name].files()) for name in SPECIMENS}
    assert set().union(*(files[name] for name in HERE)) >= {
        name for names in files.values() for name in names if name.startswith("rtl/")
    }


@pytest.mark.parametrize("name", HERE)
def test_the_emitted_rtl_has_no_warning(tmp_path: Path, name: str) -> None:
    Artefact(SPECIMENS[name].files()).write(tmp_path / "a")
    findings = lint(tmp_path / "a", ALLOW_MISSING)
    assert [finding.reader for finding in findings] == list(READERS)
    assert [finding.warnings for finding in findings] == [()] * len(findings)


@pytest.mark.parametrize(
    ("edit", "readers"),
    [
        (lambda text: text.replace("(stall_o[g])", "()"), {"verilator", "yosys"}),
        (lambda text: text.replace("endmodule", "assign bcast_o = '1;\nendmodule"), {"yosys"}),
        (lambda text: text.replace("endmodule", "wire w = nowhere;\nendmodule"), {"verilator", "icarus"}),
        (lambda text: text.replace("endmodule", "if endmodule"), {"verilator", "yosys", "icarus"}),
    ],
)
def test_every_reader_is_able_to_complain(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    edit: Callable[[str], str],
    readers: set[str],
) -> None:
    findings: list[Finding] = []
    monkeypatch.setattr(command, "lint", lambda *asked: findings.extend(lint(*asked)) or findings)
    files = dict(SPECIMENS["table"].files())
    text = files["rtl/emcc_core.sv"].decode()
    assert edit(text) != text
    files["rtl/emcc_core.sv"] = edit(text).encode()
    Artefact(files).write(tmp_path / "a")
    assert main([*(["--allow-missing"] if ALLOW_MISSING else []), str(tmp_path / "a")]) == 1
    assert readers <= {finding.reader for finding in findings if finding.warnings or finding.skipped}
    assert "lines of warnings" in capsys.readouterr().out


def test_a_missing_reader_fails_unless_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other two are asked above, and find nothing here without being asked."""
    from emcc.tools import icarus

    for name in ("verilator", "yosys"):
        monkeypatch.setitem(READERS, name, lambda *_, name=name: Finding(name, ()))
    Artefact(SPECIMENS["one_group"].files()).write(tmp_path / "a")
    monkeypatch.setattr(icarus, "installed", lambda: False)
    assert main([str(tmp_path / "a")]) == 2
    assert "Icarus Verilog is not installed" in capsys.readouterr().err
    assert main(["--allow-missing", str(tmp_path / "a")]) == 0
    assert "icarus: skipped: iverilog is not installed" in capsys.readouterr().out


def test_a_folder_that_is_no_artefact(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 2
    assert "rtl: cannot be read" in capsys.readouterr().err
