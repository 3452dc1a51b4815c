"""The two parts of a snapshot that hold no rows of the user: covered packets, and the signed files of `nodes/`."""

from __future__ import annotations

import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from satchel.errors import BadPacket
from satchel.files import read_limited, write_new
from satchel.model.ids import ORIGIN_NAME, Dot, trunk_of
from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.packet.footer import column_chunks, read_footer
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.snapshot import BooksEntry

# A dictionary would let a small file become a large one; without any, the footer's sizes can be believed.
_ENCODINGS = frozenset({"PLAIN", "RLE", "BIT_PACKED"})
_PACKETS = pa.schema(
    [
        ("origin", pa.string()),
        ("seq", pa.int64()),
        ("hash", pa.string()),
        ("suffix", pa.string()),
        ("first", pa.int64()),
        ("last", pa.int64()),
        ("kind", pa.string()),
        ("created", pa.int64()),
        ("context", pa.string()),
        ("rows", pa.int64()),
    ]
)
_NODES = pa.schema([("file", pa.binary())])
_KINDS = frozenset({"baseline", "changes", "join"})


@dataclass(frozen=True, slots=True)
class CoveredPacket:
    """A packet that a snapshot covers: what a node has to remember of it for ever. `created`: ms since 1970 UTC."""

    dot: Dot
    hash: str  # sha256 of the manifest, hex
    suffix: str
    group: tuple[int, int]
    kind: str
    created: int
    context: Vector
    rows: int


def write_packets_part(path: Path, packets: Iterable[CoveredPacket]) -> BooksEntry:
    """The part of the covered packets, by origin and number, flushed."""
    ordered = sorted(packets, key=lambda packet: packet.dot)
    contexts = (
        json.dumps({o: [m.seq, m.hash] for o, m in sorted(p.context.items())}, separators=(",", ":")) for p in ordered
    )
    columns = [
        [p.dot.origin for p in ordered],
        [p.dot.seq for p in ordered],
        [p.hash for p in ordered],
        [p.suffix for p in ordered],
        [p.group[0] for p in ordered],
        [p.group[1] for p in ordered],
        [p.kind for p in ordered],
        [p.created for p in ordered],
        list(contexts),
        [p.rows for p in ordered],
    ]
    return _write(path, pa.table(columns, schema=_PACKETS))


def write_nodes_part(path: Path, files: Sequence[bytes]) -> BooksEntry:
    """The part of the signed files of `nodes/`, in the order of their bytes, flushed."""
    return _write(path, pa.table([sorted(files)], schema=_NODES))


def _write(path: Path, table: pa.Table) -> BooksEntry:
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", use_dictionary=False, write_page_checksum=True, store_schema=False)
    data = sink.getvalue()
    write_new(path, data)
    return BooksEntry(file=path.name, rows=table.num_rows, bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def _read(folder: Path, entry: BooksEntry, schema: pa.Schema, limits: Limits) -> pa.Table:
    data = read_limited(folder / entry.file, entry.bytes)
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise BadPacket("altered: its sha256 is not the manifest's", entry.file)
    try:
        footer = read_footer(io.BytesIO(data), limits, entry.file)
        size = 0
        for chunk in column_chunks(footer):
            if not _ENCODINGS.issuperset(chunk.encodings):
                raise BadPacket(f"encoded in a way that no snapshot is: {chunk.path_in_schema}", entry.file)
            size += max(chunk.total_uncompressed_size, chunk.num_values // 8)
        if footer.num_rows != entry.rows or size > max(limits.free_decoded_bytes, limits.growth * entry.bytes):
            raise BadPacket("its footer is not what the manifest says", entry.file)
        table = pq.read_table(io.BytesIO(data), page_checksum_verification=True, use_threads=False)
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadPacket(f"cannot be decoded: {str(error)[:200]}", entry.file) from error
    if not table.schema.equals(schema) or any(column.null_count for column in table.columns):
        raise BadPacket("its columns are not those of a snapshot", entry.file)
    return table


def read_nodes_part(folder: Path, entry: BooksEntry, limits: Limits = DEFAULT_LIMITS) -> list[bytes]:
    """The signed files; each of them is verified by whoever takes it. BadPacket: the part is not right."""
    found: list[bytes] = _read(folder, entry, _NODES, limits).column("file").to_pylist()
    return found


def read_packets_part(
    folder: Path, entry: BooksEntry, vector: Vector, limits: Limits = DEFAULT_LIMITS
) -> list[CoveredPacket]:
    """The covered packets: of every origin of the vector all from the first to the last. BadPacket: they are not."""
    table = _read(folder, entry, _PACKETS, limits)
    packets = [_packet(row, entry.file) for row in table.to_pylist()]  # each is a small object in the books
    _check_whole(packets, vector, entry.file)
    return packets


def _packet(row: dict[str, object], file: str) -> CoveredPacket:
    try:
        context = {
            str(origin): Mark(int(seq), str(digest))
            for origin, (seq, digest) in json.loads(str(row["context"])).items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError) as problem:
        raise BadPacket("a context that is none", file) from problem
    number = {name: int(str(row[name])) for name in ("seq", "first", "last", "created", "rows")}
    if not ORIGIN_NAME.fullmatch(str(row["origin"])) or row["kind"] not in _KINDS:
        raise BadPacket("a packet that is none", file)
    if not _is_hex(row["hash"], 64) or not _is_hex(row["suffix"], 8):
        raise BadPacket("a packet without hash or suffix", file)
    if not 1 <= number["first"] <= number["seq"] <= number["last"] or number["rows"] < 0 or number["created"] < 0:
        raise BadPacket("a packet outside of its group", file)
    dot = Dot(str(row["origin"]), number["seq"])
    group = (number["first"], number["last"])
    return CoveredPacket(
        dot, str(row["hash"]), str(row["suffix"]), group, str(row["kind"]), number["created"], context, number["rows"]
    )


def _is_hex(text: object, length: int) -> bool:
    return isinstance(text, str) and len(text) == length and set(text) <= set("0123456789abcdef")


def _check_whole(packets: Sequence[CoveredPacket], vector: Vector, file: str) -> None:
    hashes = {packet.dot: packet.hash[:HASH_DIGITS] for packet in packets}
    seqs: dict[str, list[int]] = defaultdict(list)
    for packet in packets:
        seqs[packet.dot.origin].append(packet.dot.seq)
    if len(hashes) != len(packets) or seqs.keys() != vector.keys():
        raise BadPacket("its packets are not those of its vector", file)
    for origin, mark in vector.items():
        first = min(seqs[origin])  # a branch goes on where its fork was
        if len(seqs[origin]) != mark.seq - first + 1 or (first > 1 and origin == trunk_of(origin)):
            raise BadPacket(f"its packets of {origin} are not those of its vector", file)
        if hashes.get(Dot(origin, mark.seq)) != mark.hash:
            raise BadPacket(f"the hash of {origin}/{mark.seq} is not that of its vector", file)
    # What lies beyond the vector may have been cut off there, by a revocation; the admin who signed vouches for that.
    beyond = {origin: vector[origin].seq if origin in vector else 0 for p in packets for origin in p.context}
    for packet in packets:
        for origin, mark in packet.context.items():
            if mark.seq <= beyond[origin] and hashes.get(Dot(origin, mark.seq)) != mark.hash:
                raise BadPacket(f"{packet.dot} had seen {origin}/{mark.seq}, which is not covered", file)
