"""How the story is told: headings, sentences, the commands that somebody would have typed, and what came of them."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from satchel.demo.stage import Stage
from satchel.errors import SatchelError
from satchel.sync.report import Report

Say = Callable[[str], None]
WIDTH = 100


@dataclass
class Telling:
    """Tells what happens on one stage."""

    stage: Stage
    say: Say
    chapters: int = field(default=0)

    def chapter(self, title: str) -> None:
        """A heading."""
        self.chapters += 1
        self.say("")
        self.say(f"{self.chapters}. {title}")

    def text(self, words: str) -> None:
        """Some sentences, folded."""
        for line in textwrap.wrap(" ".join(words.split()), WIDTH, initial_indent="   ", subsequent_indent="   "):
            self.say(line)

    def command(self, site: str | None, *words: str | Path) -> None:
        """What somebody would have typed at a site; None: a command that needs no home."""
        home: list[str] = []
        if site is not None and self.stage.shown(self.stage.home(site)) != ".":
            home = ["--home", self.stage.shown(self.stage.home(site))]
        shown = [self.stage.shown(word) if isinstance(word, Path) else word for word in words]
        self.say(f"   $ satchel {' '.join(map(_typed, [*home, *shown]))}")

    def result(self, words: str) -> None:
        """What came of a command."""
        self.say(f"     {words}")

    def report(self, report: Report) -> None:
        """What a run did."""
        parts = []
        if report.sealed:
            parts.append(f"sealed {_names(report.sealed)}")
        if report.applied:
            rows = report.rows
            counts = [
                f"{number:,} {what}"
                for number, what in ((rows.inserted, "inserted"), (rows.updated, "updated"), (rows.deleted, "deleted"))
                if number
            ]
            parts.append(f"applied {_names(report.applied)} (rows: {', '.join(counts) or 'none changes'})")
        if report.dropped:
            parts.append(f"dropped {_names(report.dropped)} ({report.bytes_dropped:,} bytes)")
        self.result("; ".join(parts) or "nothing to do")
        for entry in report.waiting:
            self.result(f"{entry['packet']} waits for {entry['for']}")

    def rows(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """A small table."""
        cells = [list(columns), *([_cell(value) for value in row] for row in rows)]
        widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
        for line in cells:
            self.result("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def expect(holds: bool, claim: str) -> None:
    """The demo shows nothing that it has not looked at. SatchelError: what it was about to say is not so."""
    if not holds:
        raise SatchelError(
            f"the demo is wrong: it is not so that {claim}", "this is a bug of satchel; please report it"
        )


def _names(packets: Sequence[str]) -> str:
    return ", ".join(packets)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    return "" if value is None else str(value)


def _typed(word: str) -> str:
    """A word as somebody types it in a shell: SQL in double quotes."""
    quoted = shlex.quote(word)
    return f'"{word}"' if quoted != word and not set(word) & set('"$`\\!') else quoted
