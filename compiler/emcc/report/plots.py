"""Plots of a compression, as values for templates/report/plots.html.j2: every place is in pixels of a view box."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from emcc.report.axes import Axis, short, text

Rows = Sequence[Mapping[str, Any]]

WIDE, NARROW = (1120, 420), (352, 400)
"""Sizes of the plot of a search, for screens and for telephones; a page has both and shows one."""

SMALL = (320, 150)
"""Of a layer's plots."""

SPARE, LEFT, RIGHT = 1.15, 44, 10


def stages_of(points: Rows) -> list[str]:
    """Return the stages of a search in the order in which they come."""
    return list(dict.fromkeys(point["stage"] for point in points))


def search_plots(points: Rows, lines: Mapping[str, float], size: tuple[int, int]) -> dict[str, Any]:
    """Return two plots above one another over steps of training: the error on held-out data, and the weights left.

    Args:
        points: of a search, in order: stage, steps so far, quality in percent or None, kept (a share).
        lines: errors to draw a level line at, by what they are.
    """
    width, height = size
    steps = Axis(0, max(point["steps"] for point in points) or 1, LEFT, width - RIGHT)
    split = round(height * 0.64)
    errors = [100 - point["quality"] for point in points if point["quality"] is not None]
    least = min((error for error in (*errors, *lines.values()) if error > 0), default=1.0) / SPARE
    most = max(*errors, *lines.values(), least * 2) * SPARE
    error = Axis(least, most, split - 12, 22, log=True)
    kept = [100 * point["kept"] for point in points]
    floor = max(min(kept) / SPARE, 1e-3)
    left = Axis(floor, 100.0, height - 26, split + 22, log=True)
    known = [point for point in points if point["quality"] is not None]
    count = max(3, width // 110)
    return {
        "width": width,
        "height": height,
        "left": LEFT,
        "right": width - RIGHT,
        "dot": 2.6 if width > 700 else 1.6,
        "columns": [(place, short(float(label.replace(",", "")))) for place, label in steps.ticks(count)],
        "panels": [
            _panel("error, % (log)", known, steps, error, lambda point: 100 - point["quality"], points),
            _panel("weights kept, % (log)", points, steps, left, lambda point: 100 * point["kept"], points),
        ],
        "lines": [(name, error.at(value)) for name, value in lines.items()],
    }


def _panel(title: str, points: Rows, steps: Axis, values: Axis, of: Any, all_of: Rows) -> dict[str, Any]:
    order = stages_of(all_of)
    dots = [
        (steps.at(point["steps"]), values.at(of(point)), order.index(point["stage"]), _told(point)) for point in points
    ]
    runs = [list(run) for _, run in groupby(range(len(dots)), key=lambda i: dots[i][2])]
    return {
        "title": title,
        "top": values.end,
        "bottom": values.begin,
        "rows": values.ticks(5),
        "strokes": [(dots[run[0]][2], _path(dots[max(0, run[0] - 1) : run[-1] + 1])) for run in runs],
        "dots": dots,
    }


def _told(point: Mapping[str, Any]) -> str:
    quality = "" if point["quality"] is None else f", error {100 - point['quality']:.2f} %"
    return f"{point['stage']}, {point['steps']:,} steps: {100 * point['kept']:.2f} % of the weights{quality}"


def _path(places: Sequence[tuple[Any, ...]]) -> str:
    return " ".join(f"{place[0]:g},{place[1]:g}" for place in places)


def sensitivity(row: Mapping[str, Any], most: float, density: float) -> dict[str, Any]:
    """Return the plot of a layer's scan: points of quality lost over the share of its weights that goes.

    `most` is the largest loss that is drawn, of all layers; `density` what the layer kept in the end.
    """
    width, height = SMALL
    gone, lost = Axis(0, 100, LEFT, width - RIGHT), Axis(0, most, height - 20, 24)
    places = [(gone.at(0), lost.at(0), "nothing removed")]
    for point in row["points"]:
        share, loss = 100 * point["sparsity"], -point["quality"]
        places.append((gone.at(share), lost.at(loss), f"{text(share)} % removed, {loss:.2f} points lost"))
    return {
        "width": width,
        "height": height,
        "left": LEFT,
        "right": width - RIGHT,
        "top": lost.end,
        "bottom": lost.begin,
        "title": "points lost over % of its weights removed",
        "rows": lost.ticks(4),
        "columns": (columns := gone.ticks(6)),
        "anchors": _anchors(len(columns)),
        "stroke": _path(places),
        "dots": places,
        "final": gone.at(100 * (1 - density)),
    }


def _anchors(count: int) -> list[str]:
    """Return how the texts below an axis stand: the outer ones inside of it."""
    return ["start", *["middle"] * (count - 2), "end"]


def worst(scan: Rows) -> float:
    """Return the largest loss of a scan, at least a point: where the axes of all layers end."""
    return max([1.0, *(-float(point["quality"]) for row in scan for point in row["points"])])


def histogram(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the plot of a layer's weights before and after, as outlines over a logarithmic count."""
    width, height = SMALL
    reach, bins = row["reach"], len(row["before"])
    values = Axis(-reach, reach, LEFT, width - RIGHT)
    most = max(1, *row["before"], *row["after"])
    counts = Axis(0.7, most * SPARE, height - 20, 24, log=True)
    edges = [values.at(-reach + 2 * reach * i / bins) for i in range(bins + 1)]

    def outline(side: Sequence[int]) -> str:
        path = [f"M{edges[0]:g} {counts.begin:g}"]
        for i, count in enumerate(side):
            path.append(f"V{counts.at(count) if count else counts.begin:g}H{edges[i + 1]:g}")
        return "".join([*path, f"V{counts.begin:g}Z"])

    return {
        "width": width,
        "height": height,
        "left": LEFT,
        "right": width - RIGHT,
        "top": counts.end,
        "bottom": counts.begin,
        "rows": [(place, short(float(label.replace(",", "")))) for place, label in counts.ticks(4)],
        "title": f"weights (log count); {row['zeros']:,} zeros",
        "columns": [(values.at(value), text(value)) for value in (-reach, 0.0, reach)],
        "anchors": _anchors(3),
        "before": outline(row["before"]),
        "after": outline(row["after"]),
    }
