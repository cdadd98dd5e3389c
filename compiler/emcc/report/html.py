"""report.html: one page, nothing fetched, nothing run; every name in it is escaped by the template."""

from collections.abc import Mapping
from typing import Any

from emcc.report.lines import headline, kilo, loss_line, notes, percent, seconds, than
from emcc.report.memories import memory_rows
from emcc.report.onboard import board_lines
from emcc.report.page import way
from emcc.report.tried import tried
from emcc.resources import template

TEMPLATE = "report/report.html.j2"
KEPT = ("layer", "rows", "columns", "weights", "kept", "density", "codebook", "code bits", "run bits", "padding zeros")


def render(manifest: Mapping[str, Any]) -> bytes:
    """Return the page of a manifest."""
    page: str = template(TEMPLATE, escape=True).render(
        title=f"{manifest['model']['file']}: emcc report",
        headline=headline(manifest),
        notes=[*board_lines(manifest), *notes(manifest)],
        warnings=[line for line in (loss_line(manifest), *manifest["warnings"]) if line],
        tables=[
            _weights(manifest),
            _cost(manifest),
            *_steps(manifest),
            _formats(manifest),
            _memory(manifest),
        ],
        bars=_bars(manifest),
        tried=tried(manifest),
        search=way(manifest),
    )
    return page.encode("utf-8")


def _weights(manifest: Mapping[str, Any]) -> dict[str, Any]:
    total = manifest["totals"]
    return {
        "title": "What was kept",
        "head": KEPT,
        "rows": [
            [
                *(row[key] for key in ("name", "rows", "columns")),
                f"{row['weights']:,}",
                f"{row['kept']:,}",
                percent(row["density"]),
                *(row[key] for key in ("codebook_entries", "code_w", "run_w", "padding_zeros")),
            ]
            for row in manifest["layers"]
        ],
        "foot": [
            "total", "", "", f"{total['weights']:,}", f"{total['kept']:,}", percent(total["density"]), "", "", "",
            total["padding_zeros"],
        ],
    }  # fmt: skip


def _cost(manifest: Mapping[str, Any]) -> dict[str, Any]:
    total = manifest["totals"]

    def cells(name: str, row: Mapping[str, Any], cycles: float) -> list[str]:
        return [
            name,
            kilo(row["dense_bytes"]),
            kilo(row["bytes"]),
            f"{row['dense_cycles']:,}",
            f"{cycles:,.0f}",
            seconds(row["dense_cycles"] / total["clock_hz"]),
            seconds(cycles / total["clock_hz"]),
        ]

    return {
        "title": f"What it costs, against dense (times at {total['clock_hz'] / 1e6:.0f} MHz)",
        "head": ["layer", "dense", "emcc", "dense cycles", "cycles (estimate)", "dense time", "time (estimate)"],
        "rows": [cells(row["name"], row, row["cycles"]) for row in manifest["layers"]],
        "foot": cells("total", total, total["cycles"]["mean"]),
    }


def _steps(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of steps, and what the host does between them."""
    total, parts = manifest["totals"], manifest["partition"]
    steps = {
        "title": "Steps of the array (estimates; useful: neither weight nor activation is zero)",
        "head": ["step", "kind", "positions", "passes", "MACs, dense", "useful", "cycles", "use of the PEs"],
        "rows": [
            [
                *(row[key] for key in ("name", "kind")),
                *(f"{row[key]:,}" for key in ("positions", "passes", "macs")),
                *(f"{row[key]:,.0f}" for key in ("products", "cycles")),
                percent(row["utilisation"]),
            ]
            for row in manifest["steps"]
        ],
        "foot": [
            "total", "", "", "", f"{parts['array']['macs']:,}",
            f"{sum(row['products'] for row in manifest['steps']):,.0f}",
            f"{total['cycles']['mean']:,.0f}", percent(total["utilisation"]),
        ],
    }  # fmt: skip
    host = {
        "title": f"Left to the host between steps ({percent(parts['share'])} of the multiply-accumulates)",
        "head": ["node", "operator", "MACs"],
        "rows": [[row["name"], row["op"], f"{row['macs']:,}"] for row in parts["host"]],
        "foot": [],
    }
    return [steps, host] if parts["host"] else [steps]


def _formats(manifest: Mapping[str, Any]) -> dict[str, Any]:
    def short(fmt: Mapping[str, int]) -> str:
        return f"{fmt['width']} bits, {fmt['frac_bits']} fraction"

    return {
        "title": "Formats",
        "head": [
            "layer",
            "input",
            "W x + b",
            "output",
            "weight fraction bits",
            "shift",
            "function",
            "table error, ulps",
        ],
        "rows": [
            [
                row["name"],
                *(short(row[key]) for key in ("in_format", "z_format", "out_format")),
                *(row[key] for key in ("weight_frac_bits", "shift", "function")),
                "" if row.get("table_error") is None else f"{row['table_error']:.2f}",
            ]
            for row in manifest["layers"]
        ],
        "foot": [],
    }


def _memory(manifest: Mapping[str, Any]) -> dict[str, Any]:
    head, rows, total = memory_rows(manifest)
    return {"title": "Memory", "head": [title.replace("\n", " ") for title in head], "rows": rows, "foot": total}


def _bars(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a bar a layer, whose whole width is dense."""
    return [
        {
            "name": row["name"],
            "percent": round(min(100.0, 100 * row["cycles"] / max(row["dense_cycles"], 1)), 1),
            "text": f"{row['cycles']:,.0f} of {row['dense_cycles']:,} dense, "
            f"{than(row['dense_cycles'] / max(row['cycles'], 1), 'faster', 'slower')}",
        }
        for row in manifest["layers"]
    ]
