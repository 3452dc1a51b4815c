"""`snapshot`: an admin's node makes the state for late joiners (PROTOCOL, Snapshots and pruning)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import SatchelError, UsageError
from satchel.exchange.folder import open_exchange
from satchel.sync import running
from satchel.sync.report import Report
from satchel.sync.site import Site
from satchel.sync.snapshots import Held, carry, take
from satchel.sync.visit import look, visit


@dataclass(slots=True)
class SnapshotReport:
    """A snapshot that was made. `rows`: versions by table; `vector`: the last packet of each origin that it covers."""

    snapshot: str = ""
    path: str = ""
    vector: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    packets: int = 0
    bytes: int = 0
    sealed: list[str] = field(default_factory=list)
    pending: int = 0
    dropped: list[str] = field(default_factory=list)
    exchange: str = ""
    partial: bool = False
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def snapshot(site: Site, directory: Path | None = None, *, dry_run: bool = False) -> SnapshotReport:
    """Seals, makes a snapshot in the archive, and puts it into an exchange with all that is lacking there.
    SatchelError: this node is no admin; ExchangeUnreachable: nothing was made."""
    _may(site)
    done = SnapshotReport(dry_run=dry_run)
    if directory is not None:
        open_exchange(directory, site.settings.network_id, create=not dry_run)
        done.exchange = str(directory)
    report = Report()
    with running.run(site, "snapshot", report, dry_run=dry_run):
        look(site, visit(site, [] if directory is None else [directory], create=False), dry_run=dry_run)
        if dry_run:
            done.pending = site.store.pending()
            done.vector = {origin: mark.seq for origin, mark in site.store.vector().items()}
            done.packets = sum(done.vector.values())
        else:
            _tell(done, take(site, report))
            done.sealed = list(report.sealed)
    if directory is not None and not dry_run:
        _send(site, directory, done)
    done.warnings += [warning for warning in report.warnings if warning not in done.warnings]
    return done


def _may(site: Site) -> None:
    if site.joining:
        raise UsageError("this node is still joining", "import once from the exchange first")
    if site.members.role(site.settings.node) != "admin":
        raise SatchelError(
            f"{site.settings.node} is no admin: only an admin vouches for a snapshot", "run it at an admin's node"
        )


def _tell(done: SnapshotReport, held: Held) -> None:
    manifest = held.signed.manifest
    done.snapshot, done.path = f"snapshots/{held.name}", str(held.folder)
    done.vector = {origin: mark.seq for origin, mark in held.vector.items()}
    done.rows, done.packets = manifest.rows, manifest.packets.rows
    done.bytes = sum(manifest.sizes.values()) + len(held.signed.envelope)


def _send(site: Site, directory: Path, done: SnapshotReport) -> None:
    """Packets first: who has them needs no snapshot."""
    from satchel.sync.snapshots import held_snapshots

    sent = running.export(site, directory)
    done.sealed += sent.sealed
    done.dropped += sent.dropped
    done.partial |= sent.partial
    done.warnings += sent.warnings
    made = next((held for held in held_snapshots(site) if f"snapshots/{held.name}" == done.snapshot), None)
    if made is None:
        raise SatchelError(f"{done.snapshot} cannot be read again", "check the disk of the home, then run it again")
    report = Report()
    carry(open_exchange(directory, site.settings.network_id), made, report)
    done.dropped += [name for name in report.dropped if name not in done.dropped]
