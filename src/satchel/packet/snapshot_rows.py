"""The rows of a snapshot: written table by table in parts of bounded size, read with the checks of a packet's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from satchel.errors import BadPacket
from satchel.model.ids import NOWHERE_ORIGIN, ORIGIN_NAME, Dot
from satchel.model.schema import Table
from satchel.model.vector import Vector
from satchel.packet.limits import DEFAULT_LIMITS, MIB, Limits
from satchel.packet.manifest import TableEntry
from satchel.packet.part import PartWriter, file_name
from satchel.packet.reader import read_part
from satchel.packet.row_checks import RowChecks
from satchel.packet.rows import arrow_schema
from satchel.packet.snapshot import NODES_FILE, PACKETS_FILE, SnapshotManifest, snapshot_problems
from satchel.packet.table import CHANGE_COLUMN

MAX_ROWS = 1_000_000  # of one part
MAX_BYTES = 128 * MIB  # of Arrow data in one part

Batches = Callable[[], Iterable[pa.RecordBatch]]


def write_tables(
    folder: Path, tables: Mapping[Table, Batches], *, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES
) -> list[TableEntry]:
    """Writes every table's versions into flushed parts. Batches have the shape of a packet's part, `_change` with the
    origin and seq of each version."""
    found: list[TableEntry] = []
    for table, batches in tables.items():
        for part in _Parts(folder, table, {PACKETS_FILE, NODES_FILE, *(e.file for e in found)}).write(
            batches(), max_rows, max_bytes
        ):
            found.append(part)
    return found


@dataclass
class _Parts:
    folder: Path
    table: Table
    taken: set[str]

    def write(self, batches: Iterable[pa.RecordBatch], max_rows: int, max_bytes: int) -> Iterator[TableEntry]:
        writer: PartWriter | None = None
        rows = size = 0
        try:
            for batch in batches:
                if writer is not None and (rows + batch.num_rows > max_rows or size + batch.nbytes > max_bytes):
                    yield TableEntry.of(writer.finish())
                    writer, rows, size = None, 0, 0
                if writer is None:
                    name = file_name(self.table.name, self.taken)
                    self.taken.add(name)
                    # what is larger than a part may be is one row or few: compressed, it would look like a bomb
                    writer = PartWriter(self.folder, self.table, name, compress=batch.nbytes <= max_bytes)
                writer.write(batch)
                rows, size = rows + batch.num_rows, size + batch.nbytes
        except BaseException:
            if writer is not None:
                writer.abandon()
            raise
        if writer is not None:
            yield TableEntry.of(writer.finish())


class _VersionChecks(RowChecks):
    """Versions of many packets: each is of one that the snapshot covers, and a row may have several."""

    def __init__(self, table: Table, vector: Vector, file: str) -> None:
        super().__init__(table, Dot(NOWHERE_ORIGIN, 0), vector, file)

    def _check_fixed(self, change: pa.StructArray) -> None:
        origin, seq, stamp = (change.field(name) for name in ("origin", "seq", "stamp"))
        self._require(origin.null_count == 0 and seq.null_count == 0, "a version without its packet")
        self._require(not pc.any(pc.equal(origin, NOWHERE_ORIGIN)).as_py(), "a version of nobody")
        self._check_dots(origin, seq)
        self._require(bool(pc.all(pc.is_in(change.field("op"), pa.array(["update", "delete"]))).as_py()), "a false op")
        self._require(stamp.null_count == 0 and bool(pc.all(pc.greater_equal(stamp, 0)).as_py()), "a false stamp")
        self._gids.clear()
        self._check_gid_texts(change.field("gid"))

    def _check_sources(self, origin: pa.Array, seq: pa.Array) -> None:
        """A cell may come from a packet that does not count any more, and that no vector covers: beyond a cut."""
        named = all(name == "" or ORIGIN_NAME.fullmatch(name) for name in pc.unique(origin).drop_null().to_pylist())
        self._require(named, "a lineage without origin")
        self._require(seq.null_count == len(seq) or pc.min(seq).as_py() >= 0, "a lineage without seq")

    def _check_gid_texts(self, gid: pa.StringArray) -> None:
        """As of a packet's rows, but that a gid may stand twice."""
        if self._table.scope != "local":
            self._require(gid.null_count == len(gid), "a gid of a row whose key means the same everywhere")
            return
        self._check_gids(pc.unique(gid))


@dataclass(frozen=True, slots=True)
class VerifiedSnapshot:
    """A snapshot whose files are the ones that were signed."""

    folder: Path
    manifest: SnapshotManifest
    limits: Limits = DEFAULT_LIMITS

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """The versions of a table in order of the key; `_change` whole. BadPacket: a part is not what was signed."""
        for entry in self.manifest.tables:
            if entry.name == table:
                yield from self._read(entry)

    def check(self) -> int:
        """Decodes and checks every row and keeps none; how many there are."""
        return sum(batch.num_rows for table in self.manifest.rows for batch in self.batches(table))

    def _read(self, entry: TableEntry) -> Iterator[pa.RecordBatch]:
        checks = _VersionChecks(entry.table(), self.manifest.marks, entry.file)
        return read_part(self.folder, entry, self.limits, checks.check)


def open_snapshot(folder: Path, manifest: SnapshotManifest, limits: Limits = DEFAULT_LIMITS) -> VerifiedSnapshot:
    """The rows of a snapshot whose manifest verified; its files are hashed now. BadPacket: they are not right."""
    for problem in snapshot_problems(folder, manifest):
        raise BadPacket(problem.reason, problem.file)
    return VerifiedSnapshot(folder, manifest, limits)


def wrap_versions(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A store's batch of versions in the table's order of columns. BadPacket if it is not of this table."""
    columns = [batch.column(batch.schema.get_field_index(name)) for name in (*table.names, CHANGE_COLUMN)]
    found = pa.RecordBatch.from_arrays(columns, names=[*table.names, CHANGE_COLUMN])
    if not found.schema.equals(arrow_schema(table)):
        raise BadPacket(f"a batch of {table.name} is not what a snapshot holds")
    return found


def by_packet(batches: Iterable[pa.RecordBatch]) -> dict[Dot, list[pa.RecordBatch]]:
    """The versions of a table by the packets that they come from; all of it in memory."""
    found: dict[Dot, list[pa.RecordBatch]] = defaultdict(list)
    for batch in batches:
        change = batch.column(CHANGE_COLUMN)
        origins, seqs = change.field("origin"), change.field("seq")
        dots = pa.table({"origin": origins, "seq": seqs}).group_by(["origin", "seq"]).aggregate([])
        for entry in dots.to_pylist():
            mine = pc.and_(pc.equal(origins, entry["origin"]), pc.equal(seqs, entry["seq"]))
            found[Dot(entry["origin"], entry["seq"])].append(batch.filter(mine))
    return found
