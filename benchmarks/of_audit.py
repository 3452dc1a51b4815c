"""The packets are the audit log: questions to 10,000 of them with 10 million changes, and their verification."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import questions
from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, Side
from benchmarks.process import Taken

PACKETS = 10_000
CHANGES = 1_000  # in each
KEYS = 1_000_000
MIDDLE = "2026-09-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive, its lake, the one file, and a key that many packets changed."""

    bench: Bench
    packets: int
    folder: Path
    key: str

    def ask(self, question: str) -> Taken:
        """A question to an audit."""
        text = question.format(key=self.key, time=MIDDLE)
        return self.bench.ours(
            "questions:ask", root=self.root, target=self.folder / "lake", question=text, runs=self.bench.runs
        )

    def ask_file(self, question: str) -> Taken:
        """A question to DuckDB and the one file."""
        text = question.format(key=self.key, file=self.file)
        return self.bench.ours("questions:ask_file", question=text, runs=self.bench.runs)

    @property
    def root(self) -> Path:
        """The packets."""
        return self.folder / "archive"

    @property
    def file(self) -> Path:
        """All rows of them."""
        return self.folder / "orders.parquet"


def archive(bench: Bench, full: int = PACKETS) -> Archive:
    """An archive of so many packets, made once."""
    packets, changes = bench.count(full, 6), bench.count(CHANGES, 50) if bench.scale < 1 else CHANGES

    def make() -> Archive:
        bench.say(f"making an archive of {packets:,} packets")
        folder = bench.fresh(f"archive-{full}")
        keys = max(10 * changes, packets * changes * KEYS // (PACKETS * CHANGES))
        made = bench.ours("questions:make", root=folder / "archive", packets=packets, changes=changes, keys=keys)
        bench.ours("questions:one_file", root=folder / "archive", file=folder / "orders.parquet")
        bench.ours("questions:lake", root=folder / "archive", target=folder / "lake")
        return Archive(bench, packets, folder, made.facts["key"])

    found: Archive = bench.once(f"archive-{full}", make)
    return found


def _asked(bench: Bench, name: str, question: str) -> Taken:
    taken: Taken = bench.once(f"asked-{name}", lambda: archive(bench).ask(question))
    return taken


def _against_file(bench: Bench, name: str, question: str, of_file: str) -> Finding:
    ours = _asked(bench, name, question)
    theirs = archive(bench).ask_file(of_file)
    note = f"with a lake that was made before; opened in {ours.facts['opening']:.1f} s"
    return Finding(Side.of(questions.takes_of(ours)), Side.of(questions.takes_of(theirs)), note=note)


def query(bench: Bench) -> Finding:
    """What stands in the table: the latest version of a million rows."""
    return _against_file(bench, "query", questions.STATE, questions.STATE_OF_FILE)


def row(bench: Bench) -> Finding:
    """Every version of one row."""
    return _against_file(bench, "row", questions.ROW, questions.ROW_OF_FILE)


def row_history(bench: Bench) -> Finding:
    """The same against a second."""
    return Finding(Side.of(questions.takes_of(_asked(bench, "row", questions.ROW))), Side.limit(1.0))


def as_of(bench: Bench) -> Finding:
    """A table of a million rows as it was."""
    return Finding(Side.of(questions.takes_of(archive(bench).ask(questions.AS_OF))), Side.limit(3.0))


def verify(bench: Bench) -> Finding:
    """Verification against reading and hashing the bytes."""
    root = archive(bench).root
    ours, theirs = bench.rounds(
        lambda: bench.ours("questions:verify", root=root), lambda: bench.ours("questions:hash_all", root=root)
    )
    note = f"{ours[0].facts['packets']:,} packets, {ours[0].facts['bytes'] / 1e6:,.0f} MB"
    return Finding(Side.of(ours), Side.of(theirs), note=note)


def growth(bench: Bench) -> list[dict[str, Any]]:
    """{packets, query, row, verify} in seconds, for archives of several sizes."""
    series = []
    for full in (PACKETS // 100, PACKETS // 10, PACKETS):
        found = archive(bench, full)
        verified = bench.ours("questions:verify", root=found.root)
        point: dict[str, Any] = {"packets": found.packets, "verify": verified.seconds}
        for name, question in (("query", questions.STATE), ("row", questions.ROW)):
            point[name] = (_asked(bench, name, question) if full == PACKETS else found.ask(question)).seconds
        series.append(point)
    return series


_SIZE = "archive of 10,000 packets, 10 million changes: "
_FILE = "DuckDB on one Parquet file with the same rows"
MEASURES = (
    Measure("audit-query", _SIZE + "what stands in a table", _FILE, 5.0, query, (archive,)),
    Measure("audit-row", _SIZE + "every version of one row", _FILE, 5.0, row, (archive,)),
    Measure("row-history", _SIZE + "row_history, warm", "1 second", 1.0, row_history, (archive,)),
    Measure("as-of", _SIZE + "as_of, a table of 1,000,000 rows", "3 seconds", 1.0, as_of, (archive,)),
    Measure("verify", _SIZE + "verify", "reading and hashing the bytes", 1.5, verify, (archive,)),
)
