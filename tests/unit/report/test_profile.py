"""The page of `emcc compare`: well-formed drawings, names escaped, nothing fetched or run."""

import re
from html.parser import HTMLParser
from xml.dom import minidom

import pytest

from emcc.ir.graph import Format
from emcc.measure.comparison import EXPONENTS, Comparison, Row
from emcc.report.compared import print_comparison
from emcc.report.profile import LEFT, WIDE, render_comparison

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e&'\""


def row(kind: str, name: str, relative: float, alone: float, frac: int | None = 10) -> Row:
    """A row with values of all magnitudes."""
    fmt = None if frac is None else Format(16, frac)
    return Row(kind, name, "Linear", fmt, 10, 1.0, 0.5, relative, 0.25, alone, 0.5, tuple(range(len(EXPONENTS))))


def comparison(name: str = "y") -> Comparison:
    """Every kind of row, the extremes of errors and formats."""
    rows = (
        row("tensor", "x", 0.0, 1e9, -40),
        row("weights", name, 1e-30, 0.0, None),
        row("tensor", "f", 1e9, 1e-3, 60),
        row("tensor", name, 0.06, 0.06),
    )
    return Comparison(10, 0.05, rows, (name,))


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag; none of them may fetch or run anything."""
        self.tags.add(tag)
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)


def drawings(page: str) -> list[minidom.Document]:
    """The SVGs, each of which is well-formed XML."""
    found = [minidom.parseString(text) for text in re.findall(r"<svg.*?</svg>", page, re.DOTALL)]
    assert len(found) == 2
    return found


def test_names_are_escaped() -> None:
    page = render_comparison(comparison(HOSTILE), HOSTILE).decode()
    parser = Tags()
    parser.feed(page)
    assert not parser.tags & {"script", "img", "link", "iframe"}
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    drawings(page)


def test_nothing_is_drawn_outside() -> None:
    for svg in drawings(render_comparison(comparison(), "m.onnx").decode()):
        for rect in svg.getElementsByTagName("rect"):
            begin, width = float(rect.getAttribute("x")), float(rect.getAttribute("width"))
            assert LEFT <= begin <= begin + width <= LEFT + WIDE + 0.5
        for circle in svg.getElementsByTagName("circle"):
            assert LEFT <= float(circle.getAttribute("cx")) <= LEFT + WIDE


def test_the_first_to_part_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_comparison(comparison(HOSTILE), "page.html")
    shown = capsys.readouterr().out
    assert "first to part: f, " in shown
    assert "\x1b[31m" not in shown
    assert "plot: page.html" in shown
