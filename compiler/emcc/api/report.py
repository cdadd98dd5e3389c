"""What an artefact's report looks like, in Jupyter and as text."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from rich.console import Console

HEIGHT = 640
WIDTH = 120


@dataclass(frozen=True, repr=False)
class Report:
    """Shows itself: in Jupyter the page, elsewhere the summary.

    Attributes:
        text: the summary that ends a compile, and what other coders would take.
        html: report.html, or "" where an artefact has none.
    """

    text: str
    html: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        if not self.html:
            return f"<pre>{escape(self.text)}</pre>"
        page = escape(self.html)
        return f'<iframe srcdoc="{page}" sandbox="" width="100%" height="{HEIGHT}" style="border:0"></iframe>'


def report(manifest: Mapping[str, Any], name: str, page: bytes, compared: Mapping[str, Any] | None) -> Report:
    """Make the report of an artefact; `name` is its folder, or what stands for it; `compared`: see measure.coders."""
    from emcc.report.paper import print_coders, print_compressed
    from emcc.report.summary import print_summary

    text = io.StringIO()
    out = Console(file=text, width=WIDTH, highlight=False, color_system=None, force_terminal=False, force_jupyter=False)
    show = print_compressed if manifest.get("kind") == "compressed" else print_summary
    show(manifest, name, out)
    if compared:
        print_coders(compared, out)
    lines = (line.rstrip() for line in text.getvalue().splitlines())
    return Report("\n".join(lines), page.decode("utf-8"))
