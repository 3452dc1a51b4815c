"""The versions of one row out of a lake: its files are sorted by identity, so statistics lead to few row groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs

from satchel.audit.held import Held
from satchel.audit.lake_names import FLAT, PACKET_COLUMN, lake_name
from satchel.audit.lake_relations import Covered, LakeRelations
from satchel.audit.lake_rows import lake_schema
from satchel.model.schema import Table
from satchel.packet.rows import CHANGE_TYPE, arrow_schema

Field = Callable[[str | None], ds.Expression]
Filter = Callable[[Table, Field], ds.Expression]


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of one packet, in the form of a part."""

    packet: Held
    table: Table
    rows: pa.RecordBatch


def lake_rows(lake: LakeRelations, table: str, packets: Sequence[Held], where: Filter) -> tuple[list[Found], set[str]]:
    """Rows of these packets' parts of a table that pass a filter, and the hashes of the packets that the lake has.
    `where(table, field)`: the filter for a shape of the table, `field` a column by its name, without one the gid.
    ArrowException, OSError: a file cannot be read."""
    of_hash = {packet.hash: packet for packet in packets}
    covered, known = lake.covering(table, of_hash.keys())
    found: list[Found] = []
    for entries in _by_shape(covered).values():
        shape = entries[0].table
        for batch in _scan(lake, entries, where(shape, _field)):
            found += _apart(batch, shape, of_hash)
    return found, known


def _by_shape(covered: Sequence[Covered]) -> dict[str, list[Covered]]:
    found: dict[str, list[Covered]] = {}
    for entry in covered:
        found.setdefault(entry.file.shape, []).append(entry)
    return found


def _field(column: str | None) -> ds.Expression:
    return pc.field("_gid" if column is None else lake_name(column))


def _scan(lake: LakeRelations, entries: Sequence[Covered], where: ds.Expression) -> Iterator[pa.RecordBatch]:
    scan = ds.ParquetFragmentScanOptions(page_checksum_verification=True)
    dataset = ds.FileSystemDataset.from_paths(
        [str((lake.folder / entry.file.path).absolute()) for entry in entries],
        schema=lake_schema(entries[0].table),
        format=ds.ParquetFileFormat(default_fragment_scan_options=scan),
        filesystem=fs.LocalFileSystem(),
    )
    yield from dataset.to_table(filter=where).to_batches()


def _apart(batch: pa.RecordBatch, shape: Table, of_hash: dict[str, Held]) -> Iterator[Found]:
    """The rows by packet; those of packets that are not shown are left out."""
    change = pa.StructArray.from_arrays([batch.column(name) for name in FLAT], fields=list(CHANGE_TYPE))
    own = [batch.column(lake_name(name)) for name in shape.names]
    rows = pa.RecordBatch.from_arrays([*own, change], schema=arrow_schema(shape))
    for place, digest in enumerate(batch.column(PACKET_COLUMN).to_pylist()):
        if digest in of_hash:
            yield Found(of_hash[digest], shape, rows.slice(place, 1))
