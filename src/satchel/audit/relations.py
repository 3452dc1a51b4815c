"""What the views stand on, as Arrow: a dataset per table, and tables of packets, acknowledgements, cards, gaps.

DuckDB gets no path. It asks Arrow for rows, and Arrow opens the files that verified, for reading, when a query needs
them (docs/audit/README.md, How it reads). Making a dataset opens no file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as fs

from satchel.audit.branches import dot_of
from satchel.audit.gaps import Gap
from satchel.audit.held import Finding, Held
from satchel.model.ids import node_of
from satchel.model.schema import Table
from satchel.packet.ack import Ack
from satchel.packet.card import CardOnFile
from satchel.packet.keys import PublicKey
from satchel.packet.members import Members
from satchel.packet.rows import arrow_schema
from satchel.replication.branches import Naming

_TIME = pa.timestamp("us")
_LIST = pa.list_(pa.string())
PACKETS = pa.schema(
    [
        ("origin", pa.string()),
        ("seq", pa.int64()),
        ("suffix", pa.string()),
        ("kind", pa.string()),
        ("created", _TIME),
        ("group_first", pa.int64()),
        ("group_last", pa.int64()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
        ("tables", _LIST),
        ("hash", pa.string()),
        ("previous", pa.string()),
        ("context", pa.string()),
        ("configuration", pa.int64()),
        ("signer", pa.string()),
        ("software", pa.string()),
        ("folder", pa.string()),
    ]
)
ACKS = pa.schema(
    [
        ("node", pa.string()),
        ("origin", pa.string()),
        ("counter", pa.int64()),
        ("clock", _TIME),
        ("vector", pa.string()),
        ("waiting", pa.string()),
        ("quarantined", pa.string()),
        ("open_conflicts", pa.int64()),
    ]
)
NODES = pa.schema(
    [
        ("node", pa.string()),
        ("role", pa.string()),
        ("accepted", pa.bool_()),
        ("founder", pa.bool_()),
        ("invited_by", pa.string()),
        ("created", _TIME),
        ("key_id", pa.string()),
        ("key", pa.string()),
    ]
)


GAPS = pa.schema(
    [
        ("origin", pa.string()),
        ("first", pa.int64()),
        ("last", pa.int64()),
        ("hash", pa.string()),
        ("how", pa.string()),
        ("shown_by", pa.string()),
        ("covered", pa.bool_()),
    ]
)
UNVERIFIED = pa.schema(
    [("packet", pa.string()), ("file", pa.string()), ("reason", pa.string()), ("folder", pa.string())]
)


def dataset_of(table: Table, files: Sequence[Path]) -> ds.Dataset:
    """The rows of one table in these files, with the table's columns; page checksums are verified on reading."""
    schema = arrow_schema(table)
    if not files:
        return ds.dataset(schema.empty_table())
    scan = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    return ds.FileSystemDataset.from_paths(
        [str(file.absolute()) for file in files],
        schema=schema,
        format=ds.ParquetFileFormat(default_fragment_scan_options=scan),
        filesystem=fs.LocalFileSystem(),
    )


def packets_table(packets: Iterable[Held], naming: Naming) -> pa.Table:
    """The view `packets`."""
    return pa.Table.from_pylist([_packet(packet, naming) for packet in packets], PACKETS)


def acks_table(acks: Mapping[str, Ack]) -> pa.Table:
    """The view `acks`: the newest of each node."""
    return pa.Table.from_pylist([_ack(acks[node]) for node in sorted(acks)], ACKS)


def nodes_table(cards: Sequence[CardOnFile], members: Members) -> pa.Table:
    """The view `nodes`: every card that is right in itself, accepted or not."""
    rows = [_card(card, members) for card in sorted(cards, key=lambda card: (card.name, card.hash))]
    return pa.Table.from_pylist(rows, NODES)


def gaps_table(gaps: Sequence[Gap]) -> pa.Table:
    """The view `gaps`."""
    rows = [{name: getattr(gap, name) for name in GAPS.names} for gap in gaps]
    return pa.Table.from_pylist(rows, GAPS)


def unverified_table(findings: Sequence[Finding]) -> pa.Table:
    """The view `unverified`: what no other view shows, and why."""
    return pa.Table.from_pylist([finding._asdict() for finding in findings], UNVERIFIED)


def _packet(packet: Held, naming: Naming) -> dict[str, object]:
    manifest = packet.manifest
    return {
        "origin": dot_of(packet, naming).origin,
        "seq": manifest.seq,
        "suffix": manifest.suffix,
        "kind": manifest.kind,
        "created": _moment(manifest.created),
        "group_first": manifest.group[0],
        "group_last": manifest.group[1],
        "rows": sum(part.rows for part in packet.parts),
        "bytes": sum(part.bytes for part in packet.parts),
        "tables": [part.table.name for part in packet.parts],
        "hash": packet.hash,
        "previous": manifest.previous,
        "context": json.dumps(manifest.context),
        "configuration": manifest.configuration,
        "signer": packet.keyid,
        "software": manifest.software,
        "folder": str(packet.folder),
    }


def _ack(ack: Ack) -> dict[str, object]:
    return {
        "node": ack.node,
        "origin": ack.origin,
        "counter": int(ack.counter),
        "clock": _moment(ack.clock),
        "vector": json.dumps(ack.vector),
        "waiting": json.dumps([entry.model_dump(by_alias=True) for entry in ack.waiting]),
        "quarantined": json.dumps([entry.model_dump() for entry in ack.quarantined]),
        "open_conflicts": ack.conflicts,
    }


def _card(card: CardOnFile, members: Members) -> dict[str, object]:
    key = PublicKey.parse(card.card.key)
    return {
        "node": card.name,
        "role": card.role,
        "accepted": members.key_of(node_of(card.name)) == key,
        "founder": key == members.root and card.certificate is None,
        "invited_by": None if card.certificate is None else card.certificate.inviter.node,
        "created": _moment(card.card.created),
        "key_id": key.keyid,
        "key": key.text,
    }


def _moment(text: str) -> datetime:
    """A document's time as UTC without zone: DuckDB hands out times with a zone only where pytz is installed."""
    return datetime.fromisoformat(text).replace(tzinfo=None)
