"""Results as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEAST = 0.02  # seconds of a processor, which counts in hundredths: less says nothing
HEAD = ("measure", "ours", "theirs", "ratio", "goal", "met", "cpu", "MiB", "runs")


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """One result under HEAD. `cpu`: the ratio of processor times, where both sides have some."""
    goal = "-" if row["goal"] is None else f"{row['goal']:g}"
    if row["ratio"] is None:
        return (row["name"], "", "", "", goal, "failed" if "failed" in row else "none", "", "", "")
    met = {True: "yes", False: "no", None: "-"}[row["met"]]
    memory = row["memory"]["ours"]
    unit = row["unit"]
    return (
        row["name"],
        amount(row["ours"], unit),
        amount(row["theirs"], unit),
        ratio(row["ratio"]),
        goal,
        met,
        _cpu(row),
        "" if memory is None else f"{memory:.0f}",
        str(row["runs"]),
    )


def ratio(value: float) -> str:
    """Two digits that mean something."""
    return f"{value:.2g}" if value < 0.1 else f"{value:.2f}" if value < 100 else f"{value:.0f}"


def amount(value: float, unit: str) -> str:
    """A figure with its unit."""
    if unit == "MiB":
        return f"{value:.0f} MiB"
    if unit != "s":
        return f"{value:.1f} {unit}"
    return f"{value * 1000:.0f} ms" if value < 0.2 else f"{value:.2f} s"


def _cpu(row: Mapping[str, Any]) -> str:
    from statistics import median

    sides = [row["samples"][side]["cpu"] for side in ("ours", "theirs")]
    if not all(sides) or median(sides[1]) < LEAST:
        return ""
    return f"{median(sides[0]) / median(sides[1]):.2f}"


def line(row: Mapping[str, Any]) -> str:
    """One result in a line, as it comes."""
    words = cells(row)
    text = "  ".join(f"{word:>{width}}" for word, width in zip(words[1:], (10, 10, 6, 5, 4, 6, 5, 4), strict=True))
    about = row.get("failed", "").rpartition("\n")[2] or row.get("not_measured") or row.get("note") or ""
    return f"{words[0]:<20}{text}" + (f"  {about}" if about else "")


def head() -> str:
    """The line above."""
    widths = (10, 10, 6, 5, 4, 6, 5, 4)
    return f"{HEAD[0]:<20}" + "  ".join(f"{word:>{width}}" for word, width in zip(HEAD[1:], widths, strict=True))
