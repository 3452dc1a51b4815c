"""Backups of a site: its database, its home or both, put back later."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.sync.sites import Place

DATABASE, HOME, BOTH = ("database",), ("home",), ("database", "home")


@dataclass(frozen=True)
class Backup:
    """What a site was at some moment."""

    place: Place
    folder: Path

    def restore(self, *what: str) -> None:
        """Puts it back; the settings name the same folders."""
        if "database" in what:
            for path in (self.place.db, *journals(self.place.db)):
                path.unlink(missing_ok=True)
            for path in (self.folder / "data.db", *journals(self.folder / "data.db")):
                if path.exists():
                    shutil.copyfile(path, self.place.db.with_name(path.name.replace("data.db", self.place.db.name)))
        if "home" in what:
            shutil.rmtree(self.place.home)
            shutil.copytree(self.folder / "home", self.place.home)


def journals(db: Path) -> list[Path]:
    return [db.with_name(f"{db.name}{tail}") for tail in ("-wal", "-journal")]


def backup(place: Place, name: str = "backup") -> Backup:
    """Copies both, as they lie on the disk."""
    folder = place.root / f"{place.name}-{name}"
    folder.mkdir()
    for path in (place.db, *journals(place.db)):
        if path.exists():
            shutil.copyfile(path, folder / path.name.replace(place.db.name, "data.db"))
    shutil.copytree(place.home, folder / "home")
    return Backup(place, folder)
