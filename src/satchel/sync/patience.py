"""Patience and its end: what waits is remembered with its time, and what has waited for long is said loudly
(issue 4: never give up silently). Nothing is ever given up: it is applied whenever it comes."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.model.stamp import rfc3339
from satchel.packet.wire import time_value
from satchel.sync.quarantine import COPY, Entry
from satchel.sync.sightings import Sighting, Sightings, in_words, is_here

if TYPE_CHECKING:
    from satchel.sync.collecting import Collector
    from satchel.sync.report import Report
    from satchel.sync.site import Site

_DAY_MS = 24 * 60 * 60 * 1000
_NAMED_BEFORE = 100  # packets before a missing one: whoever has the rest sends it anyway
_NAMED = 3  # of each kind: the rest is counted
_DOT = re.compile(r"([a-z0-9][a-z0-9.~-]*)/[0-9]+")
_ITSELF = "(waits itself)"
_ANOTHER = " (another packet of that number is here)"

Waits = Sequence[Mapping[str, str]]


def remember(collector: Collector, report: Report) -> None:
    """After a run: notes what could not be taken and what is missing, each with the time when it was first noticed."""
    sightings, site = collector.sightings, collector.site
    sightings.settle(collector.visited, is_here(site, collector.taken), _causes(report.waiting))
    sightings.save(site)
    whole = [entry for entry in report.waiting if "where" not in entry or not is_rest(entry)]
    report.warnings += [f"{entry['what']}; {entry['hint']}" for entry in overdue(site, sightings, whole, (), ())]


def is_rest(entry: Mapping[str, str]) -> bool:
    """Whether a packet waits for its own files, at the place where it lies."""
    return "where" in entry and entry["for"].startswith("the rest of its files")


def _causes(waiting: Waits) -> Iterator[str]:
    """What is waited for, without what waits itself: that names its own cause."""
    return (entry["for"] for entry in waiting if "where" not in entry and not entry["for"].endswith(_ITSELF))


def wanted(waiting: Waits, hashes: Mapping[str, str]) -> dict[str, str]:
    """Packets that are to be sent again, as `site-a/12`, with the hash (16 digits) that they must have, where that is
    known (`hashes`: by what is waited for): what others wait for and is not here, and what is not whole."""
    found: dict[str, str] = {}
    for entry in waiting:
        own = is_rest(entry)
        name = entry["packet"] if own else entry["for"].removesuffix(_ANOTHER)
        if _DOT.fullmatch(name):
            found[name] = "" if own else hashes.get(entry["for"], "")
    return found


def gaps_before(site: Site, names: Iterable[str]) -> Iterator[str]:
    """Packets that are missing before missing ones: a manifest names only the last of what its author had."""
    vector, known = site.store.vector(), is_here(site, set())
    done: set[str] = set()
    for name in names:
        origin, _, seq = name.partition("/")
        if origin in done or "~" in origin:  # a branch begins where its fork is
            continue
        done.add(origin)
        first = vector[origin].seq + 1 if origin in vector else 1
        numbers = range(max(first, int(seq) - _NAMED_BEFORE), int(seq))
        yield from (f"{origin}/{number}" for number in numbers if not known(f"{origin}/{number}"))


def is_wanted(entry: Entry) -> bool:
    """Whether a good copy of what is in quarantine would help, and it is known of what."""
    return entry.kind == COPY and _DOT.fullmatch(entry.packet) is not None


def standing(sightings: Sightings) -> tuple[list[dict[str, str]], list[Sighting]]:
    """What lies at exchanges: what waits for a card or an upgrade [{packet, for, where}], and what is not whole."""
    waits = [s for s in sightings.seen.values() if not s.incomplete]
    return (
        [{"packet": s.packet, "for": s.needs, "where": s.where} for s in waits],
        [s for s in sightings.seen.values() if s.incomplete],
    )


def incomplete_json(site: Site, sightings: Sequence[Sighting], now: int) -> list[dict[str, Any]]:
    """[{packet, needs, where, since, overdue}]; `overdue`: the grace time has passed."""
    grace = site.settings.grace_minutes * 60_000
    return [
        {
            "packet": s.packet,
            "needs": s.needs,
            "where": s.where,
            "since": rfc3339(s.since),
            "overdue": now - s.since >= grace,
        }
        for s in sightings
    ]


def overdue(
    site: Site, sightings: Sightings, waiting: Waits, quarantined: Sequence[Entry], incomplete: Waits
) -> list[dict[str, str]]:
    """[{what, hint}]: what has lasted so long that a person has to see to it, the gravest first."""
    loud = site.settings.loud_after_days * _DAY_MS
    bad = {entry.where for entry in quarantined}
    found = [
        *_some(_gaps(sightings, waiting, loud), "packets have been missing for long"),
        *_some(_bad(site, quarantined, sightings.now, loud), "packets have been in quarantine for long"),
        *_some(
            (_rest(entry, sightings.now) for entry in incomplete if entry["overdue"] and entry["where"] not in bad),
            "packets are incomplete",
        ),
    ]
    return [{"what": what, "hint": hint} for what, hint in found]


def _gaps(sightings: Sightings, waiting: Waits, loud: float) -> Iterator[tuple[str, str]]:
    held_up: dict[str, set[str]] = defaultdict(set)
    for entry in waiting:
        held_up[entry["for"]].add(entry["packet"])
    seen = {(s.packet, s.needs): s.since for s in sightings.seen.values()}
    for needs, packets in held_up.items():
        first_seen = [seen[packet, needs] for packet in packets if (packet, needs) in seen]
        age = sightings.now - min([sightings.missing.get(needs, sightings.now), *first_seen])
        if needs.endswith(_ITSELF) or age < loud:
            continue
        match = _DOT.match(needs)
        if match is None:
            first = min(packets)
            more = f" and {len(packets) - 1:,} more" if len(packets) > 1 else ""
            yield f"{first}{more} has been waiting for {needs} for {in_words(age)}", _what_to_do(needs)
            continue
        many = f"{len(packets):,} packets wait" if len(packets) > 1 else f"{min(packets)} waits"
        node = match[1].partition(".")[0].partition("~")[0]
        yield (
            f"{needs} has been missing for {in_words(age)}, and {many} for it",
            f"ask {node}, or any site that has it, to sync with a share or stick that comes here;"
            " if nobody has it any more, an admin's `satchel snapshot` brings its rows",
        )


def _what_to_do(needs: str) -> str:
    if needs.startswith("an upgrade"):
        return "install the newer satchel here; the packet is taken then"
    return "bring the exchange's folder nodes/, or sync with a site that has it"


def _bad(site: Site, quarantined: Iterable[Entry], now: int, loud: float) -> Iterator[tuple[str, str]]:
    known = is_here(site, set())
    for entry in quarantined:
        if entry.kind != COPY or not entry.hash:
            continue  # of what no member signed nothing is missed; what is missed shows as a gap
        if known(entry.packet) and not Path(entry.where).is_relative_to(site.home.packets.absolute()):
            continue  # it came by another way; only a copy that the archive has lost is missed all the same
        age = now - _moment(entry.since, now)
        if age >= loud:
            yield (
                f"{entry.packet} has been in quarantine for {in_words(age)}, and no good copy has come",
                f"see `satchel quarantine show {entry.id}`; sync with a site that has the packet",
            )


def _moment(text: str, otherwise: int) -> int:
    try:
        return time_value(text)
    except ValueError:
        return otherwise


def _rest(entry: Mapping[str, str], now: int) -> tuple[str, str]:
    age = in_words(now - _moment(entry["since"], now))
    return (
        f"{entry['packet']} at {entry['where']} has been incomplete for {age}",
        f"it waits for {entry['needs']}: copy all of them there once more, or remove the folder",
    )


def _some(found: Iterable[tuple[str, str]], rest: str) -> Iterator[tuple[str, str]]:
    everything = list(found)
    yield from everything[:_NAMED]
    if len(everything) > _NAMED:
        yield f"{len(everything) - _NAMED:,} more {rest}", "see `satchel status --json`"
