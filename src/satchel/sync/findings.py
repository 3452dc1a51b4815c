"""One thing that `doctor` has found."""

from __future__ import annotations

Finding = dict[str, str]


def finding(level: str, what: str, hint: str = "") -> Finding:
    """{level: ok | note | warning | error, what, hint}."""
    return {"level": level, "what": what, "hint": hint}
