"""A home that is older than its database, or came without an archive since the database was copied: packets that were
applied and are not in the archive.

Nothing is wrong with the sequence then, and no epoch opens. But what the archive lacks cannot be carried to others, and
cannot be verified: it is asked for, and named until it is there again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from satchel.errors import SatchelError
from satchel.exchange.names import MARKER
from satchel.exchange.pruned import is_pruned
from satchel.model.ids import Dot, node_of, parse_dot, trunk_of
from satchel.sync.agreeing import is_behind

if TYPE_CHECKING:
    from satchel.stores.packet_record import PacketRecord
    from satchel.sync.site import Site
    from satchel.sync.visit import Visit

_NAMED = 5  # packets in a warning


def look_for_missing(site: Site, visits: Sequence[Visit], *, dry_run: bool) -> None:
    """Mends what a home that was restored has forgotten: the configuration, the witness; notes which packets the
    archive lacks. SatchelError: the configuration that the database follows is nowhere."""
    from satchel.sync.snapshots import held_snapshots

    _bring_back_configuration(site, visits)
    if dry_run:
        return
    older = _is_older(site)
    _mend_witness(site)
    known = missing(site)
    if not older and not known:
        return
    found = [record for record in (site.store.packets_after({}) if older else known) if not _is_here(site, record)]
    held = held_snapshots(site) if found else []
    found = [record for record in found if not any(snapshot.covers(record.dot) for snapshot in held)]
    if found != known:
        site.note(missing=json.dumps([str(record.dot) for record in found]))
        site.untold = True
    if found:
        names = ", ".join(str(record.dot) for record in found[:_NAMED]) + (", ..." if len(found) > _NAMED else "")
        count = "1 packet" if len(found) == 1 else f"{len(found):,} packets"
        site.warnings.append(
            f"not in the archive, though the database has applied it: {count} ({names}), as after a restored home or a"
            " copied database; whoever has it sends it"
        )


def missing(site: Site) -> list[PacketRecord]:
    """Applied packets that the archive had lost when somebody looked last."""
    names = json.loads(site.notes.get("missing", "[]"))
    # one that was taken out again since is missed by nobody
    return [record for name in names if (record := site.store.packet(parse_dot(name))) is not None]


def _bring_back_configuration(site: Site, visits: Sequence[Visit]) -> None:
    from satchel.sync.traces import read_listed

    if not is_behind(site):
        return
    for stop in visits:
        site.add_node_files(read_listed(stop, stop.listing.nodes))
    if is_behind(site):
        raise SatchelError(
            "the home is older than its database: the configuration that the database follows is not in it",
            "sync with a share or stick that has it (its folder nodes/), or put the newer home back",
        )


def _is_older(site: Site) -> bool:
    """Whether the home lacks the last acknowledgement that the database knows of, or the last packet."""
    ack = site.acks().get(site.settings.node)
    written = int(site.notes.get("acknowledged", "0"))
    if written > (int(ack.counter) if ack else 0):
        return True
    witness = site.home.witness()
    vector = site.store.vector()
    return bool(witness) and any(
        o == site.origin and Dot(o, mark.seq) not in witness for o, mark in vector.items() if o == trunk_of(o)
    )


def _mend_witness(site: Site) -> None:
    """The witness is never behind the database for long."""
    witness = {dot.origin: dot.seq for dot in site.home.witness()}
    for origin, mark in site.store.vector().items():
        if node_of(origin) == site.settings.node and origin == trunk_of(origin):
            record = site.store.packet(Dot(origin, mark.seq)) if witness.get(origin, 0) < mark.seq else None
            if record is not None:
                site.home.bear_witness(record.dot, record.hash)


def _is_here(site: Site, record: PacketRecord) -> bool:
    relative = site.archive.relative(trunk_of(record.dot.origin), record.dot.seq, record.suffix)
    folder = site.archive.packet_folder(relative)
    return (folder / MARKER).is_file() or is_pruned(folder)
