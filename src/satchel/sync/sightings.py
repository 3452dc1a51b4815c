"""What was seen and could not be used, and since when: packets that lie at an exchange and are not whole, or wait for a
card or an upgrade; packets that others wait for (PROTOCOL, Exchange folders: incomplete; Trouble: gap).

It stands in the notes of the database, so that patience has an end: an incomplete packet is reported after a grace
time, and what has been missing for long makes status loud. Nothing is decided by it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePath

from satchel.exchange.names import MARKER
from satchel.model.ids import ORIGIN_NAME
from satchel.sync.site import Site, now_ms

NOTE = "sightings"
_MOST = 1000  # of each list


@dataclass(frozen=True, slots=True)
class Sighting:
    """A packet at an exchange that was not taken. `needs`: what it waits for; `incomplete`: the rest of its own files;
    `since`: ms since 1970 UTC."""

    packet: str
    needs: str
    where: str
    since: int
    incomplete: bool


@dataclass
class Sightings:
    """The memory of one site. Changes are in memory until `save`."""

    seen: dict[str, Sighting] = field(default_factory=dict)  # where -> what
    missing: dict[str, int] = field(default_factory=dict)  # what others wait for -> since, ms since 1970 UTC
    now: int = field(default_factory=now_ms)
    fresh: set[str] = field(default_factory=set)  # places that were looked at in this run and are not whole

    @classmethod
    def of(cls, site: Site) -> Sightings:
        """As the last run left it; a note that cannot be read is an empty memory."""
        try:
            raw = json.loads(site.notes.get(NOTE, "{}"))
            seen = [
                Sighting(str(packet), str(needs), str(where), int(since), bool(incomplete))
                for packet, needs, where, since, incomplete in raw.get("seen", ())
            ]
            missing = {str(name): int(since) for name, since in raw.get("missing", {}).items()}
        except (ValueError, TypeError, AttributeError):
            return cls()
        return cls({sighting.where: sighting for sighting in seen}, missing)

    def see(self, packet: str, needs: str, where: str, *, incomplete: bool) -> Sighting:
        """Notes a packet that cannot be taken now; `since` is that of the first time."""
        before = self.seen.get(where)
        since = min(before.since, self.now) if before is not None else self.now
        self.fresh.add(where)
        self.seen[where] = Sighting(packet, needs, where, since, incomplete)
        return self.seen[where]

    def age(self, where: str) -> int:
        """Milliseconds since something was first seen to be incomplete there; 0 for what is new."""
        before = self.seen.get(where)
        return max(0, self.now - before.since) if before is not None else 0

    def settle(self, visited: Iterable[str], is_here: Callable[[str], bool], wanted: Iterable[str]) -> None:
        """Forgets what is not there any more or came by another way; `visited`: folders that were looked at; `wanted`:
        all that something waits for now."""
        folders = [PurePath(folder) for folder in visited]
        self.seen = {
            where: sighting
            for where, sighting in self.seen.items()
            if not is_here(sighting.packet)
            and (where in self.fresh or not any(PurePath(where).is_relative_to(folder) for folder in folders))
        }
        names = list(dict.fromkeys(wanted))[:_MOST]
        self.missing = {name: min(self.missing.get(name, self.now), self.now) for name in names}

    def save(self, site: Site) -> None:
        """Writes it, if anything changed."""
        newest = sorted(self.seen.values(), key=lambda s: (s.since, s.where))[:_MOST]
        seen = [[s.packet, s.needs[:500], s.where, s.since, s.incomplete] for s in newest]
        text = json.dumps({"seen": seen, "missing": self.missing}) if seen or self.missing else ""
        if text != site.notes.get(NOTE, ""):
            site.note(**{NOTE: text})


def in_words(age: int) -> str:
    """A length of time (ms) as people say it."""
    for unit, size in (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000)):
        if age >= size:
            count = age // size
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"


def is_here(site: Site, taken: set[str]) -> Callable[[str], bool]:
    """Tells whether a packet, as `site-a/12`, is applied, in the archive, or came in this run."""
    vector = site.store.vector()
    root = site.home.packets / site.archive.network

    def known(packet: str) -> bool:
        origin, _, seq = packet.partition("/")
        if packet in taken or not (seq.isascii() and seq.isdecimal() and ORIGIN_NAME.fullmatch(origin)):
            return packet in taken
        mark = vector.get(origin)
        if mark is not None and int(seq) <= mark.seq:
            return True
        return any((root / origin).glob(f"{int(seq):010d}-*/{MARKER}"))

    return known
