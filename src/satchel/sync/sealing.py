"""Seal: pending changes become signed packets in the archive (PROTOCOL, Seal: write-ahead).

1. the store freezes what is pending; 2. parts into the archive, flushed, without manifest; 3. the exact manifests into
the store, committed, then the witness; 4. manifests into the archive, then the log rows go. A start before 3 discards
the parts, after it `finish` goes on with 4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import Overtaken, SatchelError
from satchel.exchange.listing import read_sizes
from satchel.files import remove_folder
from satchel.model.ids import Dot, trunk_of
from satchel.model.progress import counting, stage
from satchel.packet.envelope import read_envelope
from satchel.packet.manifest import Manifest
from satchel.stores.base import Applying, Delta
from satchel.stores.counts import RowCounts
from satchel.stores.records import Sealed, Stretch
from satchel.sync.branches import own_context, wire_context
from satchel.sync.origins import predecessor
from satchel.sync.site import SOFTWARE, Site, now_ms
from satchel.sync.standing import may_seal

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from satchel.model.vector import Vector

Write = Callable[[Site, Delta], list[Sealed]]


def publish_unfinished(site: Site) -> None:
    """Manifests that are recorded are written."""
    for _, packets in groupby(site.store.unpublished(), key=lambda packet: packet.dot.origin):
        publish(site, [packet for packet in packets if _has_parts(site, packet)])


def _has_parts(site: Site, packet: Sealed) -> bool:
    """Whether the parts are there. They are flushed before the packet is recorded: where they are missing, the home was
    put back from an older backup, and the packet is asked for like everything that the archive lacks."""
    relative = site.archive.relative(trunk_of(packet.dot.origin), packet.dot.seq, packet.suffix)
    manifest = Manifest.parse(read_envelope(packet.envelope).payload)
    there = read_sizes(site.archive.packet_folder(relative))
    if all(there.get(name, ("", -1))[1] == size for name, size in manifest.sizes.items()):
        return True
    site.warnings.append(f"the files of {packet.dot} are gone: the home is older than its database")
    return False


def seal_pending(site: Site, fates: RowCounts | None = None) -> list[Sealed]:
    """Seals what is pending; nothing in a node that is joining. The caller has looked before (visit.look). `fates`
    is told what became of rows, since an edit here can take a value from a row or free it for one."""
    if site.joining or not may_seal(site):
        return []
    fates = RowCounts() if fates is None else fates
    try:
        return _seal_frozen(site, fates)
    except Overtaken:
        return _seal_locked(site, fates)


def _seal_frozen(site: Site, fates: RowCounts) -> list[Sealed]:
    """The application goes on writing meanwhile. Overtaken: nothing was sealed."""
    with site.store.delta(site.rules) as delta:
        if delta is None:
            return []
        sealed = write_parts(site, delta)
        try:
            delta.record(sealed, site.rules)
        except Overtaken:
            discard(site, sealed)
            raise
        publish(site, sealed)
        delta.release()
        fates.add_fates(delta.counts)
    return sealed


def _seal_locked(site: Site, fates: RowCounts) -> list[Sealed]:
    """The application waits: rare, and only as long as it takes to write the parts."""
    with site.store.applying() as applying:
        sealed = seal_late(site, applying, fates)
        applying.commit()
    publish(site, sealed)
    return sealed


def seal_late(site: Site, applying: Applying, fates: RowCounts, write: Write | None = None) -> list[Sealed]:
    """What is pending under the store's lock, its parts written by `write`. It is published after the commit."""
    if not may_seal(site):
        return []
    with applying.delta(site.rules) as delta:
        if delta is None:
            return []
        sealed = (write or write_parts)(site, delta)
        delta.record(sealed, site.rules)
        fates.add_fates(delta.counts)
    return sealed


def pretend(site: Site, delta: Delta) -> list[Sealed]:
    """What is pending as one packet that nobody will see, for a dry run: what arrives meets it as after a seal."""
    vector = site.store.vector()
    last = vector.get(site.own_origin)
    seq = last.seq + 1 if last else 1
    stretches = [Stretch(table, 0, count) for table, count in delta.rows.items()]
    return [
        Sealed(
            Dot(site.own_origin, seq),
            "0" * 64,
            "0" * 8,
            (seq, seq),
            vector,
            delta.kind,
            b"",
            now_ms(),
            delta.rows,
            stretches,
        )
    ]


def write_parts(site: Site, delta: Delta) -> list[Sealed]:
    """Steps 1 and 2, and the signed manifests; nothing is recorded yet. Works inside an apply, too."""
    from satchel.packet.signing import SealFacts, sign_packets
    from satchel.packet.writer import write_packets

    if not delta.rows:
        return []
    vector = site.store.vector()
    origin = site.origin
    last = vector.get(site.own_origin)
    first = last.seq + 1 if last else 1
    tables = {table.name: table for table in site.store.tables()}

    def batches(name: str) -> Iterator[RecordBatch]:
        return counting(delta.batches(name), under_way, lambda batch: batch.num_rows)

    sources = {tables[name]: (lambda name=name: batches(name)) for name in delta.rows}

    def folder_for(seq: int, suffix: str) -> Path:
        return site.archive.open_packet(site.archive.relative(origin, seq, suffix))

    with stage("sealing", "rows", sum(delta.rows.values())) as under_way:
        written = write_packets(folder_for, sources, origin, first)
    facts = SealFacts(
        network=site.network,
        configuration=site.configuration.version,
        kind=delta.kind,  # type: ignore[arg-type]
        context=wire_context(site, vector),
        created=now_ms(),
        software=SOFTWARE,
        predecessor=predecessor(site),
    )
    signed = sign_packets(written, facts, site.key, _previous(site, vector, site.own_origin))
    return [
        Sealed(
            dot=Dot(site.own_origin, packet.dot.seq),
            hash=made.hash,
            suffix=packet.suffix,
            group=made.manifest.group,
            context=own_context(site, vector, made.manifest),
            kind=made.manifest.kind,
            envelope=made.envelope,
            created=made.manifest.created_ms,
            rows=made.manifest.rows,
            stretches=[Stretch(*stretch) for stretch in packet.stretches],
        )
        for packet, made in zip(written, signed, strict=True)
    ]


def _previous(site: Site, vector: Vector, origin: str) -> str | None:
    """The full hash of the own packet before."""
    if origin not in vector:
        return None
    record = site.store.packet(Dot(origin, vector[origin].seq))
    if record is None:
        raise SatchelError(
            f"the database does not know its own packet {origin}/{vector[origin].seq}", "run `satchel doctor`"
        )
    return record.hash


def publish(site: Site, sealed: Sequence[Sealed]) -> None:
    """The witness, then the manifests in order; what is recorded in the store is finished here."""
    if not sealed:
        return
    newest = sealed[-1]
    site.home.bear_witness(Dot(trunk_of(newest.dot.origin), newest.dot.seq), newest.hash)
    for packet in sealed:
        relative = site.archive.relative(trunk_of(packet.dot.origin), packet.dot.seq, packet.suffix)
        manifest = Manifest.parse(read_envelope(packet.envelope).payload)
        site.archive.put_marker(relative, packet.envelope, manifest.sizes)
    site.store.published(newest.dot)


def discard(site: Site, sealed: Sequence[Sealed]) -> None:
    """Takes parts away that were written and will not be recorded."""
    for packet in sealed:
        relative = site.archive.relative(trunk_of(packet.dot.origin), packet.dot.seq, packet.suffix)
        folder = site.archive.packet_folder(relative)
        remove_folder(folder)
        for empty in (folder.parent, folder.parent.parent):  # they were made for it, where it would have been the first
            with suppress(OSError):
                empty.rmdir()
