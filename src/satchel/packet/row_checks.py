"""What every row of a part must be, checked a batch at a time (docs/spec/packet.md, step R9).

A member signed it, and a member can be wrong: what gets past here goes into SQL and into the books of every node.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from satchel.errors import BadPacket
from satchel.model.gids import GID_PATTERN, is_gid
from satchel.model.ids import ORIGIN_NAME, Dot
from satchel.model.schema import Table
from satchel.model.vector import Vector
from satchel.packet.table import CHANGE_COLUMN


def scalar(value: int | str) -> pa.Scalar:
    """A constant for Arrow. Plain ones are made anew for every call, and each time pyarrow looks for a module of time
    zones that is not installed: 0.2 ms."""
    return pa.array([value], pa.string() if isinstance(value, str) else pa.int64())[0]


_ONE = scalar(1)
_INTEGER_CLASS, _REAL_CLASS = scalar("integer"), scalar("real")
_OPS = pa.array(["insert", "update", "delete"])
_CLASSES = pa.array(["integer", "real", "text", "blob"])
_INTEGER = re.compile(rb"-?(0|[1-9][0-9]{0,18})")
_REAL = re.compile(rb"-?(inf|nan|[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?)")
_HASH = r"^[0-9a-f]{16}$"
_GID = f"^(?:{GID_PATTERN})$"
# Stamps are lifted over each other: room for that is left above the year 4199 (PROTOCOL, Stamps; 64 bits).
_STAMPS = scalar(0), scalar(1 << 62)
_MOMENTS = scalar(-62_135_596_800_000_000), scalar(253_402_300_799_999_999)  # us: the years 1 to 9999
_LARGE_NUMBER = r":-?[0-9]{19}:"  # may be beyond 64 bits


class RowChecks:
    """The checks for one table of one packet. `context` is the packet's."""

    def __init__(self, table: Table, dot: Dot, context: Vector, file: str) -> None:
        self._table = table
        self._file = file
        self._names = pa.array(table.names, pa.string())
        # what a cell's lineage can name, with the lowest and highest seq
        seen = {origin: (1, mark.seq) for origin, mark in context.items()}
        seen |= {dot.origin: (1, dot.seq), "": (0, 0)}
        self._origin, self._seq = scalar(dot.origin), scalar(dot.seq)
        self._origins = pa.array(seen, pa.string())
        self._oldest = pa.array([span[0] for span in seen.values()], pa.int64())
        self._newest = pa.array([span[1] for span in seen.values()], pa.int64())
        self._gids: set[str] = set()  # of the rows so far

    def check(self, batch: pa.RecordBatch) -> None:
        """BadPacket with the first thing that is not as it must be."""
        try:
            batch.validate(full=True)  # offsets and UTF-8: DuckDB and SQLite would trust them
        except pa.ArrowException as error:
            raise BadPacket(f"not what Parquet may hold: {str(error)[:200]}", self._file) from error
        change = batch.column(CHANGE_COLUMN)
        self._require(change.null_count == 0, "a row without _change")
        self._check_fixed(change)
        self._check_written(change.field("columns"))
        self._check_lineage(change.field("lineage"))
        self._check_context(change.field("context"))
        self._check_misfits(batch, change.field("misfit"))

    def _check_fixed(self, change: pa.StructArray) -> None:
        origin, seq, op, stamp = (change.field(name) for name in ("origin", "seq", "op", "stamp"))
        self._require(_all(pc.equal(origin, self._origin)), "a row of another origin")
        self._require(_all(pc.equal(seq, self._seq)), "a row of another packet")
        self._require(_all(pc.is_in(op, _OPS)), "an operation that is none of insert, update, delete")
        self._require(_all(_within(stamp, *_STAMPS)), "a stamp that is none")
        at = change.field("at").cast(pa.int64())
        self._require(_all(_within(at, *_MOMENTS).drop_null()), "a time that no calendar has")
        self._check_gids(change.field("gid"))

    def _check_gids(self, gid: pa.StringArray) -> None:
        """A row of a local table is known by its gid, whatever number its author has it under; no other row has one."""
        if self._table.scope != "local":
            self._require(gid.null_count == len(gid), "a gid of a row whose key means the same everywhere")
            return
        self._require(gid.null_count == 0, "a local row without gid")
        self._require(_all(pc.match_substring_regex(gid, _GID)), "a gid that is none")
        large = gid.filter(pc.match_substring_regex(gid, _LARGE_NUMBER))
        self._require(all(map(is_gid, large.to_pylist())), "a gid that is none")
        before = len(self._gids)
        self._gids.update(gid.to_pylist())
        self._require(len(self._gids) == before + len(gid), "two rows of one gid")

    def _check_written(self, columns: pa.ListArray) -> None:
        self._require_names(columns.flatten(), "the written columns")

    def _check_lineage(self, lineage: pa.ListArray) -> None:
        entries = lineage.flatten()
        if not len(entries):
            return
        self._require(entries.null_count == 0, "an empty lineage entry")
        origin, seq, stamp, columns = (entries.field(name) for name in ("origin", "seq", "stamp", "columns"))
        self._require(_all(pc.equal(pc.is_null(origin), pc.is_null(seq))), "a lineage with half a dot")
        self._require(_all(_within(stamp, *_STAMPS)), "a lineage without stamp")
        self._require(columns.null_count == 0, "a lineage without columns")
        self._require_names(columns.flatten(), "a lineage")
        self._require_once(pc.list_parent_indices(lineage), columns)
        self._check_sources(origin, seq)

    def _check_sources(self, origin: pa.Array, seq: pa.Array) -> None:
        """Where cells come from."""
        self._check_dots(origin, seq)

    def _check_dots(self, origin: pa.Array, seq: pa.Array) -> None:
        """A cell comes from a packet that the author had applied, from this one, or from nowhere ("" and 0)."""
        place = pc.index_in(origin, self._origins)
        known = pc.or_(pc.is_valid(place), pc.is_null(origin))
        self._require(_all(known), "a lineage of an origin that its author cannot have seen")
        fits = pc.and_(pc.greater_equal(seq, self._oldest.take(place)), pc.less_equal(seq, self._newest.take(place)))
        self._require(_all(fits.drop_null()), "a lineage of a packet that its author cannot have seen")

    def _check_context(self, context: pa.ListArray) -> None:
        entries = context.flatten()
        if not len(entries):
            return
        self._require(entries.null_count == 0, "an empty context entry")
        origin, seq, digest = (entries.field(name) for name in ("origin", "seq", "hash"))
        self._require(_all(pc.greater_equal(seq, _ONE)), "a row context without seq")
        self._require(_all(pc.match_substring_regex(digest, _HASH)), "a row context without hash")
        named = origin.null_count == 0 and all(ORIGIN_NAME.fullmatch(name) for name in pc.unique(origin).to_pylist())
        self._require(named, "a row context without origin")
        self._require(
            _distinct(pc.list_parent_indices(context), origin, pc.unique(origin)),
            "a row context that names an origin twice",
        )

    def _check_misfits(self, batch: pa.RecordBatch, misfit: pa.ListArray) -> None:
        entries, rows = misfit.flatten(), pc.list_parent_indices(misfit)
        if len(entries):
            self._require(entries.null_count == 0, "an empty misfit")
            column, kind, value = (entries.field(name) for name in ("column", "class", "value"))
            self._require_names(column, "a misfit")
            self._require(_all(pc.is_in(kind, _CLASSES)) and value.null_count == 0, "a misfit without class or value")
            self._require(_distinct(rows, column, self._names), "two misfits in one place")
            self._check_numbers(kind, value)
        self._check_places(batch, entries, rows)

    def _check_places(self, batch: pa.RecordBatch, entries: pa.StructArray, rows: pa.Array) -> None:
        """Beside a misfit the column is null; and a key is null only there."""
        columns = entries.field("column")
        for name in pc.unique(columns).to_pylist():
            places = rows.filter(pc.equal(columns, scalar(name)))
            self._require(batch.column(name).take(places).null_count == len(places), "a misfit beside a value")
        if self._table.scope == "global":
            for name in self._table.key:
                misfits = pc.sum(pc.equal(columns, scalar(name))).as_py() or 0
                self._require(batch.column(name).null_count == misfits, "a row without key")

    def _check_numbers(self, kind: pa.Array, value: pa.Array) -> None:
        for text in value.filter(pc.equal(kind, _INTEGER_CLASS)).to_pylist():
            self._require(_INTEGER.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63, "a false integer")
        for text in value.filter(pc.equal(kind, _REAL_CLASS)).to_pylist():
            self._require(len(text) <= 400 and _REAL.fullmatch(text) is not None, "a false real")

    def _require_names(self, names: pa.Array, where: str) -> None:
        self._require(_all(pc.is_in(names, self._names)), f"{where} of a row: a column that is not there")

    def _require_once(self, rows: pa.Array, columns: pa.ListArray) -> None:
        rows_of_names = rows.take(pc.list_parent_indices(columns))
        self._require(_distinct(rows_of_names, columns.flatten(), self._names), "a lineage that names a column twice")

    def _require(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise BadPacket(otherwise, self._file)


def _all(mask: pa.Array) -> bool:
    """Whether every entry is true; a null is not."""
    return mask.null_count == 0 and bool(pc.all(mask, min_count=0).as_py())


def _within(numbers: pa.Array, lowest: pa.Scalar, highest: pa.Scalar) -> pa.Array:
    return pc.and_(pc.greater_equal(numbers, lowest), pc.less_equal(numbers, highest))


def _distinct(rows: pa.Array, names: pa.Array, known: pa.Array) -> bool:
    """Whether no row has one of the `known` names twice. Writers list names in order; then one glance is enough."""
    places = pc.add(pc.multiply(pc.cast(rows, pa.int64()), scalar(len(known))), pc.index_in(names, known))
    if len(places) < 2 or pc.all(pc.less(places.slice(0, len(places) - 1), places.slice(1))).as_py():
        return True
    return len(pc.unique(places)) == len(places)
