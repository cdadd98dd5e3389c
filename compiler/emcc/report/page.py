"""report.html of `emcc compress`: what it came to, a row and two plots a layer, and the way there."""

from collections.abc import Mapping
from typing import Any

from emcc.base.text import printable
from emcc.report.lines import bits_line, kilo, lost_line, percent, than, worth
from emcc.report.paper import before_lines, parts, smaller_than_teacher
from emcc.report.plots import NARROW, WIDE, histogram, search_plots, sensitivity, stages_of, worst
from emcc.report.tried import tried
from emcc.resources import template

TEMPLATE = "report/compressed.html.j2"
HEAD = ("layer", "shape", "weights", "kept", "entries", "code bits", "coded bits a weight", "bytes", "of float32")

CAPTIONS = {
    "scan": "Sensitivity: how many points are lost where a share of one layer's weights goes, the smallest first, and "
    "the other layers stay; untrained. The dashed line is what went in the end.",
    "histograms": "Weights: filled as they were, the line as they are; zeros are left out.",
}


def render(manifest: Mapping[str, Any]) -> bytes:
    """Return the page of a manifest; nothing in it is fetched or run, and the template escapes every name."""
    page: str = template(TEMPLATE, escape=True).render(
        title=f"{manifest['model']['file']}, compressed",
        subtitle=_subtitle(manifest),
        tiles=_tiles(manifest),
        warnings=[line for line in (lost_line(manifest), *manifest.get("warnings", ())) if line],
        tried=tried(manifest),
        search=way(manifest),
        head=HEAD,
        rows=_rows(manifest),
        captions=" ".join(text for key, text in CAPTIONS.items() if _has(manifest, key)),
        layers=_layers(manifest),
        notes=_notes(manifest),
    )
    return page.encode("utf-8")


def way(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the plots of a search, for wide and narrow screens, and their legend; None where nothing was trained."""
    points, search = manifest.get("curve", ()), manifest.get("search")
    if not search or not any(point["quality"] is not None for point in points):
        return None
    original, final = (100 - search[key] for key in ("quality_before", "quality"))
    lines = {"original": original, "result": final}
    allowed = manifest.get("goal", {}).get("max_drop")
    if allowed is not None:
        lines["allowed"] = original + allowed
    return {
        "measure": search["measure"],
        "samples": f"{search['held_out']:,}",
        "stages": stages_of(points),
        "lines": [(name, f"{error:.2f} %") for name, error in lines.items()],
        "wide": search_plots(points, lines, WIDE),
        "narrow": search_plots(points, lines, NARROW),
    }


def _has(manifest: Mapping[str, Any], key: str) -> bool:
    return bool(manifest.get(key) or manifest.get("search", {}).get(key))


def _subtitle(manifest: Mapping[str, Any]) -> str:
    totals = manifest["totals"]
    aim = {
        "max_drop": "a loss of at most {:g} in 100",
        "target_size": "at most {:,} bytes",
        "target_sparsity": "{:.2%} zeros",
    }
    goal = [aim[name].format(value) for name, value in manifest.get("goal", {}).items() if name in aim]
    asked = (
        f"; asked for: {goal[0].replace('%', ' %')}" if goal else "; weights kept" if "search" not in manifest else ""
    )
    return f"{totals['parameters']:,} parameters, {kilo(totals['dense_bytes'])} in float32{asked}"


def _tiles(manifest: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return (name, figure, what is beside it)."""
    totals = manifest["totals"]
    smaller = than(totals["compression"], "smaller", "larger")
    if "teacher" in manifest:
        smaller += f"; {than(smaller_than_teacher(manifest), 'smaller', 'larger')} than its teacher"
    tiles = [
        ("model.emc", kilo(totals["bytes"]), smaller),
        ("weights kept", percent(totals["kept"] / totals["weights"]), f"{totals['kept']:,} of {totals['weights']:,}"),
    ]
    found, quality = manifest.get("search"), manifest.get("quality")
    if found:
        before, after, measure = found["quality_before"], found["quality"], found["measure"]
    elif quality:
        before, after, measure = quality["float"], quality["compressed"], quality["measure"]
    else:
        return tiles
    judged = found or quality
    assert judged is not None
    most = f"in 19 of 20 cases at most {max(judged['lost_at_most'], 0):.2f}"
    return [
        *tiles,
        (measure, f"{after:.2f} %", f"{before:.2f} % before"),
        ("points lost", f"{judged['lost']:.2f}", most),
    ]


def _rows(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row a layer, and what each is of the file."""
    most = max((row["bytes"] for row in manifest["layers"]), default=0) or 1
    return [
        {
            "cells": (
                row["name"],
                " x ".join(map(str, row["shape"])),
                f"{row['weights']:,}",
                percent(row["density"]),
                f"{row['entries']:,}",
                row["code_bits"],
                f"{row['code_bits_coded'] + row['run_bits_coded']:.2f}",
                f"{row['bytes']:,}",
                percent(row["bytes"] / (4 * (row["weights"] + row["biases"]))),
            ),
            "bar": round(100 * row["bytes"] / most, 1),
        }
        for row in manifest["layers"]
    ]


def _layers(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a layer's figures and plots; a plot is None where there is nothing to draw."""
    scan = manifest.get("search", {}).get("scan", ())
    scanned, most = {row["layer"]: row for row in scan}, worst(scan)
    counted = {row["name"]: row for row in manifest.get("histograms", ())}
    return [_layer(row, scanned.get(row["name"]), counted.get(row["name"]), most) for row in manifest["layers"]]


def _layer(row: Mapping[str, Any], scanned: Any, counted: Any, most: float) -> dict[str, Any]:
    bits = row["code_bits_coded"] + row["run_bits_coded"]
    return {
        "name": row["name"],
        "line": f"{percent(row['density'])} kept, {bits:.2f} bits a weight, {kilo(row['bytes'])}",
        "sensitivity": sensitivity(scanned, most, row["density"]) if scanned else None,
        "histogram": histogram(counted) if counted else None,
    }


def _notes(manifest: Mapping[str, Any]) -> list[str]:
    lines = [parts(manifest), *before_lines(manifest), *bits_line(manifest)]
    search, quality = manifest.get("search"), manifest.get("quality")
    if search and "score" in search:
        lines.append(
            f"trained for {search['trained_steps']:,} steps on {search['trained_on']:,} samples; weights ranked by "
            f"{search['score']}; agreement with the original {search['agreement']:.2f} %"
        )
    if quality:
        lines += worth(quality, manifest)
    methods = manifest["options"]["passes"].get("compress", {})
    lines.append(f"methods: {methods.get('methods') or '+'.join(filter(None, _named(methods)))}")
    lines += [
        f"{name}: {printable(manifest[key]['file'])}, SHA-256 {manifest[key]['sha256'][:16]}"
        for name, key in (
            ("model", "model"),
            ("teacher", "teacher"),
            ("data", "data"),
            ("validation", "validation"),
            ("recipe", "recipe"),
        )
        if manifest.get(key)
    ]
    return [*lines, f"emcc {manifest['emcc']}"]


def _named(methods: Mapping[str, str]) -> list[str]:
    return [methods.get(role, "") for role in ("factors", "activations", "zeros", "codebooks")]
