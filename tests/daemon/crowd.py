"""Many at once: nodes in processes of their own watch one folder, applications write, nothing locks the share.

    python -m tests.daemon.crowd --nodes 20 --minutes 3

Ends with an account: everybody holds the same rows, nobody failed, no file is left over.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import satchel

SCHEMA = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, town TEXT);
CREATE TABLE quotes (
    id INTEGER PRIMARY KEY, quote_number TEXT UNIQUE, customer INTEGER REFERENCES customers(id), total REAL
);
CREATE TABLE prices (article TEXT PRIMARY KEY, price REAL, note TEXT);
"""
LONGEST = 300.0  # seconds until everybody must have everything


@dataclass
class Crowd:
    """The nodes of one network, each a database, a home and a process that watches."""

    root: Path
    nodes: int
    mounts: Sequence[Path] = ()  # of one share, in place of a folder; nodes are dealt out over them
    every: float = 1.0  # minutes
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def share(self, name: str) -> Path:
        """The one share as this node sees it."""
        mounts = self.mounts or (self.root / "share",)
        return mounts[self.names().index(name) % len(mounts)]

    def names(self) -> list[str]:
        return [f"n{number}" for number in range(self.nodes)]

    def db(self, name: str) -> Path:
        return self.root / f"{name}.db"

    def found(self) -> None:
        """One founder with rows, everybody else empty; all have met once, so that each knows all the others."""
        self.share("n0").mkdir(exist_ok=True)
        for name in self.names():
            with closing(sqlite3.connect(self.db(name))) as connection:
                connection.executescript(SCHEMA + "PRAGMA journal_mode = WAL;")
        with closing(sqlite3.connect(self.db("n0"))) as connection, connection:
            connection.executemany("INSERT INTO prices VALUES (?, ?, '')", [(f"a{n}", n) for n in range(200)])
        founder = self.root / "n0"
        satchel.init(founder, db=self.db("n0"), node="n0", network="acme")
        for name in self.names()[1:]:
            satchel.open(founder).invite(name, out=self.root / f"{name}.invite")
        satchel.open(founder).sync(self.share("n0"))
        for name in self.names()[1:]:
            satchel.join(self.root / f"{name}.invite", self.root / name, db=self.db(name))

    def watch(self) -> None:
        """A process for each."""
        for name in self.names():
            log = (self.root / f"{name}.log").open("wb")
            words = ["--home", str(self.root / name), "watch", "--jsonl", "--every", str(self.every)]
            command = [sys.executable, "-m", "satchel", *words, "--exchange", str(self.share(name))]
            self.processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def write(self, seconds: float, rng: random.Random) -> int:
        """Random edits at random nodes; how many."""
        until, edits = time.monotonic() + seconds, 0
        while time.monotonic() < until:
            name = rng.choice(self.names())
            with closing(sqlite3.connect(self.db(name), timeout=30)) as connection, connection:
                edits += _edit(connection, name, rng)
            time.sleep(rng.random() * 2 / self.nodes)
        return edits

    def settle(self) -> float:
        """Waits until all hold the same and nothing waits; seconds. AssertionError: they never do."""
        began = time.monotonic()
        while time.monotonic() - began < LONGEST:
            statuses = [satchel.open(self.root / name).status() for name in self.names()]
            vectors = {json.dumps(status["vector"], sort_keys=True) for status in statuses}
            if len(vectors) == 1 and not any(status["pending"] or status["waiting"] for status in statuses):
                return time.monotonic() - began
            time.sleep(1)
        raise AssertionError(f"they never come to rest: {vectors}")

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(30)

    def account(self) -> list[str]:
        """What is not as it should be."""
        wrong = []
        rows = {name: _by_meaning(self.db(name)) for name in self.names()}
        wrong += [f"{name} holds other rows than n0" for name in self.names() if rows[name] != rows["n0"]]
        for name in self.names():
            for line in (self.root / f"{name}.log").read_text().splitlines():
                event = json.loads(line) if line.startswith("{") else {"event": "sync-failed", "error": line}
                if event["event"] == "sync-failed":
                    wrong.append(f"{name}: {event['error']}")
                elif event.get("report", {}).get("quarantined"):
                    wrong.append(f"{name}: in quarantine: {event['report']['quarantined']}")
        share = self.share("n0")
        left = [path for path in share.rglob("*") if path.suffix == ".tmp" or path.name.startswith(".")]
        wrong += [f"left over: {path.relative_to(share)}" for path in left]
        return wrong


def _edit(connection: sqlite3.Connection, name: str, rng: random.Random) -> int:
    """One transaction of an application."""
    what = rng.random()
    if what < 0.5:
        values = (round(rng.random() * 100, 2), f"a{rng.randrange(200)}")
        return connection.execute("UPDATE prices SET price = ? WHERE article = ?", values).rowcount
    if what < 0.75:
        customer = connection.execute("INSERT INTO customers (name, town) VALUES (?, ?)", (name, "Ulm")).lastrowid
        number = f"Q-{rng.randrange(500)}"  # two desks take one number now and then
        made = connection.execute(
            "INSERT OR IGNORE INTO quotes (quote_number, customer, total) VALUES (?, ?, 1.5)", (number, customer)
        )
        return 1 + made.rowcount
    if what < 0.95:
        return connection.execute("UPDATE quotes SET total = total + 1 WHERE id % 7 = ?", (rng.randrange(7),)).rowcount
    return connection.execute(
        "DELETE FROM quotes WHERE id IN (SELECT id FROM quotes ORDER BY id DESC LIMIT 1)"
    ).rowcount


def _by_meaning(db: Path) -> dict[str, list[tuple[object, ...]]]:
    """The rows without the numbers that each database hands out by itself."""
    with closing(sqlite3.connect(db)) as connection:
        return {
            "prices": connection.execute("SELECT * FROM prices ORDER BY article").fetchall(),
            "customers": connection.execute(
                "SELECT name, town, count(*) FROM customers GROUP BY 1, 2 ORDER BY 1, 2"
            ).fetchall(),
            "quotes": connection.execute(
                "SELECT quote_number, total, name FROM quotes LEFT JOIN customers c ON customer = c.id ORDER BY 1, 2, 3"
            ).fetchall(),
        }


def play(
    root: Path, nodes: int, seconds: float, seed: int = 1, mounts: Sequence[Path] = ()
) -> tuple[int, float, list[str]]:
    """Edits, seconds until everybody had everything, and what is wrong."""
    crowd = Crowd(root, nodes, mounts)
    crowd.found()
    crowd.watch()
    try:
        edits = crowd.write(seconds, random.Random(seed))
        took = crowd.settle()
    finally:
        crowd.stop()
    return edits, took, crowd.account()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mount", type=Path, action="append", default=[], help="of one share; may be repeated")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        edits, took, wrong = play(Path(root), chosen.nodes, chosen.minutes * 60, chosen.seed, chosen.mount)
    print(f"{chosen.nodes} nodes, {edits} rows edited; everybody had everything {took:.0f} s after the last edit")
    print("\n".join(wrong) or "everybody holds the same rows, nobody failed, nothing is left over")
    return bool(wrong)


if __name__ == "__main__":
    raise SystemExit(main())
