"""All measures, in the order of the page."""

from __future__ import annotations

from benchmarks import of_audit, of_capture, of_cycle, of_delta, of_first, of_growth, of_start
from benchmarks.measure import Measure

MEASURES: tuple[Measure, ...] = (
    *of_capture.MEASURES,
    *of_delta.MEASURES,
    *of_cycle.MEASURES,
    *of_growth.MEASURES,
    *of_capture.LOCAL_MEASURES,
    *of_delta.LOCAL_MEASURES,
    *of_first.MEASURES,
    *of_start.MEASURES,
    *of_audit.MEASURES,
)
