"""All measures, in the order of the page."""

from __future__ import annotations

from benchmarks import of_capture, of_delta, of_start
from benchmarks.measure import Measure

MEASURES: tuple[Measure, ...] = (
    *of_capture.MEASURES,
    *of_delta.MEASURES,
    *of_capture.LOCAL_MEASURES,
    *of_delta.LOCAL_MEASURES,
    *of_start.MEASURES,
)
