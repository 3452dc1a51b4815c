"""Where the demo plays: which folders it makes, and how it tells its own things from anybody else's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from satchel.errors import NoHome, SatchelError
from satchel.sync.home import FOLDERS, KEY, SETTINGS, WITNESS, Home

NETWORK = "stride"
BELOW = "demo"  # the folder of everything that is not the head office's home
MARKER = "made-by-satchel-demo.json"
MAIL = "from-the-clinic"  # what the courier copies into the office's inbox
_MADE = {  # in the folders of the office's home; what lies in quarantine is always of this home's making
    "packets": {NETWORK, "nodes", "acks"},
    "inbox": {MAIL},
    "outbox": {"packets", "nodes", "acks", "satchel.json"},
}
_HARMLESS = {"readme.md", "thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Stage:
    """The folders of one demo. The head office's home is `top`; all else is below `top/demo`."""

    top: Path

    @property
    def below(self) -> Path:
        """Databases, share, stick, and the other homes."""
        return self.top / BELOW

    @property
    def share(self) -> Path:
        """A folder that stands for the network share of office and branch."""
        return self.below / "share"

    @property
    def stick(self) -> Path:
        """A folder that stands for the stick between office and clinic."""
        return self.below / "stick"

    def home(self, site: str) -> Path:
        """The home of a site."""
        return self.top if site == "office" else self.below / site

    def database(self, site: str) -> Path:
        """The database of a site's application."""
        return self.below / f"{site}.db"

    def invitation(self, site: str) -> Path:
        """The invitation for a site."""
        return self.below / f"{site}.invite"

    def shown(self, path: Path) -> str:
        """A path as somebody would type it who stands where the demo was started."""
        try:
            return str(path.resolve().relative_to(Path.cwd())) or "."
        except ValueError:
            return str(path)

    def set_up(self) -> bool:
        """Takes an earlier demo away and makes the folders; returns whether there was one. SatchelError if something
        here is not the demo's: then nothing was touched."""
        again = (self.below / MARKER).is_file()
        self._refuse_what_is_not_ours(again)
        try:
            if again:
                self._clear()
            for folder in (self.top, self.below, self.share, self.stick):
                folder.mkdir(parents=True, exist_ok=True)
            text = json.dumps({"made by": "satchel demo", "network": NETWORK, "may be deleted": True}, indent=2)
            (self.below / MARKER).write_text(f"{text}\n", encoding="ascii")
        except OSError as problem:
            raise SatchelError(
                f"the demo cannot use {self.top}: {problem.strerror or problem}", "name another folder"
            ) from problem
        return again

    def _refuse_what_is_not_ours(self, again: bool) -> None:
        if self.top.exists() and not self.top.is_dir():
            raise SatchelError(f"{self.top} is no folder", "name another place: satchel demo DIR")
        if again:
            if self._home_is_ours():
                self._refuse_litter(_MADE)
                return
            raise SatchelError(f"{self.top} is a home, and not the demo's", "name another folder: satchel demo DIR")
        if (self.top / SETTINGS).exists() or (self.top / KEY).exists() or (self.top / "packets" / NETWORK).exists():
            raise SatchelError(f"{self.top} is a home, and not the demo's", "name another folder: satchel demo DIR")
        if (self.below.is_dir() and any(self.below.iterdir())) or self.below.is_file():
            raise SatchelError(
                f"{self.below} is there already, and no demo made it", "name another folder: satchel demo DIR"
            )
        self._refuse_litter({})

    def _refuse_litter(self, made: Mapping[str, set[str]]) -> None:
        """A new home takes no folders with things in it, and what people put there is not ours to remove."""
        for name in _MADE:
            for entry in sorted((self.top / name).iterdir()) if (self.top / name).is_dir() else []:
                if (
                    entry.name not in made.get(name, ())
                    and entry.name.lower() not in _HARMLESS
                    and entry.name[0] != "."
                ):
                    raise SatchelError(
                        f"{entry} is in the way, and no demo made it", "move it away, then play the demo again"
                    )

    def _home_is_ours(self) -> bool:
        """Whether the home here is what an earlier demo made, or left half-made."""
        try:
            settings = Home.at(self.top).settings()
        except NoHome:
            return True
        return settings.network == NETWORK and Path(settings.database) == Path(BELOW, "office.db")

    def _clear(self) -> None:
        """Only what a demo makes: READMEs stay."""
        # the marker goes last: a demo that is killed here can still be run again
        for entry in self.below.iterdir():
            if entry.name != MARKER:
                _remove(entry)
        for name in (SETTINGS, KEY, WITNESS, "lock", "unfinished.json"):
            _remove(self.top / name)
        for folder, made in _MADE.items():
            for name in made:
                _remove(self.top / folder / name)
        for entry in (self.top / "quarantine").iterdir() if (self.top / "quarantine").is_dir() else []:
            _remove(entry)
        for name in FOLDERS:
            if (self.top / name).is_dir() and not os.listdir(self.top / name):
                (self.top / name).rmdir()


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
