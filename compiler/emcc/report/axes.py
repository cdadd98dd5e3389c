"""Axes of plots: values to places in pixels, and the values that get a tick."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

STEPS = (1, 2, 5)


@dataclass(frozen=True)
class Axis:
    """From `low` at the place `begin` to `high` at `end`, linear or logarithmic; what lies outside is at the end."""

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """Return the place of a value, in tenths of a pixel."""
        value = min(max(value, self.low), self.high)
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (self._scaled(value) - low) / (high - low) if high > low else 0.0
        return round(self.begin + (self.end - self.begin) * share, 1)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return (place, text) of at most `most` round values, or of two."""
        return [(self.at(value), text(value)) for value in (self._logs(most) if self.log else self._evens(most))]

    def _scaled(self, value: float) -> float:
        return math.log10(value) if self.log else value

    def _evens(self, most: int) -> list[float]:
        for step in _rising((self.high - self.low) / max(1, most)):
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            if last - first < most:
                return [step * i for i in range(first, last + 1)]
        return []

    def _logs(self, most: int) -> list[float]:
        decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        for steps in (STEPS, (1, 3), (1,)):
            values = [step * 10.0**decade for decade in decades for step in steps]
            inside = [value for value in values if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
            if len(inside) <= most:
                break
        inside = inside[:: -(-len(inside) // most)] if inside else []
        return inside if len(inside) > 1 else [self.low, self.high]


def text(value: float) -> str:
    """Write a tick: at most three digits, without an exponent; thousands have commas."""
    if value and abs(value) < 1:
        return f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".")
    return f"{float(f'{value:.3g}'):,.2f}".rstrip("0").rstrip(".") if abs(value) < 1000 else f"{value:,.0f}"


def short(count: float) -> str:
    """Write a count in four letters: 950, 1.2k, 34k, 1.2M."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit if count < 10 * size else f"{count / size:.0f}{unit}"
    return f"{count:.0f}"


def _rising(least: float) -> Iterator[float]:
    """Yield round steps from the largest one that is not above `least` on."""
    power = math.floor(math.log10(least)) if least > 0 else 0
    while True:
        yield from (step * 10.0**power for step in STEPS)
        power += 1
