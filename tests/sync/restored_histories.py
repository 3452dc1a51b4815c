"""Random histories of sites whose databases, homes or both are put back from backups, taken at any moment: between two
commands, or between two steps of one.

`python -m tests.sync.restored_histories FIRST LAST` hunts and prints the seeds that fail; `-v SEED` tells one.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from satchel.files.faults import faults
from satchel.packet.envelope import read_envelope
from satchel.packet.manifest import Manifest, manifest_hash
from tests.property.member import scratch
from tests.sync.backups import BOTH, DATABASE, HOME
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, opened

SCHEMA = (
    "CREATE TABLE customer (id INTEGER PRIMARY KEY, mark TEXT, a TEXT)",
    "CREATE TABLE quote (id INTEGER PRIMARY KEY, ref INTEGER REFERENCES customer (id) ON DELETE CASCADE, under TEXT,"
    " mark TEXT)",
    "CREATE TABLE stock (id TEXT PRIMARY KEY, pieces INTEGER, place TEXT)",
    "INSERT INTO customer VALUES (1, 'first', 'x'), (2, 'second', 'y')",
    "INSERT INTO stock VALUES ('s1', 4, 'a'), ('s2', 5, 'b')",
)
NAMES = ("office", "branch", "clinic")
_STEPS = 120  # steps of a command, more or less


def copy(source: Path, target: Path) -> None:
    """By another process: one that opens and closes a file of a database loses the locks on it."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


@dataclass
class Site:
    """A site and what was kept of it."""

    place: Place
    backups: list[Path] = field(default_factory=list)

    def backup(self, root: Path) -> None:
        """Database and home as they lie there, a journal included."""
        folder = root / f"backup-{self.place.name}-{len(self.backups)}"
        folder.mkdir()
        for path in self.place.db.parent.glob(f"{self.place.db.name}*"):
            copy(path, folder / path.name)
        copy(self.place.home, folder / "home")
        self.backups.append(folder)

    def restore(self, folder: Path, what: tuple[str, ...]) -> None:
        if "database" in what:
            for path in self.place.db.parent.glob(f"{self.place.db.name}*"):
                path.unlink()
            for path in folder.glob(f"{self.place.db.name}*"):
                shutil.copyfile(path, self.place.db.with_name(path.name))
        if "home" in what:
            shutil.rmtree(self.place.home)
            shutil.copytree(folder / "home", self.place.home)


class History:
    """One seed. With `noticed` whoever was restored first visits every place that may know of it."""

    def __init__(self, root: Path, seed: int, *, noticed: bool = True, say: Callable[..., None] | None = None) -> None:
        self.root, self.rng, self.noticed = root, random.Random(seed), noticed
        self.say = say or (lambda *words: None)
        self.exchanges = [root / name for name in ("share", "stick")]
        for exchange in self.exchanges:
            exchange.mkdir()
        self.count = 0
        self.gone: set[str] = set()
        office = found_network(root, make_database(root / "office.db", *SCHEMA), key_scope={})
        office.export(self.exchanges[0])
        self.sites = [Site(office)]
        for name in NAMES[1 : self.rng.choice((2, 2, 3))]:
            place = join_network(office, name, emptied(office.db, root / f"{name}.db"))
            place.node.sync(self.exchanges[0])
            self.sites.append(Site(place))

    def run(self) -> None:
        for _ in range(self.rng.randrange(12, 32)):
            self.step(self.rng.choice(self.sites))
        self.settle()

    # -- steps

    def step(self, site: Site) -> None:
        act = self.rng.random()
        if act < 0.45:
            self.edit(site.place)
        elif act < 0.8:
            self.command(site)
        elif act < 0.88:
            site.backup(self.root)
            self.say(site.place.name, "backup", len(site.backups) - 1)
        elif site.backups:
            self.restore(site)

    def edit(self, place: Place) -> None:
        self.count += 1
        mark = f"{place.name}-{self.count}"
        with opened(place.db) as db:
            customers = db.execute("SELECT id, mark FROM customer").fetchall()
            id_, under = self.rng.choice(customers) if customers else (None, None)
            act = self.rng.choice("iiqqqususd")
            if act == "i":
                number = self.rng.choice((None, None, self.rng.randrange(1, 9)))
                db.execute("INSERT OR IGNORE INTO customer VALUES (?, ?, ?)", (number, mark, mark))
            elif act == "q" and id_ is not None:
                db.execute("INSERT INTO quote VALUES (NULL, ?, ?, ?)", (id_, under, mark))
            elif act == "u" and id_ is not None:
                db.execute("UPDATE customer SET a = ? WHERE id = ?", (mark, id_))
            elif act == "s":
                column = self.rng.choice(("pieces", "place"))
                key = self.rng.choice(("s1", "s2"))
                db.execute(f"UPDATE stock SET {column} = ? WHERE id = ?", (self.count, key))
            elif act == "d" and id_ is not None and len(customers) > 2:
                quotes = db.execute("SELECT mark FROM quote WHERE ref = ?", (id_,)).fetchall()
                self.gone |= {under, *(name for (name,) in quotes)}
                db.execute("DELETE FROM customer WHERE id = ?", (id_,))
        self.say(place.name, act, mark, under)

    def command(self, site: Site, at: int | None = None) -> None:
        """A run; perhaps a backup is taken while it is on its way."""
        if at is None and self.rng.random() < 0.3:
            at = self.rng.randrange(_STEPS)
        left = -1 if at is None else at

        def hook(step: str, path: Path) -> None:
            nonlocal left
            if left == 0:
                site.backup(self.root)
                self.say(site.place.name, "backup", len(site.backups) - 1, "before", step, path.name)
            left -= 1

        place, exchange = site.place, self.rng.choice(self.exchanges)
        what = self.rng.choice(("sync", "sync", "export", "import", "outbox"))
        runs = {
            "sync": lambda: place.node.sync(exchange),
            "export": lambda: place.node.export(exchange),
            "import": lambda: place.node.import_(exchange),
            "outbox": place.node.export,
        }
        with faults(hook):
            report = runs[what]()
        self.tell(place, what, exchange, report)

    def tell(self, place: Place, what: str, exchange: Path, report: Any) -> None:
        done = f"sealed {report.sealed} applied {report.applied} dropped {report.dropped} waiting {report.waiting}"
        self.say(place.name, what, exchange.name, done, report.warnings, place.vector())

    def restore(self, site: Site) -> None:
        number = self.rng.randrange(len(site.backups))
        what = self.rng.choice((DATABASE, DATABASE, HOME, BOTH))
        site.restore(site.backups[number], what)
        self.say(site.place.name, "RESTORES", what, number)
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            self.edit(site.place)
        if self.noticed:
            report = site.place.node.sync(*self.exchanges)
            self.tell(site.place, "sync", self.root, report)

    # -- what must be

    def settle(self) -> None:
        places = [site.place for site in self.sites]
        for _ in range(6):
            for place in places:
                self.tell(place, "settles", self.root, place.node.sync(*self.exchanges))
        first = places[0]
        surviving = self.surviving()
        doubled = {dot: hashes for dot, hashes in surviving.items() if len(hashes) > 1}
        if self.noticed:
            assert not doubled, f"numbers were used twice: {doubled}"
        for place in places:
            status = place.node.status()
            assert (status["pending"], status["waiting"], status["quarantined"]) == (0, [], []), status
            assert status["vector"] == first.vector(), (status["vector"], first.vector())
            assert all(peer["behind"] == 0 for peer in status["peers"])
            assert self.rows(place) == self.rows(first), (place.name, self.rows(place), self.rows(first))
            if not doubled:
                lost = {dot for dot in surviving if status["vector"].get(dot[0], 0) < dot[1]}
                assert not lost, f"packets that nobody applied: {lost}"
        lost = self.sealed_marks() - self.gone - self.marks(first)
        assert not lost, f"rows were lost: {lost}"
        for place in places:
            report = place.node.sync(*self.exchanges)
            assert not (report.sealed or report.applied or report.dropped), report

    def surviving(self) -> dict[tuple[str, int], set[str]]:
        """The packets that are left anywhere, with their hashes."""
        found: dict[tuple[str, int], set[str]] = defaultdict(set)
        for root in (*self.exchanges, *(site.place.home for site in self.sites)):
            for path in root.rglob("manifest.json"):
                if "snapshots" in path.parts:
                    continue
                payload = read_envelope(path.read_bytes()).payload
                manifest = Manifest.parse(payload)
                found[manifest.origin, manifest.seq].add(manifest_hash(payload))
        return found

    def sealed_marks(self) -> set[str]:
        """Marks of every row that was born in a packet that is left."""
        found: set[str] = set()
        for root in (*self.exchanges, *(site.place.home for site in self.sites)):
            for name in ("customer", "quote"):
                for path in root.rglob(f"{name}.parquet"):
                    if (path.parent / "manifest.json").exists():
                        found |= set(pq.read_table(path, columns=["mark"]).column("mark").to_pylist())
        return found

    def rows(self, place: Place) -> tuple[Any, ...]:
        """What a site shows, with marks instead of numbers."""
        with closing(opened_for_reading(place.db)) as db:
            joined = "SELECT q.mark, q.under, c.mark FROM quote q LEFT JOIN customer c ON c.id = q.ref ORDER BY q.mark"
            quotes = db.execute(joined).fetchall()
            mixed = [quote for quote in quotes if quote[1] != quote[2]]
            assert not mixed, f"a quote changed its customer: {mixed}"
            customers = db.execute("SELECT mark, a FROM customer ORDER BY mark, a").fetchall()
            return customers, quotes, db.execute("SELECT * FROM stock ORDER BY id").fetchall()

    def marks(self, place: Place) -> set[str]:
        """Marks of rows that are shown or listed."""
        customers, quotes, _ = self.rows(place)
        listed = {
            str(version["row"]["mark"])
            for entry in place.node.conflicts()
            for version in entry["versions"]
            if version["row"] and "mark" in version["row"]
        }
        return {mark for mark, _ in customers} | {mark for mark, *_ in quotes} | listed


def opened_for_reading(db: Path) -> Any:
    import sqlite3

    return sqlite3.connect(f"{db.resolve().as_uri()}?mode=ro", uri=True)


def main(words: list[str]) -> int:
    """Hunts; `-u` in front: restores may go unnoticed."""
    noticed = words[0] != "-u"
    words = words if noticed else words[1:]
    if words[0] == "-v":
        with scratch() as folder:
            History(Path(folder), int(words[1]), noticed=noticed, say=print).run()
        return 0
    failed = []
    for seed in range(int(words[0]), int(words[1])):
        try:
            with scratch() as folder:
                History(Path(folder), seed, noticed=noticed).run()
        except Exception:
            failed.append(seed)
            lines = [line.strip() for line in traceback.format_exc().splitlines() if not set(line) <= set(" ^~")]
            print(seed, " | ".join(lines[-3:])[:900], flush=True)
    print(f"{int(words[1]) - int(words[0])} histories, {len(failed)} failed: {failed}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
