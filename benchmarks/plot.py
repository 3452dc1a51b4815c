"""How costs grow, drawn by matplotlib: `python -m benchmarks.plot RESULTS FILE.svg`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Panel: where the points are, what is along the axis, and the lines with their names.
PANELS = (
    ("changes", "changes", "A delta into a million rows", {"export": "export", "import": "import"}),
    ("rows", "rows in the table", "1,000 changes", {"cycle": "export and import"}),
    ("packets", "packets of 1,000 changes", "Questions to an archive",
     {"verify": "verify", "query": "state of a table", "row": "history of a row"}),
)  # fmt: skip
COLOURS = ("#1f5fa8", "#c2571a", "#3c8d5a")
MARKS = ("o", "s", "^")
GREY = "#555555"


def draw(growth: Mapping[str, Sequence[Mapping[str, float]]], target: Path) -> None:
    """Three panels side by side, with one scale of seconds; all axes are logarithmic."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "satchel", "font.family": "DejaVu Sans", "font.size": 9, "axes.edgecolor": GREY}
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 3.6), layout="constrained", sharey=True)
    for axis, (name, along, title, lines) in zip(axes, PANELS, strict=True):
        _panel(axis, growth[name], name, lines)
        axis.set(xlabel=along, title=title)
        axis.grid(True, which="major", color="#dddddd", linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("seconds")
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def _panel(axis: Any, points: Sequence[Mapping[str, float]], along: str, lines: Mapping[str, str]) -> None:
    from matplotlib.ticker import FuncFormatter

    where = [point[along] for point in points]
    axis.set(xscale="log", yscale="log")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    for (line, words), colour, mark in zip(lines.items(), COLOURS, MARKS, strict=False):
        axis.plot(where, [point[line] for point in points], color=colour, marker=mark, markersize=5, label=words)
    axis.set_xticks(where, [_short(value) for value in where])
    axis.minorticks_off()
    axis.legend(frameon=False, loc="best")


def _short(value: float) -> str:
    return f"{value / 1e6:g}M" if value >= 1e6 else f"{value:,.0f}"


def main(words: Sequence[str]) -> None:
    """Draws the growth of some results."""
    results, target = map(Path, words)
    draw(json.loads(results.read_text(encoding="utf-8"))["growth"], target)


if __name__ == "__main__":
    main(sys.argv[1:])
