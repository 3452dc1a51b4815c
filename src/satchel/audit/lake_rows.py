"""The rows of a lake's files: the user's columns, then what `_change` says as columns of their own, then the packet.

Flat columns instead of a struct: any engine skips what it is not asked for, and DuckDB reads a column of few values
twenty times faster than out of a struct that comes through Arrow (ADR 31).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from satchel.audit.lake_names import FLAT, PACKET_COLUMN, lake_name
from satchel.model.schema import Table
from satchel.packet.part import HashingFile
from satchel.packet.rows import CHANGE_TYPE, arrow_type
from satchel.packet.table import CHANGE_COLUMN

ROW_GROUP_ROWS = 32_768
_FEW_VALUES = 1_000
_SAMPLE = 32_768


def lake_schema(table: Table) -> pa.Schema:
    """The columns of a lake's files of one table."""
    own = [pa.field(lake_name(column.name), arrow_type(column)) for column in table.columns]
    ours = [pa.field(name, field.type) for name, field in zip(FLAT, CHANGE_TYPE, strict=True)]
    return pa.schema([*own, *ours, pa.field(PACKET_COLUMN, pa.string())])


def flatten(table: Table, batch: pa.RecordBatch, packet: str) -> pa.RecordBatch:
    """Rows of a part, checked, as they stand in a lake. `packet`: the manifest's hash."""
    change = batch.column(CHANGE_COLUMN)
    fields = [change.field(place) for place in range(change.type.num_fields)]
    name = pa.repeat(pa.scalar(packet, pa.string()), batch.num_rows)
    own = [batch.column(column) for column in table.names]
    return pa.RecordBatch.from_arrays([*own, *fields, name], schema=lake_schema(table))


def write_sorted(path: Path, table: Table, rows: pa.Table) -> tuple[str, int]:
    """Writes rows ordered by identity and then by stamp into a new file, flushed; returns its sha256 (hex) and size. So
    the statistics of a file lead to the few row groups that can hold a key."""
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in _identity(table)])
    sink = HashingFile(path)
    try:
        with _writer(sink, rows, table) as writer:
            for start in range(0, rows.num_rows, ROW_GROUP_ROWS):
                group = rows.take(order.slice(start, ROW_GROUP_ROWS))
                writer.write_table(group, row_group_size=ROW_GROUP_ROWS)
        return sink.sync(), sink.size
    finally:
        sink.close()


def _identity(table: Table) -> Sequence[str]:
    if table.scope == "local":
        return ("_gid", "_stamp")
    return (*map(lake_name, table.key), "_stamp")


def _writer(sink: HashingFile, rows: pa.Table, table: Table) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        sink,
        lake_schema(table),
        compression="zstd",
        compression_level=3,
        use_dictionary=_dictionaries(rows, table),
        write_statistics=True,
        write_page_checksum=True,
        store_schema=False,
    )


def _dictionaries(rows: pa.Table, table: Table) -> list[str]:
    """As in packets: only where there are few values (docs/spec/packet.md, P2)."""
    sample = rows.slice(0, _SAMPLE)
    few = min(_FEW_VALUES, sample.num_rows // 8)
    own = [lake_name(name) for name in table.names]
    found = [n for n in own if "." not in n and pc.count_distinct(sample.column(n)).as_py() <= few]
    lists = ["_columns.list.element", "_lineage.list.element.origin", "_lineage.list.element.columns.list.element"]
    return [*found, "_origin", "_op", "_by", PACKET_COLUMN, *lists]
