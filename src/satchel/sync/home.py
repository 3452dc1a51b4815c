"""A home: one node's folder (PROTOCOL, Words).

satchel.toml   what is this home's own: database, exchanges, author column, which network and founder
node.key       the node's private key
witness.json   the newest packet of each origin that was sealed here: a database behind it is a restored backup
packets/       the archive; inbox/, outbox/, quarantine/
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import NoHome, SatchelError
from satchel.files import make_folders, read_limited, remove_leftovers, replace, wall
from satchel.model.ids import Dot
from satchel.packet.limits import DEFAULT_LIMITS, Limits

SETTINGS = "satchel.toml"
KEY = "node.key"
WITNESS = "witness.json"
REJOINING = "rejoin.json"  # holds a key: a home that gets another identity
FOLDERS = ("packets", "inbox", "outbox", "quarantine")
# What a home can run a command at: the events of a run.
HOOKS = {
    f"on_{event.replace('-', '_')}": event
    for event in ("sync-started", "packet-applied", "conflict", "sync-finished", "sync-failed")
}
_LIMIT = 1 << 20
_NAME = re.compile(r"(^\[node\]\s*\n(?:[^\[\n]*\n)*?\s*name\s*=\s*)(\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE)
LOCK_TIMEOUT = 10.0  # seconds
GRACE_MINUTES = 60.0
LOUD_AFTER_DAYS = 14.0
EVERY_MINUTES = 5.0
SETTLE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What `satchel.toml` says. `database` is a path (relative to the home) or a URL; `root` the founder's public key,
    by which every card is judged; `exchanges` name -> path."""

    node: str
    network: str
    network_id: str
    root: str
    database: str
    author_column: str | None = None
    lock_timeout: float = LOCK_TIMEOUT  # seconds to wait for an application that holds the database
    exchanges: Mapping[str, str] = field(default_factory=dict)
    run_triggers: tuple[str, ...] = ()  # of the application: run for rows that arrive, whatever they write
    skip_triggers: tuple[str, ...] = ()  # do not
    grace_minutes: float = GRACE_MINUTES  # so long an incomplete packet may be arriving before anybody is told
    loud_after_days: float = LOUD_AFTER_DAYS  # so long something may be missing before status turns loud
    limits: Limits = DEFAULT_LIMITS  # on what packets may ask of this home
    every_minutes: float = EVERY_MINUTES  # between two rounds of a watch that nothing calls for
    settle_seconds: float = SETTLE_SECONDS  # so long the database has to be quiet before a watch seals
    hooks: Mapping[str, str] = field(default_factory=dict)  # event, such as `conflict` -> a command line


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
        """Reads `satchel.toml`. SatchelError names what is wrong in it."""
        path = self.path / SETTINGS
        try:
            raw = tomllib.loads(read_limited(path, _LIMIT).decode("utf-8"))
            return _settings(raw)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise SatchelError(
                f"{path} is no TOML: {problem}", "correct the file; an example is in docs/reference/settings.md"
            ) from problem
        except (KeyError, TypeError, ValueError) as problem:
            raise SatchelError(
                f"{path}: {problem} is missing or wrong",
                "correct the file; an example is in docs/reference/settings.md",
            ) from problem

    def write_settings(self, settings: Settings) -> None:
        """Writes `satchel.toml`; from then on the folder is a home."""
        replace(self.path / SETTINGS, _settings_text(settings).encode("utf-8"))

    def rename(self, settings: Settings) -> None:
        """Puts the node's name into `satchel.toml`, which otherwise stays as a person wrote it, if that can be done."""
        text = read_limited(self.path / SETTINGS, _LIMIT).decode("utf-8")
        renamed = _NAME.sub(lambda match: match[1] + json.dumps(settings.node), text, count=1)
        if _settings(tomllib.loads(renamed)) != settings:
            renamed = _settings_text(settings)
        replace(self.path / SETTINGS, renamed.encode("utf-8"))

    def database(self, settings: Settings) -> Path:
        """The path of the database."""
        return (self.path / settings.database).resolve()

    def exchange(self, settings: Settings, name: str | Path) -> Path:
        """The folder of an exchange: a name from `satchel.toml`, or a path."""
        known = settings.exchanges.get(str(name))
        return self.path / known if known is not None else Path(name)

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


def _settings(raw: Mapping[str, Any]) -> Settings:
    database = raw["database"]
    exchanges = {
        name: entry if isinstance(entry, str) else entry["path"] for name, entry in raw.get("exchanges", {}).items()
    }
    return Settings(
        node=str(raw["node"]["name"]),
        network=str(raw["network"]["name"]),
        network_id=str(raw["network"]["id"]),
        root=str(raw["network"]["root"]),
        database=str(database["url"]),
        author_column=database.get("author_column") or None,
        lock_timeout=float(database.get("lock_timeout", LOCK_TIMEOUT)),
        exchanges=exchanges,
        run_triggers=_names(raw, "run"),
        skip_triggers=_names(raw, "skip"),
        grace_minutes=_patience(raw, "status.grace_minutes", GRACE_MINUTES),
        loud_after_days=_patience(raw, "status.loud_after_days", LOUD_AFTER_DAYS),
        limits=_limits(raw),
        every_minutes=_patience(raw, "watch.every_minutes", EVERY_MINUTES),
        settle_seconds=_patience(raw, "watch.settle_seconds", SETTLE_SECONDS),
        hooks=_hooks(raw),
    )


def _patience(raw: Mapping[str, Any], name: str, usual: float) -> float:
    """How long something may take, `section.key`. ValueError if it is no number."""
    section, _, key = name.partition(".")
    there = raw.get(section, {})
    value = there.get(key, usual) if isinstance(there, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f"'{name}'")
    return float(value)


def _hooks(raw: Mapping[str, Any]) -> dict[str, str]:
    """on_conflict = "command" and so on, by event. ValueError if one is no command or no event."""
    section = raw.get("hooks", {})
    if not isinstance(section, dict):
        raise ValueError("'hooks'")
    for name, command in section.items():
        if name not in HOOKS or not isinstance(command, str):
            raise ValueError(f"'hooks.{name}'")
    return {HOOKS[name]: command for name, command in section.items() if command}


def _limits(raw: Mapping[str, Any]) -> Limits:
    """The limits, some of them changed under [limits]. ValueError names what is none."""
    section = raw.get("limits", {})
    try:
        return Limits.of(section if isinstance(section, dict) else {"": 0})
    except ValueError as wrong:
        raise ValueError(f"'limits.{wrong}'") from wrong


def _names(raw: Mapping[str, Any], what: str) -> tuple[str, ...]:
    """The names of a list under [triggers]. ValueError if it is no list of names."""
    section = raw.get("triggers", {})
    names = section.get(what, []) if isinstance(section, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"'triggers.{what}'")
    return tuple(names)


def _settings_text(settings: Settings) -> str:
    quote = json.dumps  # a JSON string is a TOML basic string
    lines = [
        "# What is this home's own. What the network shares is signed configuration: `satchel tables`.",
        "[node]",
        f"name = {quote(settings.node)}",
        "",
        "[network]",
        f"name = {quote(settings.network)}",
        f"id = {quote(settings.network_id)}",
        f"root = {quote(settings.root)}  # the founder's public key",
        "",
        "[database]",
        f"url = {quote(settings.database)}",
        f"author_column = {quote(settings.author_column or '')}  # whose value `by` is; empty: none",
        f"lock_timeout = {settings.lock_timeout:g}  # seconds to wait for an application that holds the database",
        "",
        "[exchanges]  # name = folder; `satchel sync` goes to all of them",
        *(f"{quote(name)} = {quote(path)}" for name, path in settings.exchanges.items()),
        "",
    ]
    if settings.run_triggers or settings.skip_triggers:
        lines += ["[triggers]", f"run = {quote(settings.run_triggers)}", f"skip = {quote(settings.skip_triggers)}", ""]
    if (settings.grace_minutes, settings.loud_after_days) != (GRACE_MINUTES, LOUD_AFTER_DAYS):
        lines += ["[status]", f"grace_minutes = {settings.grace_minutes:g}"]
        lines += [f"loud_after_days = {settings.loud_after_days:g}", ""]
    if (settings.every_minutes, settings.settle_seconds) != (EVERY_MINUTES, SETTLE_SECONDS):
        lines += ["[watch]", f"every_minutes = {settings.every_minutes:g}"]
        lines += [f"settle_seconds = {settings.settle_seconds:g}", ""]
    if settings.hooks:
        commands = {name: settings.hooks[event] for name, event in HOOKS.items() if event in settings.hooks}
        lines += ["[hooks]", *(f"{name} = {quote(command)}" for name, command in commands.items()), ""]
    if changed := settings.limits.changed():
        lines += ["[limits]", *(f"{name} = {number}" for name, number in changed.items()), ""]
    return "\n".join(lines)
