"""What is measured, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.process import Failed, Taken

if TYPE_CHECKING:
    from benchmarks.bench import Bench


class NotMeasured(Exception):
    """An alternative cannot be had here; why."""


@dataclass(slots=True)
class Side:
    """Every run of one side, in `unit`. `memory` in MiB, the median of the peaks."""

    samples: list[float]
    cpu: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, takes: Sequence[Taken]) -> Side:
        """The seconds of several runs."""
        return cls([t.seconds for t in takes], [t.cpu for t in takes], [t.memory for t in takes])

    @classmethod
    def limit(cls, value: float) -> Side:
        """A number that a goal names."""
        return cls([value])

    @property
    def value(self) -> float:
        """The median."""
        return median(self.samples)

    @property
    def memory(self) -> float | None:
        """The median of the peaks in MiB."""
        return median(self.peaks) if self.peaks else None


@dataclass(frozen=True, slots=True)
class Finding:
    """Both sides of one measure. `unit`: s, bytes or MiB; `note`: what a reader of the figure has to know."""

    ours: Side
    theirs: Side
    unit: str = "s"
    note: str = ""

    @property
    def ratio(self) -> float:
        """Ours by theirs."""
        return self.ours.value / self.theirs.value


@dataclass(frozen=True, slots=True)
class Measure:
    """One row. `goal`: the ratio that is not to be exceeded; None: the figure is given for comparison. `needs`: what
    can be made beforehand, beside other such things."""

    name: str
    what: str
    against: str
    goal: float | None
    take: Callable[[Bench], Finding]
    needs: tuple[Callable[[Bench], object], ...] = ()

    def result(self, bench: Bench) -> dict[str, Any]:
        """Takes the measure: the row of the JSON document."""
        row: dict[str, Any] = {"name": self.name, "what": self.what, "against": self.against, "goal": self.goal}
        try:
            found = self.take(bench)
        except NotMeasured as why:
            return {**row, "ratio": None, "met": None, "not_measured": str(why)}
        except Failed as failed:
            return {**row, "ratio": None, "met": None, "failed": str(failed)}
        sides = {"ours": found.ours, "theirs": found.theirs}
        return {
            **row,
            "unit": found.unit,
            **{name: side.value for name, side in sides.items()},
            "ratio": found.ratio,
            "met": None if self.goal is None else found.ratio <= self.goal,
            "memory": {name: side.memory for name, side in sides.items()},
            "runs": len(found.ours.samples),
            "samples": {name: asdict(side) for name, side in sides.items()},
            "note": found.note,
        }


def chosen(measures: Sequence[Measure], names: Sequence[str]) -> list[Measure]:
    """The measures that were asked for: by name, by a glob, or by a part of the name; all if nothing was."""

    def fits(measure: Measure, name: str, exact: bool) -> bool:
        return measure.name == name if exact else fnmatch(measure.name, name) or name in measure.name

    known = {measure.name for measure in measures}
    return [m for m in measures if not names or any(fits(m, name, name in known) for name in names)]
