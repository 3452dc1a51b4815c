"""The log of runs: one entry of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Run:
    """One entry of the log of runs."""

    at: int  # milliseconds since 1970 UTC
    command: str
    exchange: str
    seconds: float
    report: Mapping[str, Any]
    trouble: str = ""
