"""Replay: what the packets of the archive come to, in an empty database, beside what the database shows (PROTOCOL,
Equality). Nothing of the home is written.

Packets that were pruned are stood for by a snapshot. Only what this database has applied is replayed: what waits is no
difference.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import BadPacket, UsageError
from satchel.model.ids import Dot
from satchel.stores.base import Applying, Store
from satchel.stores.records import Sealed
from satchel.stores.registry import open_store
from satchel.sync.agreeing import decide_again
from satchel.sync.differences import Differences, compare
from satchel.sync.incoming import Intake
from satchel.sync.installing import obstacle, state_of
from satchel.sync.quarantine import Quarantine
from satchel.sync.report import Report
from satchel.sync.site import ACTIVE, Site, now_ms
from satchel.sync.snapshots import Held, held_snapshots, reaches

_NAMED = 100  # packets that are named


@dataclass
class _Replay(Intake):
    """Takes in what another database, at `upto`, has applied; sets nothing aside, and remembers what went wrong."""

    applied_there: frozenset[str] = frozenset()  # manifest hashes
    upto: Any = None
    problems: list[dict[str, str]] = field(default_factory=list)

    def look(self) -> None:
        """Reads the packets of the archive that are to be applied."""
        super().look()
        self.known = [signed for signed in self.known if signed.hash in self.applied_there]
        self._name()

    def play(self) -> None:
        """Everything."""
        self.look()
        while True:
            while self._some():
                pass
            if not self._install_one():
                return

    def seal_late(self, applying: Applying) -> list[Sealed]:
        """No application writes there."""
        return []

    def _discard(self, group: Sequence[Dot], bad: BadPacket) -> None:
        signed, bad = self._culprit([self.headers[dot] for dot in group], bad)
        self._note(str(signed.manifest.dot), bad)
        self._forget(*(self.headers[dot] for dot in group))

    def _note(self, name: str, bad: BadPacket) -> None:
        self.problems.append({"packet": name, "file": bad.file, "reason": bad.reason})

    def _install_one(self) -> bool:
        """Installs the snapshot that covers most of what is missing. Whether there was one."""
        mine = self.site.store.vector()
        for held in held_snapshots(self.site):
            if reaches(mine, held.vector) or not self._is_past(held) or obstacle(self.site, held, mine):
                continue
            try:
                state = state_of(self.site, held)
            except BadPacket as bad:
                self._note(f"snapshots/{held.name}", bad)
                continue
            with self.site.store.applying() as applying:
                applying.install(state, self.site.rules)
                applying.commit()
            self.site.notes.update(state.facts)
            self.report.installed.append(f"snapshots/{held.name}")
            self.look()
            return True
        return False

    def _is_past(self, held: Held) -> bool:
        """Whether the database has applied all that a snapshot covers."""
        return reaches(self.upto, held.vector) and all(
            not mark.hash or self.upto[origin].seq > mark.seq or self.upto[origin].hash == mark.hash
            for origin, mark in held.vector.items()
        )


@dataclass(slots=True)
class Replayed:
    """What a replay came to. `missing`: packets that were applied here and that the archive cannot give."""

    packets: int
    snapshots: Sequence[str]
    missing: Sequence[str]
    problems: Sequence[dict[str, str]]
    warnings: Sequence[str]
    differences: Differences

    @property
    def equal(self) -> bool:
        """Whether the database is what its packets come to."""
        return not (self.missing or self.problems or self.differences.count)

    def as_json(self) -> dict[str, Any]:
        """{equal, packets, snapshots, rows, missing, problems, count, tables, differences}."""
        found = self.differences
        tables = {name: sorted(columns) for name, columns in sorted(found.columns.items())}
        return {
            "equal": self.equal,
            "packets": self.packets,
            "snapshots": list(self.snapshots),
            "rows": found.rows,
            "missing": list(self.missing)[:_NAMED],
            "problems": list(self.problems),
            "count": found.count,
            "tables": [{"table": name, "columns": columns} for name, columns in tables.items()],
            "differences": [entry.as_json() for entry in found.found],
        }


def replay(site: Site) -> Replayed:
    """Rebuilds the state from the packets and compares it with the database. If the packets do not come to the vector
    of the database, rows are not compared: they would differ by what is missing. UsageError while joining."""
    if site.joining:
        raise UsageError("this node is still joining", "import once from the exchange first")
    with site.store.look() as here, _empty(site) as store:
        there = Site(site.home, site.settings, store, site.archive, dry_run=True)
        covered = {origin: mark.seq for origin, mark in here.vector.items()}
        applied = [record for record in site.store.packets_after({}) if record.dot.seq <= covered[record.dot.origin]]
        quarantine = Quarantine(site.home.quarantine, now_ms(), dry_run=True)
        play = _Replay(there, Report(), quarantine, [site.archive])
        play.applied_there, play.upto = frozenset(record.hash for record in applied), here.vector
        play.play()
        decide_again(there)
        missing = [str(record.dot) for record in applied if store.packet(record.dot) is None]
        found = Differences()
        if not missing and not play.problems:
            with store.look() as packets:
                found = compare(here, packets)
        report = play.report
        return Replayed(len(report.applied), report.installed, missing, play.problems, there.warnings, found)


@contextmanager
def _empty(site: Site) -> Iterator[Store]:
    """A store over an empty database with the tables of this one, for as long as it is looked at."""
    with tempfile.TemporaryDirectory(prefix="satchel-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "replay.db"
        site.store.make_empty_copy(path)
        store = open_store(str(path))
        try:
            store.install(list(site.store.tables()))
            store.note({"node": site.settings.node, "origin": site.origin, "state": ACTIVE})
            yield store
        finally:
            store.close()
