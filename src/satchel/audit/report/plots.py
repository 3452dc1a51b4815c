"""Plots as SVG, drawn by hand: bars over time, and a row of squares per site. They stand in the page, need no script,
and are told apart by shade as well as by colour, so that they survive a printer and eyes that see few colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, sqrt

from satchel.audit.report.words import safe

WIDTH, HEIGHT = 720, 220  # of a plot, in the units of its view box
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 8, 10, 30
_LETTER, _BETWEEN = 6.8, 10  # width of a digit, and what is free between two labels
_WIDEST_BAR, _WIDEST_SQUARE = 46, 28
_SHADES = 5


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of bar: its style class, and what it is called."""

    css: str
    name: str


def nice_step(top: float, steps: int = 5) -> int:
    """The distance of grid lines: 1, 2 or 5 times a power of ten, so that about `steps` of them reach `top`."""
    raw = max(top / steps, 1)
    power = 1
    while power * 10 <= raw:
        power *= 10
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)


def time_bars(days: Sequence[date], unit: str, values: Mapping[str, Sequence[int]], series: Sequence[Series]) -> str:
    """Stacked bars over time. `values`: by the class of the series, a number for each day."""
    totals = [sum(values[one.css][place] for one in series) for place in range(len(days))]
    step = nice_step(max(totals, default=0))
    top = max(step, -(-max(totals, default=0) // step) * step)
    width, height = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    slot = width / max(len(days), 1)
    parts = [_grid(top, step, width, height)]
    for place, day in enumerate(days):
        wide = min(slot * 0.8, _WIDEST_BAR)
        x, base = _LEFT + (place + 0.5) * slot - wide / 2, float(_TOP + height)
        title = f"{_label(day, unit, whole=True)}: {totals[place]:,}"
        bars = []
        for one in series:
            size = values[one.css][place] / top * height
            base -= size
            if size:
                bars.append(_rect(x, base, wide, size, one.css))
        if bars:
            parts.append(f"<g><title>{safe(title)}</title>{''.join(bars)}</g>")
    parts.append(_days(days, unit, slot, _TOP + height))
    return _svg(HEIGHT, f"Changes per {unit}, {sum(totals):,} in all", parts)


def squares(days: Sequence[date], unit: str, rows: Mapping[str, Sequence[int]]) -> str:
    """A row per name, a square per day: the darker, the more. A row without squares was silent."""
    left, size, gap = 150, 13, 3
    slot = min((WIDTH - left - _RIGHT) / max(len(days), 1), _WIDEST_SQUARE)
    most = max((max(line, default=0) for line in rows.values()), default=0)
    parts = []
    for number, (name, line) in enumerate(rows.items()):
        y = _TOP + number * (size + gap)
        shown = name if len(name) <= 22 else f"{name[:21]}…"
        parts.append(
            f'<text class="label" x="{left - 6}" y="{y + size - 3}" text-anchor="end"><title>{safe(name)}</title>'
            f"{safe(shown)}</text>"
        )
        for place, count in enumerate(line):
            title = f"{name}, {_label(days[place], unit, whole=True)}: {count:,}"
            square = _rect(left + place * slot + slot * 0.06, y, slot * 0.88, size, f"shade{_shade(count, most)}")
            parts.append(f"<g><title>{safe(title)}</title>{square}</g>")
    bottom = _TOP + len(rows) * (size + gap)
    parts.append(_days(days, unit, slot, bottom, left))
    return _svg(bottom + _BOTTOM, f"Changes per site and {unit}", parts)


def bar(values: Sequence[int], series: Sequence[Series], top: int) -> str:
    """One bar that lies, for a line of a table; `top` is as long as the longest."""
    x, parts = 0.0, []
    for one, value in zip(series, values, strict=True):
        size = 200 * value / max(top, 1)
        if size:
            parts.append(_rect(x, 0, max(size, 0.5), 12, one.css))
        x += size
    return f'<svg class="bar" viewBox="0 0 200 12" preserveAspectRatio="none" aria-hidden="true">{"".join(parts)}</svg>'


def legend(series: Sequence[Series]) -> str:
    """What the colours mean."""
    keys = "".join(
        f'<span class="key"><svg viewBox="0 0 10 10" aria-hidden="true">{_rect(0, 0, 10, 10, one.css)}</svg>'
        f"{safe(one.name)}</span>"
        for one in series
    )
    return f'<p class="legend">{keys}</p>'


def _shade(count: int, most: int) -> int:
    """0: nothing; else 1 to 5, by the root: one busy site must not make the others look silent."""
    return ceil(_SHADES * sqrt(count / most)) if count > 0 else 0


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{safe(title)}">'
        f"{''.join(parts)}</svg>"
    )


def _rect(x: float, y: float, width: float, height: float, css: str) -> str:
    return f'<rect class="{css}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}"/>'


def _grid(top: int, step: int, width: float, height: float) -> str:
    parts = []
    for value in range(0, top + 1, step):
        y = _TOP + height - value / top * height
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + width}" y2="{y:.1f}"/>')
        parts.append(
            f'<text class="label" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value, top)}</text>'
        )
    return "".join(parts)


def _days(days: Sequence[date], unit: str, slot: float, y: float, left: float = _LEFT) -> str:
    """So many labels that they do not touch; the first, and the first of each year, with the year."""
    parts: list[str] = []
    free = 0.0
    for place, day in enumerate(days):
        text = _label(day, unit, whole=not parts or day.year != days[place - 1].year)
        half = len(text) * _LETTER / 2
        x = min(left + (place + 0.5) * slot, WIDTH - half)
        x = max(x, half) if parts else max(x, left + half)
        if x - half >= free:
            parts.append(f'<text class="label" x="{x:.1f}" y="{y + 16:g}" text-anchor="middle">{safe(text)}</text>')
            free = x + half + _BETWEEN
    return "".join(parts)


def _short(value: int, top: int) -> str:
    """A number at an axis that reaches `top`: 800, 20 k, 1.5 M."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if value and top >= size * (1 if unit == "M" else 10):
            return f"{value / size:g} {unit}"
    return f"{value:,}"


def _label(day: date, unit: str, *, whole: bool) -> str:
    if unit == "month":
        return f"{day:%Y-%m}"
    return f"{day:%Y-%m-%d}" if whole else f"{day:%m-%d}"
