"""`satchel quarantine`: listing what is not trusted, looking at it, trying it again, removing it (ADR 22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from satchel.errors import BadPacket, FormatTooNew, SatchelError, UsageError
from satchel.exchange.base import Exchange
from satchel.exchange.listing import Place, read_sizes
from satchel.exchange.tree import PacketTree
from satchel.files import FileTrouble, read_limited
from satchel.packet.envelope import read_envelope
from satchel.packet.manifest import Manifest
from satchel.packet.problem import Waiting
from satchel.packet.verify import read_manifest
from satchel.sync.collecting import Collector
from satchel.sync.quarantine import REASON, Entry, Quarantine
from satchel.sync.report import Report
from satchel.sync.running import again
from satchel.sync.sightings import is_here
from satchel.sync.site import ENVELOPE_LIMIT, Site, now_ms

RELEASED, REFUSED, WAITS, NOT_KEPT = "released", "refused", "waits", "not kept"
NO_WHOLE_COPY = "no whole copy is kept here; the next import from where the packet lies takes it"


def quarantine_of(site: Site, *, dry_run: bool = False) -> Quarantine:
    """The site's quarantine."""
    return Quarantine(site.home.quarantine, now_ms(), dry_run=dry_run)


def list_quarantine(site: Site) -> dict[str, Any]:
    """{quarantined: [{packet, reason, id, file, since, where}]}."""
    return {"quarantined": [entry.as_json() for entry in quarantine_of(site).entries()]}


def show(site: Site, id_: str) -> dict[str, Any]:
    """One entry: its fields, {files: [{file, bytes}]} that are kept, {says} what its manifest says of itself,
    unverified (None: nothing readable), {applied}: whether a good copy is here. UsageError: no entry of that name."""
    quarantine = quarantine_of(site)
    entry = find(quarantine, id_)
    folder = quarantine.folder / entry.id
    files = [{"file": name, "bytes": size} for name, size in read_sizes(folder).values() if name != REASON]
    found = {**asdict(entry), "files": files, "says": _says(quarantine, entry)}
    return {**found, "applied": is_here(site, set())(entry.packet)}


def find(quarantine: Quarantine, id_: str) -> Entry:
    """The entry of that id, or of that packet, or whose id begins so, if there is one only. UsageError otherwise."""
    entries = quarantine.entries()
    for found in (
        [entry for entry in entries if entry.id == id_],
        [entry for entry in entries if entry.packet == id_],
        [entry for entry in entries if id_ and entry.id.startswith(id_)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(entry.id for entry in found[:5])
            raise UsageError(f"{id_} means several entries: {names}", "name one of them by its whole id")
    raise UsageError(f"nothing in quarantine is called {id_}", "see `satchel quarantine`")


def _says(quarantine: Quarantine, entry: Entry) -> dict[str, Any] | None:
    try:
        data = read_limited(quarantine.folder / entry.id / "manifest.json", ENVELOPE_LIMIT)
        manifest = Manifest.parse(read_envelope(data).payload)
    except (BadPacket, FormatTooNew, FileTrouble):
        return None
    tables = [{"table": table.name, "file": table.file, "rows": table.rows} for table in manifest.tables]
    said = {"packet": str(manifest.dot), "network": manifest.network.name, "created": manifest.created}
    return {**said, "software": manifest.software, "tables": tables}


def release(
    site: Site, ids: Sequence[str], *, every: bool = False, dry_run: bool = False
) -> tuple[Report, list[dict[str, str]]]:
    """Tries again what is in quarantine, from the files that are kept there: after a card arrived, an upgrade, a limit
    was raised. What is good now is applied like any other packet. Returns the report of the run, and what became of
    each [{packet, id, outcome: released | refused | waits | not kept, reason}]. UsageError: no entry of that name."""
    quarantine = quarantine_of(site, dry_run=dry_run)
    chosen = quarantine.entries() if every else [find(quarantine, id_) for id_ in ids]
    if not chosen:
        return Report(dry_run=dry_run), []
    exchange = PacketTree(quarantine.folder, quarantine.folder)
    outcomes: list[dict[str, str]] = []

    def collect(collector: Collector) -> None:
        for entry in chosen:
            outcome, reason = _try_again(collector, exchange, entry)
            outcomes.append({"packet": entry.packet, "id": entry.id, "outcome": outcome, "reason": reason})

    report = again(site, "quarantine release", collect, dry_run=dry_run)
    refused = {entry["packet"]: entry["reason"] for entry in report.quarantined}
    for outcome in outcomes:  # it verified, and could not be applied, as before
        if outcome["outcome"] == RELEASED and outcome["packet"] in refused:
            outcome |= {"outcome": REFUSED, "reason": refused[outcome["packet"]]}
    return report, outcomes


def _try_again(collector: Collector, exchange: Exchange, entry: Entry) -> tuple[str, str]:
    """What becomes of one entry, and why."""
    place = Place(collector.quarantine.folder / entry.id, entry.id)
    try:
        marker = exchange.read_marker(place, ENVELOPE_LIMIT)
        if marker is None:
            return NOT_KEPT, NO_WHOLE_COPY
        signed = read_manifest(marker, collector.site.members, collector.site.settings.limits)
        if isinstance(signed, Waiting):
            return WAITS, signed.needs
        revoked = collector.site.cuts.refuses(signed.manifest)
        if revoked is not None:
            return REFUSED, revoked
        if collector.take(exchange, place, signed):
            return NOT_KEPT, NO_WHOLE_COPY
    except BadPacket as bad:
        return REFUSED, str(bad)
    return RELEASED, ""


def remove(
    site: Site, ids: Sequence[str], *, every: bool = False, yes: bool = False, dry_run: bool = False
) -> list[dict[str, str]]:
    """Removes what is in quarantine for good. SatchelError unless a good copy is here or `yes` is said: nothing was
    removed then. Returns the removed entries. UsageError: no entry of that name."""
    quarantine = quarantine_of(site, dry_run=dry_run)
    chosen = quarantine.entries() if every else [find(quarantine, id_) for id_ in ids]
    known = is_here(site, set())
    only = [entry for entry in chosen if not known(entry.packet)]
    if only and not yes:
        names = ", ".join(entry.packet for entry in only[:5]) + (" ..." if len(only) > 5 else "")
        raise SatchelError(
            f"no good copy of {names} has come here yet: nothing was removed",
            "wait until it comes, or say --yes to remove what is known of it",
        )
    for entry in chosen if not dry_run else ():
        quarantine.remove(entry)
    return [entry.as_json() for entry in chosen]
