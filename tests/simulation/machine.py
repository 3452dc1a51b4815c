"""One simulated machine: a home with its database in it, an application, backups, a clock that may be wrong."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import satchel
from tests.simulation.till import Ledger, Till

DATABASE = "data.db"
_ITS_FILES = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", f"{DATABASE}-journal")


@dataclass
class Backup:
    """A copy that somebody made: of the database and of the rest of the home. `at`: commits of the simulation then."""

    folder: Path
    at: int


@dataclass
class Machine:
    """`name`: of its node; a clone has the same one. `gone`: it takes no part any more; `cut`: it was revoked."""

    name: str
    home: Path
    rng: random.Random
    ledger: Ledger
    skew: int = 0
    gone: bool = False
    cut: bool = False
    backups: list[Backup] = field(default_factory=list)
    losses: list[tuple[int, int]] = field(default_factory=list)  # commits between which a restore took back what was

    @property
    def database(self) -> Path:
        return self.home / DATABASE

    @property
    def till(self) -> Till:
        return Till(self.database, self.home.name, self.rng, self.ledger)

    @property
    def node(self) -> Any:
        return satchel.open(self.home)

    # -- what people do to it

    def back_up(self) -> None:
        folder = self.home.parent / "backups" / f"{self.home.name}-{len(list(self.home.parent.glob('backups/*')))}"
        shutil.copytree(self.home, folder, ignore=shutil.ignore_patterns(*_ITS_FILES))
        _copy(self.database, folder / DATABASE)
        self.backups.append(Backup(folder, self.ledger.count))

    def restore(self, backup: Backup, what: str) -> None:
        """`what`: database, home or both. A home that is restored alone keeps the database that is there."""
        self.losses.append((backup.at, self.ledger.count))
        if what in ("database", "both"):
            for name in _ITS_FILES:
                (self.home / name).unlink(missing_ok=True)
            _copy(backup.folder / DATABASE, self.database)
        if what in ("home", "both"):
            for entry in self.home.iterdir():
                if entry.name not in _ITS_FILES:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            shutil.copytree(backup.folder, self.home, ignore=shutil.ignore_patterns(*_ITS_FILES), dirs_exist_ok=True)

    def clone(self, home: Path) -> Machine:
        """The laptop is copied, with all that is on it."""
        shutil.copytree(self.home, home, ignore=shutil.ignore_patterns(*_ITS_FILES))
        _copy(self.database, home / DATABASE)
        return Machine(self.name, home, self.rng, self.ledger, self.skew)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as two:
        one.backup(two)
        two.execute("PRAGMA journal_mode = DELETE")
