"""Reading committed sample packets: everything in them, as JSON."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from satchel.model.value import to_json
from satchel.packet.manifest import MANIFEST_NAME
from satchel.packet.members import Members
from satchel.packet.reader import open_packet
from satchel.packet.verify import SignedManifest, read_manifest


def read_samples(archive: Path) -> dict[str, Any]:
    """{packet: {kind, hash, rows: {table: [row with _change]}}} of an archive, verified by its own cards."""
    members = Members.from_files(None, [path.read_bytes() for path in sorted((archive / "nodes").glob("*.json"))])
    found: dict[str, Any] = {}
    for path in sorted(archive.glob(f"*/*/*/{MANIFEST_NAME}")):
        signed = read_manifest(path.read_bytes(), members)
        assert isinstance(signed, SignedManifest), signed
        packet = open_packet(path.parent, signed.manifest)
        rows = {
            table: [_plain(row) for batch in packet.batches(table) for row in batch.to_pylist()]
            for table in signed.manifest.rows
        }
        found[str(signed.manifest.dot)] = {"kind": signed.manifest.kind, "hash": signed.hash, "rows": rows}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value.isoformat() if isinstance(value, datetime) else to_json(value)
