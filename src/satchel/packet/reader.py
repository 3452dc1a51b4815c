"""Reading the rows of a packet that verified (docs/spec/packet.md, steps R6-R9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from satchel.errors import BadPacket
from satchel.files import open_regular, trouble_with
from satchel.packet.ahead import read_ahead
from satchel.packet.footer import allowed_bytes, check_footer, read_footer, text_leaves
from satchel.packet.growth import Budget, plain_batch
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.manifest import Manifest, TableEntry
from satchel.packet.row_checks import RowChecks
from satchel.packet.rows import arrow_schema
from satchel.packet.verify import Parts, verify_parts

BATCH_ROWS = 32_768
_FEW_ROWS = 5_000  # for so few, threads cost more than they bring


@dataclass(frozen=True, slots=True)
class VerifiedPacket:
    """A packet whose files are the ones that were signed. `folder` must stay as it is: a staging copy, an archive."""

    folder: Path
    manifest: Manifest
    limits: Limits

    def batches(self, table: str) -> Iterator[pa.RecordBatch]:
        """Change batches of a table, at most 32,768 rows each, in the order of the part; `_change` whole. Nothing if
        the packet has no rows of it. BadPacket if the part is not what the manifest says, even half way through."""
        entry = next((entry for entry in self.manifest.tables if entry.name == table), None)
        return iter(()) if entry is None else self._read(entry)

    def check(self) -> int:
        """Decodes and checks every row and keeps none; returns how many there are. BadPacket as for `batches`."""
        return sum(batch.num_rows for table in self.manifest.rows for batch in self.batches(table))

    def _read(self, entry: TableEntry) -> Iterator[pa.RecordBatch]:
        checks = RowChecks(entry.table(), self.manifest.dot, self.manifest.vector, entry.file)
        batches = read_part(self.folder, entry, self.limits, checks.check)
        return batches if entry.rows <= BATCH_ROWS else read_ahead(batches)


def read_part(
    folder: Path, entry: TableEntry, limits: Limits, check: Callable[[pa.RecordBatch], None]
) -> Iterator[pa.RecordBatch]:
    """The batches of a part whose file was verified, each looked at by `check` first. BadPacket: columns or number of
    rows are not the manifest's, or `check` says so."""
    schema = arrow_schema(entry.table())
    budget = Budget(allowed_bytes(entry, limits), entry.file)
    rows = 0
    with open_regular(folder / entry.file) as file:
        for raw in decode_part(file, entry, limits):
            batch = plain_batch(raw, budget)
            if not batch.schema.equals(schema):
                raise BadPacket("its columns are not the manifest's", entry.file)
            check(batch)
            rows += batch.num_rows
            yield batch
    if rows != entry.rows:
        raise BadPacket(f"{rows} rows instead of {entry.rows}", entry.file)


def open_packet(
    folder: Path, manifest: Manifest, limits: Limits = DEFAULT_LIMITS, parts: Parts | None = None
) -> VerifiedPacket:
    """The rows of a packet whose manifest verified. `parts`: what `verify_parts` said of this very folder; without it
    the files are hashed now. BadPacket if they are not complete and valid."""
    found = verify_parts(folder, manifest) if parts is None else parts
    for problem in (*found.invalid, *found.incomplete):
        raise BadPacket(problem.reason, problem.file, copy=True)
    return VerifiedPacket(folder, manifest, limits)


def decode_part(file: BinaryIO, entry: TableEntry, limits: Limits) -> Iterator[pa.RecordBatch]:
    """Batches as Parquet has them, text as codes and dictionary. Errors of Arrow become BadPacket; FileTrouble if the
    medium cannot be read, which says nothing of the packet."""
    try:
        footer = read_footer(file, limits, entry.file)
        check_footer(footer, entry, limits)
        parquet = pq.ParquetFile(file, read_dictionary=text_leaves(footer), page_checksum_verification=True)
        yield from parquet.iter_batches(BATCH_ROWS, use_threads=footer.num_rows > _FEW_ROWS)
    except BadPacket:
        raise
    # Of a file that somebody made by hand pyarrow says KeyError, RuntimeError or whatever C++ threw.
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # Arrow's own have none
            raise trouble_with(Path(entry.file), error.errno) from error
        raise BadPacket(f"cannot be decoded: {str(error)[:200]}", entry.file) from error
