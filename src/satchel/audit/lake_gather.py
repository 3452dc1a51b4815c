"""Rows of packets on their way into a lake: checked, gathered by table and month, cut into files (ADR 31)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from satchel.audit.held import Held
from satchel.audit.lake_book import NEW, LakeFile, stat_of
from satchel.audit.lake_rows import flatten, lake_schema, write_sorted
from satchel.audit.looking import open_place
from satchel.audit.places import Place
from satchel.errors import BadPacket
from satchel.files import make_folders, open_regular
from satchel.model.schema import Table
from satchel.packet.manifest import TableEntry
from satchel.packet.members import Members
from satchel.packet.part import file_name
from satchel.packet.reader import VerifiedPacket
from satchel.packet.table import fingerprint
from satchel.packet.verify import SignedManifest

FULL_ROWS = 262_144  # a file with more is left as it is
FULL_BYTES = 128 << 20  # likewise, of its rows in memory
TIER = 4  # so many files of one size become one
_SMALLEST = 1_024  # rows


class Series(NamedTuple):
    """What one file holds: rows of one table, in one shape, of packets sealed in one month (`2026-01`, UTC)."""

    table: Table
    shape: str
    period: str


@dataclass(slots=True)
class _Heap:
    batches: list[pa.RecordBatch] = field(default_factory=list)
    packets: set[int] = field(default_factory=set)
    rows: int = 0
    memory: int = 0


@dataclass(slots=True)
class Gatherer:
    """Takes packets, writes files. `folders`: of each table, its folder's name."""

    lake: Path
    folders: dict[str, str]
    written: list[LakeFile] = field(default_factory=list)
    memory: int = 0
    _heaps: dict[Series, _Heap] = field(default_factory=dict)
    _shapes: dict[Table, str] = field(default_factory=dict)

    def take(self, packet: Held, place: int, members: Members) -> None:
        """All rows of a packet. BadPacket: they are not as they must be, and none of them is taken; FileTrouble."""
        found = list(_rows_of(packet, members))
        period = packet.manifest.created[:7]
        for entry, batches in found:
            table = entry.table()
            heap = self._heaps.setdefault(Series(table, self._shape(table), period), _Heap())
            for batch in batches:
                heap.batches.append(batch)
                heap.rows += batch.num_rows
                heap.memory += batch.nbytes
                self.memory += batch.nbytes
            heap.packets.add(place)

    def flush(self) -> None:
        """Writes everything that was taken. FileTrouble."""
        for series, heap in sorted(self._heaps.items(), key=lambda item: (item[0].table.name, item[0].period)):
            rows = pa.Table.from_batches(heap.batches, lake_schema(series.table))
            self._write(series, rows, tuple(sorted(heap.packets)))
        self._heaps.clear()
        self.memory = 0

    def merge(self, series: Series, files: list[LakeFile]) -> None:
        """Makes one file of several of a series. FileTrouble."""
        tables = [_read(self.lake / file.path, series.table) for file in files]
        packets = {place for file in files for place in file.packets}
        self._write(series, pa.concat_tables(tables), tuple(sorted(packets)))

    def _write(self, series: Series, rows: pa.Table, packets: tuple[int, ...]) -> None:
        folder = self.folders.setdefault(series.table.name, _folder_name(series.table.name, self.folders))
        path = f"{folder}/{series.period}/{secrets.token_hex(8)}.parquet"
        target = self.lake / f"{path}{NEW}"
        make_folders(target.parent)
        sha256, _ = write_sorted(target, series.table, rows.combine_chunks())
        stat = stat_of(target) or ()
        table, period, shape = series.table.name, series.period, series.shape
        self.written.append(LakeFile(table, period, path, shape, rows.num_rows, rows.nbytes, sha256, stat, packets))

    def _shape(self, table: Table) -> str:
        if table not in self._shapes:
            self._shapes[table] = fingerprint(table)
        return self._shapes[table]


def tiers(files: Iterable[LakeFile]) -> Iterator[list[LakeFile]]:
    """Files of one series that are to become one: several of about one size, none of them large. So every row is
    written again a few times in all, however many runs bring new ones."""
    sizes: dict[int, list[LakeFile]] = {}
    for file in files:
        if file.rows < FULL_ROWS and file.memory < FULL_BYTES:
            size = max(file.rows * FULL_BYTES // FULL_ROWS, file.memory)  # rows or bytes, whichever is larger
            tier, bound = 0, _SMALLEST * FULL_BYTES // FULL_ROWS
            while size >= bound:
                tier, bound = tier + 1, bound * TIER
            sizes.setdefault(tier, []).append(file)
    for tier in sorted(sizes):
        for start in range(0, len(sizes[tier]) - TIER + 1, TIER):
            yield sizes[tier][start : start + TIER]


def _rows_of(packet: Held, members: Members) -> Iterator[tuple[TableEntry, list[pa.RecordBatch]]]:
    """Rows by table, each looked at (docs/spec/packet.md, R7 to R9). The hashes of the files were compared just now."""
    opened = open_place(Place(packet.folder), members)
    if not isinstance(opened, SignedManifest) or opened.hash != packet.hash:
        raise BadPacket("it changed while it was read", copy=True)
    verified = VerifiedPacket(packet.folder, opened.manifest, members.limits)
    for entry in opened.manifest.tables:
        table = entry.table()
        yield entry, [flatten(table, batch, packet.hash) for batch in verified.batches(entry.name)]


def _read(path: Path, table: Table) -> pa.Table:
    with open_regular(path) as file:
        found = pq.ParquetFile(file, page_checksum_verification=True).read()
    return found.cast(lake_schema(table))


def _folder_name(table: str, taken: dict[str, str]) -> str:
    used = {f"{name}.parquet" for name in taken.values()}
    return file_name(table, used).removesuffix(".parquet")
