"""Untrusted text: what a terminal, a page, a comment and a path get to see of it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models import mlp, save
from typer.testing import CliRunner

from emcc.base.errors import EmccError
from emcc.base.text import for_comment, for_html, for_path, printable
from emcc.cli import app
from emcc.resources import template

ANY = st.text(st.characters(), max_size=300)  # surrogates too
SHOWN = [
    ("fc1/Gemm_0", "fc1/Gemm_0"), ("é ψ 層", "é ψ 層"), ("a\nb\r\tc", "a\\nb\\r\\tc"), ("\x1b[31mred", "\\x1b[31mred"),
    ("\x9b2J", "\\x9b2J"), ("\u202egpj.exe", "\\u202egpj.exe"), ("\u2066x\u2069", "\\u2066x\\u2069"),
    ("\u200b", "\\u200b"),
    ("\u2028", "\\u2028"), ("\ud800", "\\ud800"), ("\0", "\\x00"), ("\U000e0001", "\\U000e0001"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_a_terminal_and_a_page_see_it_escaped(text: str, shown: str) -> None:
    assert printable(text) == for_html(text) == shown


@given(ANY, st.integers(1, 200))
def test_a_terminal_gets_one_printable_line(text: str, limit: int) -> None:
    assert printable(text, limit).isprintable()
    assert len(printable(text, limit)) <= limit
    assert printable(printable(text, None), None) == printable(text, None)


@given(ANY)
def test_a_comment_is_one_line_of_ascii(text: str) -> None:
    assert for_comment(text).isascii()
    assert for_comment(text).isprintable()


@given(ANY, st.integers(1, 200))
def test_a_path_is_one_plain_name(text: str, limit: int) -> None:
    name = for_path(text, limit)
    assert 1 <= len(name.encode()) <= limit
    assert (Path("a") / name).parent == Path("a")
    assert name.isprintable()
    assert not name.startswith(".")


@pytest.mark.parametrize(("text", "name"), [("..", "_"), ("", "_"), ("a/b\\c", "a_b_c"), (".hid\nden", "hid_den")])
def test_names_that_climb_or_hide(text: str, name: str) -> None:
    assert for_path(text) == name


def test_a_page_gets_markup_and_marks_escaped() -> None:
    page = template("report/report.html.j2", escape=True).render(
        title="<script>\u202e\x1b",
        headline="&",
        notes=["a\nb\ud800"],
        warnings=[],
        tables=[],
        bars=[],
        search=None,
        tried=None,
    )
    assert "<title>&lt;script&gt;\\u202e\\x1b</title>" in page
    assert "<li>a\\nb\\ud800</li>" in page


def test_an_error_is_printable_whatever_is_in_it() -> None:
    error = EmccError("no\x1b[2J", file="a\nb", node="\u202e", hint="\r", details=["\ud800\n"])
    assert str(error) == "a\\nb: node '\\\\u202e': no\\x1b[2J\n  \\ud800\\n\n  hint: \\r"


def test_a_very_long_model_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(mlp((3, 2)), tmp_path / f"{'m' * 250}.onnx")
    done = CliRunner().invoke(app, ["compile", f"{'m' * 250}.onnx", "--quiet"])
    assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / f"{'m' * 200}_eie" / "emcc.json").is_file()


def test_a_very_long_output_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save(mlp((3, 2)), tmp_path / "m.onnx")
    done = CliRunner().invoke(app, ["compile", "m.onnx", "--out", "o" * 250, "--quiet"])
    assert done.exit_code == 0
    done = CliRunner().invoke(app, ["compile", "m.onnx", "--out", "o" * 300, "--quiet"])
    assert done.exit_code == 2
    assert done.stderr.endswith("cannot be written: File name too long\n")
