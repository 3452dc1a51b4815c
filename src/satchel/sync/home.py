"""A home: one node's folder (PROTOCOL, Words).

satchel.toml   what is this home's own: database, exchanges, author column, which network and founder
node.key       the node's private key
witness.json   the newest packet of each origin that was sealed here: a database behind it is a restored backup
packets/       the archive; inbox/, outbox/, quarantine/
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path

from satchel.errors import ExchangeUnreachable, NoHome, SatchelError
from satchel.files import make_folders, read_limited, remove_leftovers, replace, wall
from satchel.model.ids import Dot
from satchel.sync.settings import HINT, Chosen, Settings, read_settings, settings_text

SETTINGS = "satchel.toml"
KEY = "node.key"
WITNESS = "witness.json"
UNFINISHED = "unfinished.json"  # while a home is being made: sync/unfinished.py
REJOINING = "rejoin.json"  # holds a key: a home that gets another identity
FOLDERS = ("packets", "inbox", "outbox", "quarantine")
_LIMIT = 1 << 20
_NAME = re.compile(r"(^\[node\]\s*\n(?:[^\[\n]*\n)*?\s*name\s*=\s*)(\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE)


class Home:
    """The folder and its small files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @staticmethod
    def at(path: Path) -> Home:
        """The home there. NoHome if there is none."""
        with wall(path):
            there = (path / SETTINGS).is_file()
        if not there:
            raise NoHome(
                f"there is no home in {path}", "name one with --home, or make one with `satchel init` or `satchel join`"
            )
        return Home(path)

    @property
    def key(self) -> Path:
        """The node's key."""
        return self.path / KEY

    @property
    def packets(self) -> Path:
        """The archive."""
        return self.path / "packets"

    @property
    def inbox(self) -> Path:
        """Where packets are put for this node; only read."""
        return self.path / "inbox"

    @property
    def outbox(self) -> Path:
        """Where this node puts what others lack."""
        return self.path / "outbox"

    @property
    def quarantine(self) -> Path:
        """What is not to be trusted."""
        return self.path / "quarantine"

    def make(self) -> None:
        """Makes the folders."""
        for name in FOLDERS:
            make_folders(self.path / name)

    def tidy(self) -> None:
        """Removes what killed runs left of files that they were about to replace; the home is locked."""
        places = (self.path, *(self.path / name for name in FOLDERS))
        for place in (*places, *(above / below for above in places[1:] for below in ("nodes", "acks"))):
            if place.is_dir():
                remove_leftovers(place)

    def settings(self) -> Settings:
        """What `satchel.toml` and the environment say. SatchelError names the line and the key that are wrong."""
        return self.chosen()[0]

    def chosen(self) -> tuple[Settings, list[Chosen]]:
        """The same, and each setting with its source. SatchelError as above."""
        return read_settings(self._text(), str(self.path / SETTINGS), os.environ)

    def _text(self) -> str:
        path = self.path / SETTINGS
        try:
            return read_limited(path, _LIMIT).decode("utf-8")
        except UnicodeDecodeError as problem:
            raise SatchelError(f"{path} is no TOML: it is not UTF-8", HINT) from problem

    def write_settings(self, settings: Settings) -> None:
        """Writes `satchel.toml`; from then on the folder is a home."""
        replace(self.path / SETTINGS, settings_text(settings).encode("utf-8"))

    def rename(self, name: str) -> None:
        """Puts the node's name into `satchel.toml`, which otherwise stays as a person wrote it, if that can be done."""
        text = self._text()
        wanted = dataclasses.replace(read_settings(text, SETTINGS, {})[0], node=name)
        renamed = _NAME.sub(lambda match: match[1] + json.dumps(name), text, count=1)
        if read_settings(renamed, SETTINGS, {})[0] != wanted:
            renamed = settings_text(wanted)
        replace(self.path / SETTINGS, renamed.encode("utf-8"))

    def database(self, settings: Settings) -> Path:
        """The path of the database."""
        return (self.path / settings.database).resolve()

    def exchange(self, settings: Settings, name: str | Path) -> Path:
        """The folder of an exchange: a name from `satchel.toml`, or a path. ExchangeUnreachable: a stick of that name
        that is not plugged in."""
        known = settings.exchanges.get(str(name))
        if known is None:
            return Path(name)
        folder = known.folder(self.path)
        if folder is None:
            raise ExchangeUnreachable(
                f"the exchange {name}, {known}, is not plugged in", "plug it in, then run the same command again"
            )
        return folder

    def there(self, settings: Settings) -> list[Path]:
        """The exchanges of `satchel.toml`, without the sticks that are not plugged in; a share counts also while it is
        away."""
        folders = [exchange.folder(self.path) for exchange in settings.exchanges.values()]
        return [folder for folder in folders if folder is not None]

    def bandwidth(self, settings: Settings, place: Path) -> int | None:
        """Bytes per second that may go to and from a folder; None: all there is."""
        for exchange in settings.exchanges.values():
            if exchange.bandwidth is not None and exchange.folder(self.path) == place:
                return exchange.bandwidth
        return None

    def witness(self) -> dict[Dot, str]:
        """The newest packet of each origin that was sealed here, with its hash; empty: none, or the file is damaged."""
        path = self.path / WITNESS
        if not path.is_file():
            return {}
        try:
            raw = json.loads(read_limited(path, _LIMIT))
            return {Dot(str(origin), int(seq)): str(digest) for origin, (seq, digest) in raw["origins"].items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            return {}  # it can only be more careful than the database, never less

    def bear_witness(self, dot: Dot, digest: str) -> None:
        """Notes the newest packet sealed here, flushed. It never goes backwards: an older packet changes nothing."""
        known = self.witness()
        if any(seen.origin == dot.origin and seen.seq >= dot.seq for seen in known):
            return
        origins = {seen.origin: (seen.seq, digest_) for seen, digest_ in (known | {dot: digest}).items()}
        text = json.dumps({"origins": origins})
        replace(self.path / WITNESS, text.encode("ascii"))
