"""Writing packets: a delta of any size becomes bounded packets of one group (docs/spec/packet.md, steps W1-W6).

The parts are written first. Only then are the manifests signed: each names the whole group and the hash of the one
before it. Putting the manifests into the folders is the caller's last step; until then there is no packet.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyarrow as pa

from satchel.errors import NotSupported
from satchel.files import make_folders
from satchel.model.ids import Dot
from satchel.model.schema import Table
from satchel.packet.limits import DEFAULT_LIMITS, MIB, Limits
from satchel.packet.part import PartWriter, file_name
from satchel.packet.rows import wrap
from satchel.packet.written import Part, Stretch, Written

MAX_ROWS = 250_000
MAX_BYTES = 64 * MIB  # of Arrow data, before compression
SUFFIX_BYTES = 4


Batches = Callable[[], Iterator[pa.RecordBatch]]
FolderFor = Callable[[int, str], Path]


class PacketWriter:
    """One packet's parts. `folder` must exist; rows come table by table."""

    def __init__(self, folder: Path, origin: str, seq: int, suffix: str) -> None:
        self.rows = 0
        self.size = 0  # bytes of Arrow data
        self._folder = folder
        self._suffix = suffix
        self._dot = Dot(origin, seq)
        self._parts: list[Part] = []
        self._stretches: list[Stretch] = []
        self._open: PartWriter | None = None
        self._table: Table | None = None

    def write(self, table: Table, batch: pa.RecordBatch, start: int, *, compress: bool = True) -> None:
        """Appends a store's change batch whose first row is row `start` of the table's delta."""
        if table != self._table:
            self._finish_part()
            name = file_name(table.name, {part.file for part in self._parts})
            self._open = PartWriter(self._folder, table, name, compress=compress)
            self._table = table
            self._stretches.append(Stretch(table.name, start, start))
        assert self._open is not None
        self._open.write(wrap(table, batch, self._dot.origin, self._dot.seq))
        self._stretches[-1] = self._stretches[-1]._replace(stop=start + batch.num_rows)
        self.rows += batch.num_rows
        self.size += batch.nbytes

    def finish(self) -> Written:
        """All parts are flushed."""
        self._finish_part()
        return Written(self._dot, self._suffix, self._folder, tuple(self._parts), tuple(self._stretches))

    def abandon(self) -> None:
        """Closes what is open after a failure. The folder has no manifest, so it is no packet."""
        if self._open is not None:
            self._open.abandon()

    def _finish_part(self) -> None:
        if self._open is None:
            return
        part = self._open.finish()
        self._open = None
        if part.size > DEFAULT_LIMITS.part_bytes:
            raise NotSupported(
                f"a row of {part.table.name} is too large to travel: a file of {part.size} bytes",
                f"No file of a packet may have more than {DEFAULT_LIMITS.part_bytes} bytes; shorten the row.",
            )
        self._parts.append(part)


class _Splitter:
    """Cuts rows into packets, inside batches where need be. A packet has at least one row."""

    def __init__(self, folder_for: FolderFor, dot: Dot, max_rows: int, max_bytes: int) -> None:
        self.written: list[Written] = []
        self._folder_for = folder_for
        self._next = dot
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._open: PacketWriter | None = None

    def write(self, table: Table, batch: pa.RecordBatch, start: int) -> None:
        while batch.num_rows:
            packet = self._packet_with_room(batch)
            room = min(self._max_rows - packet.rows, batch.num_rows)
            piece = batch.slice(0, _rows_within(batch.slice(0, room), self._max_bytes - packet.size))
            # One row beyond the bound is written as it is: well compressed, it would look like a bomb to its readers.
            packet.write(table, piece, start, compress=piece.nbytes <= self._max_bytes)
            start += piece.num_rows
            batch = batch.slice(piece.num_rows)

    def finish(self) -> None:
        if self._open is not None:
            self.written.append(self._open.finish())
            self._open = None

    def abandon(self) -> None:
        if self._open is not None:
            self._open.abandon()

    def _packet_with_room(self, batch: pa.RecordBatch) -> PacketWriter:
        packet = self._open
        if packet is not None:
            has_rows = packet.rows < self._max_rows
            if has_rows and packet.size + batch.slice(0, 1).nbytes <= self._max_bytes:
                return packet
            self.finish()
        suffix = secrets.token_hex(SUFFIX_BYTES)
        folder = self._folder_for(self._next.seq, suffix)
        make_folders(folder)
        self._open = PacketWriter(folder, self._next.origin, self._next.seq, suffix)
        self._next = Dot(self._next.origin, self._next.seq + 1)
        return self._open


def write_packets(
    folder_for: FolderFor,
    tables: Mapping[Table, Batches],
    origin: str,
    first_seq: int,
    *,
    max_rows: int = MAX_ROWS,
    max_bytes: int = MAX_BYTES,
    limits: Limits = DEFAULT_LIMITS,
) -> list[Written]:
    """Writes the parts of one seal into as many packets as their bounds ask for, from `first_seq` on; none if there
    are no rows. `folder_for(seq, suffix)` names each packet's folder; `tables` gives a store's change batches per
    table, which are streamed. FileTrouble or NotSupported: nothing of it is a packet, the folders may be removed."""
    bound = min(max_bytes, limits.free_decoded_bytes // 4)
    splitter = _Splitter(folder_for, Dot(origin, first_seq), min(max_rows, limits.rows), bound)
    try:
        for table, batches in tables.items():
            start = 0
            for batch in batches():
                splitter.write(table, batch, start)
                start += batch.num_rows
        splitter.finish()
    except BaseException:
        splitter.abandon()
        raise
    return splitter.written


def _rows_within(batch: pa.RecordBatch, room: int) -> int:
    """How many of the first rows fit into `room` bytes of Arrow data; at least one."""
    if batch.nbytes <= room:
        return int(batch.num_rows)
    fits, too_many = 1, batch.num_rows
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if batch.slice(0, middle).nbytes <= room:
            fits = middle
        else:
            too_many = middle
    return fits
