"""The story: what is played, in its order. Everything is done by the API that programs use, and what is said is looked
up before it is said."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from satchel.demo import delivery, ending, founding, quarrel
from satchel.demo.stage import Stage
from satchel.demo.telling import Telling


@dataclass(frozen=True, slots=True)
class Told:
    """What the demo found in the end: the document of `satchel demo --json`."""

    directory: Path
    tables: int
    rows: int
    packets: int
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def run(directory: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Plays the demo in `directory`, whose head office's home it becomes; `say` takes one line at a time.

    Returns {directory, tables, rows, packets, seconds}. SatchelError: the folder is in use by something that is not
    the demo's, or a claim of the demo does not hold.
    """
    began = time.monotonic()
    stage = Stage(directory)
    again = stage.set_up()
    tell = Telling(stage, say)
    say("Satchel: databases that meet only through files come to hold the same rows.")
    say(f"Three sites, played in {directory.resolve()}.")
    if again:
        say("What an earlier demo left there was removed.")
    founding.play(stage, tell)
    quarrel.play(stage, tell)
    delivery.play(stage, tell)
    rows = ending.compare(stage, tell)
    packets = ending.audit(stage, tell)
    seconds = time.monotonic() - began
    ending.farewell(stage, tell, seconds)
    return Told(directory, len(rows), sum(rows.values()), packets, round(seconds, 1)).as_json()
