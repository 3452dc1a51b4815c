"""Signed packets that no honest writer makes: a member with bad intent, or a broken program with a good key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.manifest import Manifest
from satchel.packet.reader import open_packet
from satchel.packet.rows import wrap
from tests.packet.builders import CUSTOMERS, Acme, customers


def forged_manifest(acme: Acme, key: PrivateKey, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> bytes:
    """A manifest with whatever in it, rightly signed by this key."""
    fields = json.loads(acme.office.sign(acme.office.write(customers(3)))[0].manifest_bytes)
    return seal_envelope(Manifest.payload_type, json.dumps(change(fields)).encode(), [key])


def wire_rows(count: int = 3) -> pa.Table:
    """Good rows as they stand in a part of office/1."""
    return pa.Table.from_batches([wrap(CUSTOMERS, customers(count), "office", 1)])


def parquet_file(path: Path, rows: pa.Table, **options: Any) -> bytes:
    """The rows as a Parquet file."""
    usual = {"compression": "zstd", "write_page_checksum": True, "store_schema": False, **options}
    pq.write_table(rows, path, **usual)
    return path.read_bytes()


def read_forged(acme: Acme, part: bytes, rows: int = 3, limits: Limits = DEFAULT_LIMITS) -> pa.Table:
    """What a reader makes of a packet office/1 whose only part has these bytes, rightly hashed and signed."""
    signed, folder = acme.office.seal(customers(3))
    (folder / "customers.parquet").write_bytes(part)
    fields = signed.manifest.model_dump(mode="json")
    fields["tables"][0] |= {"rows": rows, "bytes": len(part), "sha256": hashlib.sha256(part).hexdigest()}
    manifest = Manifest.parse(json.dumps(fields).encode())
    return pa.Table.from_batches(open_packet(folder, manifest, limits).batches("customers"))
