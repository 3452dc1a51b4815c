"""Writing one part: a Parquet file that is hashed on its way and flushed at the end (docs/spec/packet.md, Parts)."""

from __future__ import annotations

import hashlib
import io
import os
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from satchel.files.faults import fault_point
from satchel.files.trouble import translated
from satchel.model.devices import is_device
from satchel.model.schema import Table
from satchel.packet.rows import arrow_schema
from satchel.packet.table import CHANGE_COLUMN
from satchel.packet.written import Part

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

ROW_GROUP_ROWS = 65_536
ROW_GROUP_BYTES = 32 << 20
_FEW_VALUES = 1_000
_SAMPLE_ROWS = 4_096
# These hold few values in any packet. Parquet's names of leaves, lists spelt out.
_CHANGE_DICTIONARIES = [
    f"{CHANGE_COLUMN}.{leaf}"
    for leaf in (
        "origin",
        "op",
        "by",
        "columns.list.element",
        "lineage.list.element.origin",
        "lineage.list.element.columns.list.element",
        "context.list.element.origin",
        "context.list.element.hash",
        "misfit.list.element.column",
        "misfit.list.element.class",
    )
]
_STEM_LENGTH = 52


class HashingFile(io.RawIOBase):
    """A new file that is hashed while it is written. Parquet never seeks back, so the hash is the file's."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.size = 0
        self._path = path
        self._abandoned = False
        self._hash = hashlib.sha256()
        with translated(path):
            fault_point("create", path)
            self._file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed with this object

    def writable(self) -> bool:
        """It is for writing only."""
        return True

    def tell(self) -> int:
        """Bytes written so far."""
        return self.size

    def write(self, data: Any) -> int:
        """Writes all of it. FileTrouble if the medium refuses."""
        rest = memoryview(data).cast("B")
        total = len(rest)
        if self._abandoned:
            return total
        self._hash.update(rest)
        with translated(self._path):
            fault_point("write", self._path)
            while rest:
                rest = rest[self._file.write(rest) :]
        self.size += total
        return total

    def sync(self) -> str:
        """Flushes the file to the medium; returns its sha256 as hex."""
        with translated(self._path):
            fault_point("fsync", self._path)
            os.fsync(self._file.fileno())
        return self._hash.hexdigest()

    def abandon(self) -> None:
        """What is written from now on goes nowhere: a Parquet writer cannot be left without its footer."""
        self._abandoned = True

    def close(self) -> None:
        """Closes the file; again does nothing."""
        if not self.closed:
            self._file.close()
        super().close()


class PartWriter:
    """One table's file. Rows are gathered to row groups, and each is encoded and written on another thread while the
    next is gathered: two of them at most are held in memory."""

    def __init__(self, folder: Path, table: Table, file: str, *, compress: bool = True) -> None:
        self._table = table
        self._file = file
        self._compress = compress
        self._sink = HashingFile(folder / file)
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_rows = 0
        self._waiting_bytes = 0
        self._rows = 0
        self._thread: Executor | None = None  # of a part that has several row groups
        self._writing: Future[None] | None = None

    def write(self, batch: pa.RecordBatch) -> None:
        """Appends rows in wire form (satchel.packet.rows.wrap)."""
        while batch.num_rows:
            piece = batch.slice(0, ROW_GROUP_ROWS - self._waiting_rows)
            batch = batch.slice(piece.num_rows)
            self._waiting.append(piece)
            self._waiting_rows += piece.num_rows
            self._waiting_bytes += piece.nbytes
            if self._waiting_rows >= ROW_GROUP_ROWS or self._waiting_bytes >= ROW_GROUP_BYTES:
                self._flush_row_group(last=False)

    def finish(self) -> Part:
        """Writes what is left and the footer, flushes the file."""
        self._flush_row_group(last=True)
        self._wait()
        self._leave_thread()
        assert self._writer is not None
        self._writer.close()
        sha256 = self._sink.sync()
        self._sink.close()
        return Part(self._table, self._file, self._rows, self._sink.size, sha256)

    def abandon(self) -> None:
        """Closes what is open after a failure; the file is not a part."""
        self._sink.abandon()
        self._leave_thread()
        if self._writer is not None:
            self._writer.close()
        self._sink.close()

    def _flush_row_group(self, *, last: bool) -> None:
        if self._waiting or self._writer is None:
            rows = pa.Table.from_batches(self._waiting, schema=arrow_schema(self._table))
            if self._writer is None:
                self._writer = self._open(rows, whole=last)
            self._wait()
            self._rows += rows.num_rows
            self._write_row_group(self._writer, rows, last=last)
        self._waiting, self._waiting_rows, self._waiting_bytes = [], 0, 0

    def _write_row_group(self, writer: pq.ParquetWriter, rows: pa.Table, *, last: bool) -> None:
        if last:
            writer.write_table(rows, row_group_size=ROW_GROUP_ROWS)
            return
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor

            self._thread = ThreadPoolExecutor(max_workers=1)
        self._writing = self._thread.submit(writer.write_table, rows, row_group_size=ROW_GROUP_ROWS)

    def _wait(self) -> None:
        """The row group before is written; what went wrong with it is raised here."""
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def _leave_thread(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None

    def _open(self, first: pa.Table, *, whole: bool) -> pq.ParquetWriter:
        """Options follow from the first row group; an order is only claimed where all rows were looked at."""
        dictionaries = _columns_of_few_values(first, self._table) + _CHANGE_DICTIONARIES
        return pq.ParquetWriter(
            self._sink,
            first.schema,
            compression="zstd" if self._compress else "none",
            compression_level=3 if self._compress else None,
            use_dictionary=dictionaries if self._compress else False,
            write_statistics=True,
            write_page_checksum=True,
            store_schema=False,  # an Arrow schema in the footer would be one more thing for readers to decode
            sorting_columns=_order(first, self._table) if whole else None,
        )


def file_name(table: str, taken: Collection[str]) -> str:
    """A part's file name from a table's name: plain, short, unlike those `taken`."""
    plain = unicodedata.normalize("NFKD", table).encode("ascii", "ignore").decode("ascii").lower()
    stem = re.sub(r"[^a-z0-9._-]+", "-", plain).lstrip("._-")[:_STEM_LENGTH].rstrip("._-") or "table"
    if is_device(stem):
        stem = f"t-{stem}"[:_STEM_LENGTH]
    candidate, count = f"{stem}.parquet", 1
    while candidate in taken:
        count += 1
        ending = f"-{count}"
        candidate = f"{stem[: _STEM_LENGTH - len(ending)]}{ending}.parquet"
    return candidate


def _columns_of_few_values(rows: pa.Table, table: Table) -> list[str]:
    """Columns worth a dictionary, judged by the first rows: a dictionary of many values costs more than it saves.
    Parquet takes a dot in a name for a step into a struct, so such a column goes without."""
    sample = rows.slice(0, _SAMPLE_ROWS)
    few = min(_FEW_VALUES, sample.num_rows // 8)
    return [name for name in table.names if "." not in name and pc.count_distinct(sample.column(name)).as_py() <= few]


def _order(rows: pa.Table, table: Table) -> list[pq.SortingColumn] | None:
    """The order of a file, where it is simple and was seen to be true: one key column, compared by value or bytes."""
    [name, *more] = table.key
    column = table.column(name)
    if more or column.type == "float64" or column.collation != "BINARY":
        return None
    keys = rows.column(name)
    if keys.null_count or not pc.all(pc.less(keys.slice(0, len(keys) - 1), keys.slice(1))).as_py():
        return None if len(keys) != 1 or keys.null_count else _by_place(table, name)
    return _by_place(table, name)


def _by_place(table: Table, name: str) -> list[pq.SortingColumn]:
    return [pq.SortingColumn(table.names.index(name))]
