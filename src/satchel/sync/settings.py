"""What `satchel.toml` says (docs/reference/settings.md): read from file and environment, each value with its source."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from satchel.errors import SatchelError
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.sync.exchange_settings import ExchangeSettings, read_exchange

HINT = "correct it; docs/reference/settings.md has an example"
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Settings:
    """`database` is a path (relative to the home) or a URL; `root` the founder's public key, by which every card is
    judged."""

    node: str
    network: str
    network_id: str
    root: str
    database: str
    author_column: str | None = None
    lock_timeout: float = 10.0  # seconds to wait for an application that holds the database
    exchanges: Mapping[str, ExchangeSettings] = field(default_factory=dict)
    run_triggers: tuple[str, ...] = ()  # of the application: run for rows that arrive, whatever they write
    skip_triggers: tuple[str, ...] = ()  # do not
    grace_minutes: float = 60.0  # so long an incomplete packet may be arriving before anybody is told
    loud_after_days: float = 14.0  # so long something may be missing before status turns loud
    equality_hours: float = 24.0  # so often the digests of the database are taken; 0: only when asked
    every_minutes: float = 5.0  # between two rounds of a watch that nothing calls for
    settle_seconds: float = 2.0  # so long the database has to be quiet before a watch seals
    keep_days: int = 0  # so long `prune` keeps packets that might go
    hooks: Mapping[str, str] = field(default_factory=dict)  # event, such as `conflict` -> a command line
    limits: Limits = DEFAULT_LIMITS  # on what packets may ask of this home


@dataclass(frozen=True, slots=True)
class Place:
    """One setting: where it stands in the file, what it is in `Settings`, what it may be. What the network knows this
    home by (`fixed`) is not to be changed, so the environment cannot."""

    section: str
    key: str
    field: str
    kind: str  # text | number | whole | names
    fixed: bool = False

    @property
    def name(self) -> str:
        """As people write it: `watch.every_minutes`."""
        return f"{self.section}.{self.key}"

    @property
    def variable(self) -> str:
        """Of the environment."""
        return f"SATCHEL_{self.section}_{self.key}".upper()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A setting as it holds, and what says so: `satchel.toml, line 12`, a variable of the environment, or default."""

    name: str
    value: object
    source: str


EVENTS = ("sync-started", "packet-applied", "conflict", "sync-finished", "sync-failed")  # that have hooks
PLACES = (
    Place("node", "name", "node", "text", fixed=True),
    Place("network", "name", "network", "text", fixed=True),
    Place("network", "id", "network_id", "text", fixed=True),
    Place("network", "root", "root", "text", fixed=True),
    Place("database", "url", "database", "text"),
    Place("database", "author_column", "author_column", "text"),
    Place("database", "lock_timeout", "lock_timeout", "number"),
    Place("status", "grace_minutes", "grace_minutes", "number"),
    Place("status", "loud_after_days", "loud_after_days", "number"),
    Place("equality", "hours", "equality_hours", "number"),
    Place("watch", "every_minutes", "every_minutes", "number"),
    Place("watch", "settle_seconds", "settle_seconds", "number"),
    Place("archive", "keep_days", "keep_days", "whole"),
    Place("triggers", "run", "run_triggers", "names"),
    Place("triggers", "skip", "skip_triggers", "names"),
    *(Place("hooks", f"on_{event.replace('-', '_')}", f"hooks.{event}", "text") for event in EVENTS),
    *(Place("limits", limit.name, f"limits.{limit.name}", "whole") for limit in fields(Limits)),
)
_NEEDED = ("node.name", "network.name", "network.id", "network.root", "database.url")
_WHAT = {"text": "a text", "number": "a number", "whole": "a whole number", "names": "a list of names"}
_MOST = 1e9
_HEADER = re.compile(r"\s*\[\s*([^\]]+?)\s*\]")


def read_settings(text: str, where: str, environment: Mapping[str, str]) -> tuple[Settings, list[Chosen]]:
    """The settings, and each of them with its source. `where`: the file's name, for messages. SatchelError names the
    line and the key that are wrong."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise SatchelError(f"{where} is no TOML: {problem}", HINT) from problem
    _check_names(raw, text, where)
    chosen = {place: _choose(place, raw, text, where, environment) for place in PLACES}
    missing = [name for name in _NEEDED if not any(c.name == name and c.value for c in chosen.values())]
    if missing:
        raise SatchelError(f"{where}: {missing[0]} is missing", HINT)
    exchanges = dict(_exchanges(raw, text, where))
    return _settings(chosen, exchanges), [*chosen.values(), *_shown(exchanges, text, where)]


def _choose(place: Place, raw: Mapping[str, Any], text: str, where: str, environment: Mapping[str, str]) -> Chosen:
    """Environment, then file, then default."""
    if not place.fixed and (word := environment.get(place.variable)) is not None:
        return Chosen(place.name, _checked(place, _parsed(place, word), place.variable, place.variable), place.variable)
    section = raw.get(place.section, {})
    if place.key in section:
        line = line_of(text, place.section, place.key)
        source = f"{where}, line {line}" if line else where
        return Chosen(place.name, _checked(place, section[place.key], source, place.name), source)
    return Chosen(place.name, None, DEFAULT)


def _parsed(place: Place, word: str) -> object:
    """A word of the environment as the file would have it."""
    if place.kind == "names":
        return [name for name in word.split(",") if name]
    if place.kind == "text":
        return word
    try:
        return int(word) if place.kind == "whole" else float(word)
    except ValueError:
        return word


def _checked(place: Place, value: object, source: str, name: str) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST
    good = {
        "text": isinstance(value, str),
        "number": number,
        "whole": isinstance(value, int) and not isinstance(value, bool) and value >= (place.section == "limits"),
        "names": isinstance(value, list) and all(isinstance(item, str) for item in value),
    }
    if not good[place.kind]:
        subject = "it" if source == name else name
        raise SatchelError(f"{source}: {subject} must be {_WHAT[place.kind]}, not {value!r}", HINT)
    return float(value) if isinstance(value, int) and place.kind == "number" else value


def _settings(chosen: Mapping[Place, Chosen], exchanges: Mapping[str, ExchangeSettings]) -> Settings:
    found: dict[str, Any] = {"hooks": {}, "exchanges": exchanges}
    limits: dict[str, object] = {}
    for place, choice in chosen.items():
        group, _, name = place.field.partition(".")
        if choice.source == DEFAULT or choice.value == "":
            continue
        if group == "hooks":
            found["hooks"][name] = choice.value
        elif group == "limits":
            limits[name] = choice.value
        else:
            found[place.field] = tuple(choice.value) if isinstance(choice.value, list) else choice.value
    return Settings(**found, limits=Limits.of(limits))


def default_of(name: str) -> object:
    """What holds where nothing is said; None: nothing."""
    (place,) = (place for place in PLACES if place.name == name)
    group, _, limit = place.field.partition(".")
    if group == "limits":
        return getattr(DEFAULT_LIMITS, limit)
    defaults = {each.name: each.default for each in fields(Settings)}
    found = defaults.get(place.field)
    return found if isinstance(found, str | int | float) else None


def _exchanges(raw: Mapping[str, Any], text: str, where: str) -> Iterator[tuple[str, ExchangeSettings]]:
    for name, entry in raw.get("exchanges", {}).items():
        try:
            yield name, read_exchange(name, entry)
        except ValueError as problem:
            line = line_of(text, "exchanges", name) or line_of(text, f"exchanges.{name}", "")
            raise SatchelError(f"{where}, line {line or '?'}: the exchange {name} {problem}", HINT) from problem


def _shown(exchanges: Mapping[str, ExchangeSettings], text: str, where: str) -> Iterator[Chosen]:
    for name, exchange in exchanges.items():
        line = line_of(text, "exchanges", name) or line_of(text, f"exchanges.{name}", "")
        yield Chosen(f"exchanges.{name}", str(exchange), f"{where}, line {line}" if line else where)


def _check_names(raw: Mapping[str, Any], text: str, where: str) -> None:
    """A name that is misspelt would be a setting that silently does nothing."""
    sections = {place.section for place in PLACES} | {"exchanges"}
    for section, entries in raw.items():
        if section not in sections or not isinstance(entries, dict):
            line = line_of(text, section, "") or line_of(text, "", section)
            raise SatchelError(f"{where}, line {line or '?'}: {section} is no section{_near(section, sections)}", HINT)
        keys = {place.key for place in PLACES if place.section == section}
        for key in entries if section != "exchanges" else ():
            if key not in keys:
                line = line_of(text, section, key)
                raise SatchelError(
                    f"{where}, line {line or '?'}: {section}.{key} is no setting{_near(key, keys)}", HINT
                )


def _near(name: str, known: set[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, sorted(known), 1)
    return f"; do you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"


def line_of(text: str, section: str, key: str) -> int | None:
    """The line of a key, or with an empty key of the section's header; None where it cannot be told."""
    current = ""
    wanted = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*(=|\.)")
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            current = header[1].replace('"', "").replace("'", "")
            if not key and current == section:
                return number
        elif key and current == section and wanted.match(line):
            return number
    return None


def settings_text(settings: Settings) -> str:
    """A new `satchel.toml`: what every home has, and what is not as by default."""
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
        *(f"{quote(name)} = {exchange.as_toml()}" for name, exchange in settings.exchanges.items()),
        "",
    ]
    section = ""
    for place, value in _changed(settings):
        if place.section != section:
            lines += [*([""] if section else []), f"[{place.section}]"]
            section = place.section
        lines.append(f"{place.key} = {quote(value)}")
    return "\n".join([*lines, ""])


def _changed(settings: Settings) -> Iterator[tuple[Place, object]]:
    """What is not as by default, below the sections that every home has."""
    limits = settings.limits.changed()
    for place in PLACES:
        group, _, name = place.field.partition(".")
        if place.section in ("node", "network", "database"):
            continue
        if group == "hooks":
            if name in settings.hooks:
                yield place, settings.hooks[name]
        elif group == "limits":
            if name in limits:
                yield place, limits[name]
        elif (value := getattr(settings, place.field)) not in (default_of(place.name), ()):
            yield place, list(value) if isinstance(value, tuple) else value
