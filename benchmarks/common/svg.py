"""Small plots as SVG: lines over two logarithmic axes of base 2, written the same every time."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log2

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 440, 60, 110, 30, 50
COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#8c564b", "#e377c2", "#17becf", "#7f7f7f")
GAP = 13


def plot(title: str, x_label: str, y_label: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A plot of named lines, all values positive; a dashed diagonal shows y = x. Names stand at the lines' ends."""
    top = max(value for points in lines.values() for point in points for value in point)
    span = floor(log2(top)) + (log2(top) % 1 > 0)

    def at(x: float, y: float) -> tuple[float, float]:
        across, down = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + across * log2(x) / span, HEIGHT - BOTTOM - down * max(log2(y), 0) / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 18, title, "middle", 'font-size="14"'),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle"),
        _text(16, HEIGHT / 2, y_label, "middle", f'transform="rotate(-90 16 {HEIGHT / 2:.0f})"'),
    ]
    for power in range(span + 1):
        (x, low), (left, y) = at(2**power, 1), at(1, 2**power)
        _, high = at(1, 2**span)
        right, _ = at(2**span, 1)
        parts.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}M{left:.1f} {y:.1f}H{right:.1f}" stroke="#ddd"/>')
        parts += [_text(x, low + 16, str(2**power), "middle"), _text(left - 6, y + 4, str(2**power), "end")]
    (x0, y0), (x1, y1) = at(1, 1), at(2**span, 2**span)
    parts.append(f'<path d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" stroke="#999" stroke-dasharray="4 3"/>')
    ends = {name: at(*points[-1]) for name, points in lines.items()}
    heights = _spread({name: y for name, (_, y) in ends.items()})
    for (name, points), colour in zip(lines.items(), COLOURS, strict=False):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in (at(*point) for point in points))
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(_text(ends[name][0] + 8, heights[name] + 4, name, "start", f'fill="{colour}"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _spread(heights: Mapping[str, float]) -> dict[str, float]:
    """Heights of labels, from the lowest up, moved so that they do not overlap."""
    result: dict[str, float] = {}
    last = float("inf")
    for name in sorted(heights, key=lambda each: (-heights[each], each)):
        last = min(heights[name], last - GAP)
        result[name] = last
    return result


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'
