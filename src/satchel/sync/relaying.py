"""A courier without a database: what is wanted is copied from one folder to another, verified (PROTOCOL, Exchange
folders: any node that has a packet brings it; here nobody even is a node)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import BadPacket, UsageError
from satchel.exchange.folder import FolderExchange, open_exchange
from satchel.exchange.listing import Listing, Place
from satchel.exchange.names import packet_path
from satchel.exchange.snapshots import drop_snapshot
from satchel.files import FileTrouble, copy_new
from satchel.model.vector import Mark
from satchel.packet.ack import Ack, open_ack
from satchel.packet.members import Members
from satchel.packet.problem import Waiting
from satchel.packet.receipt import newer
from satchel.packet.snapshot import SignedSnapshot, read_snapshot, snapshot_problems
from satchel.packet.verify import SignedManifest, read_manifest, verify_parts
from satchel.sync.bystander import LIMIT, Bystander, acks_in, newest


@dataclass(slots=True)
class RelayReport:
    """`copied` packets and snapshots, in the order of their writing; `there` how many lay there already; `unwanted` how
    many every member has; `refused` [{packet, reason}]: not copied since they are not right, or not whole yet."""

    network: str = ""
    copied: list[str] = field(default_factory=list)
    bytes: int = 0
    there: int = 0
    unwanted: int = 0
    files: int = 0  # cards, statements and acknowledgements
    refused: list[dict[str, str]] = field(default_factory=list)
    partial: bool = False
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def relay(source: Path, target: Path, *, every: bool = False, dry_run: bool = False) -> RelayReport:
    """Copies what some member lacks by the newest acknowledgements of both folders; with `every` everything. Packets go
    causes first as far as each origin's order goes; each is verified after it was read and before it is written.

    ExchangeUnreachable; UsageError: one folder twice; SatchelError: two networks, or no founder's card there.
    VerificationFailed: cards that fit no founder, or two founders."""
    if target.resolve() == source.resolve():
        raise UsageError("that is one folder and not two", "name where from and where to")
    found = Bystander.at(source)
    here, listing, members = found.exchange, found.listing, found.members
    there = open_exchange(target, members.network.id, create=not dry_run)
    report = RelayReport(members.network.name, dry_run=dry_run)
    had = _had_by_all(members, newest([*found.acks(), *acks_in(there, there.listing(), members)]))
    try:
        for place, signed in _packets(here, listing, members, report):
            _carry(here, there, place, signed, had, report, every=every)
        for place in listing.snapshots:
            _carry_snapshot(here, there, place, members, report)
        if not dry_run:
            _carry_side_files(here, listing, there, members, report)
    except FileTrouble as trouble:  # full, or read-only: what was whole stays
        if not trouble.path.is_relative_to(target):
            raise
        report.partial = True
        report.warnings.append(f"not everything could be written: {trouble.message}; {trouble.hint}")
    return report


def _had_by_all(members: Members, acks: Mapping[str, Ack]) -> Mapping[str, int] | None:
    """Origin -> the last packet that every member has acknowledged; None: somebody said nothing yet. Branches are told
    apart by who applies them: where an acknowledgement names any, everything is taken."""
    awaited = [member.name for member in members.awaited]
    if any(name not in acks for name in awaited):
        return None
    marks: list[Mapping[str, Mark]] = [acks[name].marks for name in awaited]
    if any("~" in origin for each in marks for origin in each) or any(acks[name].wanted for name in awaited):
        return None
    origins = {origin for each in marks for origin in each}
    return {origin: min(each[origin].seq if origin in each else 0 for each in marks) for origin in origins}


def _packets(
    here: FolderExchange, listing: Listing, members: Members, report: RelayReport
) -> Iterator[tuple[Place, SignedManifest]]:
    found: list[tuple[Place, SignedManifest]] = []
    for place in listing.packets:
        try:
            marker = here.read_marker(place, LIMIT)
            signed = None if marker is None else read_manifest(marker, members)
        except (BadPacket, FileTrouble) as bad:
            report.refused.append({"packet": f"{place.origin}/{place.name}", "reason": str(bad)})
            continue
        if isinstance(signed, Waiting):
            report.refused.append({"packet": f"{place.origin}/{place.name}", "reason": f"waits for {signed.needs}"})
        elif signed is not None:
            found.append((place, signed))
    for place in listing.incomplete:
        report.refused.append({"packet": f"{place.origin}/{place.name}", "reason": "it is not whole yet"})
    yield from sorted(found, key=lambda pair: (pair[1].manifest.created, pair[1].manifest.origin, pair[1].manifest.seq))


def _carry(
    here: FolderExchange, there: FolderExchange, place: Place, signed: SignedManifest,
    had: Mapping[str, int] | None, report: RelayReport, *, every: bool,
) -> None:  # fmt: skip
    manifest = signed.manifest
    if not every and had is not None and had.get(manifest.origin, 0) >= manifest.seq:
        report.unwanted += 1
        return
    relative = packet_path(manifest.network.name, manifest.origin, manifest.seq, manifest.suffix)
    if there.has_packet(relative, signed.envelope, manifest.sizes):
        report.there += 1
        return
    with tempfile.TemporaryDirectory(prefix="satchel-") as scratch:
        folder = Path(scratch) / "packet"
        reason = _fetch(here, place, folder, signed)
        if reason:
            report.refused.append({"packet": str(manifest.dot), "reason": reason})
            return
        if not report.dry_run:
            there.publish_packet(relative, {name: folder / name for name in manifest.sizes}, signed.envelope)
    report.copied.append(str(manifest.dot))
    report.bytes += sum(manifest.sizes.values()) + len(signed.envelope)


def _fetch(here: FolderExchange, place: Place, folder: Path, signed: SignedManifest) -> str:
    """Copies the parts and verifies the copies; why they are not good, else empty."""
    try:
        folder.mkdir()
        missing = here.collect_packet(place, folder, signed.manifest.sizes)
    except BadPacket as bad:
        return str(bad)
    if missing:
        return f"{', '.join(missing)}: not whole yet"
    parts = verify_parts(folder, signed.manifest)
    return "; ".join(f"{problem.file}: {problem.reason}" for problem in (*parts.invalid, *parts.incomplete))


def _carry_snapshot(
    here: FolderExchange, there: FolderExchange, place: Place, members: Members, report: RelayReport
) -> None:
    try:
        signed = read_snapshot(here.read_marker(place, LIMIT) or b"", members)
    except BadPacket as bad:
        report.refused.append({"packet": f"snapshots/{place.name}", "reason": str(bad)})
        return
    if not isinstance(signed, SignedSnapshot):
        return
    with tempfile.TemporaryDirectory(prefix="satchel-") as scratch:
        folder = Path(scratch)
        for part, size in signed.manifest.sizes.items():
            copy_new(place.path / part, folder / part, limit=size, flush=False)
        if problems := list(snapshot_problems(folder, signed.manifest)):
            report.refused.append(
                {"packet": f"snapshots/{place.name}", "reason": f"{problems[0].file}: {problems[0].reason}"}
            )
        elif report.dry_run or drop_snapshot(there.path, place.name, folder, signed.envelope, signed.manifest.sizes):
            report.copied.append(f"snapshots/{place.name}")
            report.bytes += sum(signed.manifest.sizes.values())


def _carry_side_files(
    here: FolderExchange, listing: Listing, there: FolderExchange, members: Members, report: RelayReport
) -> None:
    """Cards and statements, those that members signed; acknowledgements that are newer than those that lie there."""
    for path in listing.nodes:
        data = here.read_listed(path, LIMIT)
        relative = f"nodes/{path.name.lower()}"
        with suppress(BadPacket):
            if data is not None and there.read_side_file(relative, LIMIT) != data:
                members.check(data)
                there.put_side_file(relative, data)
                report.files += 1
    for path in listing.acks:
        data, relative = here.read_listed(path, LIMIT), f"acks/{path.name.lower()}"
        with suppress(BadPacket):
            ack = None if data is None else open_ack(data, members)
            old = there.read_side_file(relative, LIMIT)
            known = None if old is None else open_ack(old, members)
            if data is None or ack is None or isinstance(ack, Waiting) or relative != f"acks/{ack.file_name}":
                continue
            if known is None or isinstance(known, Waiting) or newer(ack, known):
                there.put_side_file(relative, data)
                report.files += 1
