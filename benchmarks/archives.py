"""Archives of any size, made by the product's own writer and keys and by no database: what `verify`, `query`, `history`
and `lake` are measured on.

Some sites seal in turn. Each sees what others sealed a few packets ago, so that some edits do not know of each other.
Cells that a change did not write name the packet that they come from, as those of a database do: the archive verifies.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from satchel.model.schema import Column, Table
from satchel.model.stamp import rfc3339
from satchel.model.vector import Mark
from satchel.packet.ack import Ack, sign_ack
from satchel.packet.card import make_founder_card
from satchel.packet.configuration import Configuration
from satchel.packet.deciding import node_file_name
from satchel.packet.document import Network
from satchel.packet.invitation import make_card, make_invitation, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import MANIFEST_NAME, folder_name
from satchel.packet.members import Members
from satchel.packet.rows import CONTEXT_TYPE, LINEAGE_TYPE, MISFIT_TYPE, STORE_FIELDS, arrow_type
from satchel.packet.signing import SealFacts, SignedPacket, sign_packets
from satchel.packet.wire import time_text, to_wire
from satchel.packet.writer import write_packets

START = 1_767_225_600_000  # 2026-01-01, milliseconds since 1970 UTC
HOUR = 3_600_000
NETWORK = "bench"
ORDERS = Table(
    "orders",
    (
        Column("id", "string", "TEXT", "text"),
        Column("order_no", "string", "TEXT", "text"),
        Column("customer_id", "int64", "INTEGER", "integer"),
        Column("status", "string", "TEXT", "text"),
        Column("qty", "int64", "INTEGER", "integer"),
        Column("amount", "float64", "REAL", "real"),
        Column("note", "string", "TEXT", "text"),
        Column("updated_at", "string", "TEXT", "text"),
    ),
    ("id",),
)
STATUSES = ("new", "confirmed", "in work", "ready", "sent", "paid", "returned")
_FIRST = ("id", "order_no", "customer_id", "amount", "note")  # never written again
_DELETES = 0.05  # of the changes after the first


@dataclass(frozen=True, slots=True)
class Shape:
    """What an archive is like. The first `keys` changes are inserts, the others updates and deletes of random keys."""

    packets: int = 10_000
    changes: int = 1_000  # rows in each packet
    keys: int = 1_000_000
    nodes: Sequence[str] = ("office", "site-b", "site-c")
    lag: int = 6  # packets of the others that a node has not seen yet
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Facts:
    """What was made: where, how many changes, and a key that has several versions (a row of table `orders`)."""

    root: Path
    changes: int
    bytes: int
    a_key: str


@dataclass(slots=True)
class _Node:
    name: str
    key: PrivateKey
    last: SignedPacket | None = None
    sealed: list[int] = field(default_factory=list)  # numbers of its packets in the archive's order


@dataclass(frozen=True, slots=True)
class _Cell:
    """Where a cell was written: number of the packet, and the stamp."""

    packet: int
    stamp: int


@dataclass(slots=True)
class _Row:
    """What was written last, and before that: an author may not have seen the last."""

    first: _Cell
    status: tuple[_Cell, _Cell]
    qty: tuple[_Cell, _Cell]
    updated: tuple[_Cell, _Cell]
    there: bool = True


def make_archive(root: Path, shape: Shape | None = None) -> Facts:
    """Writes an archive below `root`, a new folder; about five milliseconds per packet of a thousand changes."""
    return _Maker(root, shape or Shape()).make()


def write_one_file(archive: Path, target: Path) -> None:
    """The same rows in one Parquet file, written by DuckDB as anybody would: the yardstick."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_parquet('{archive}/{NETWORK}/*/*/orders.parquet', union_by_name = true)) "
            f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )


class _Maker:
    def __init__(self, root: Path, shape: Shape) -> None:
        self._root = root
        self._shape = shape
        self._random = random.Random(shape.seed)
        self._network = Network(id=str(uuid.UUID(int=self._random.getrandbits(128))), name=NETWORK)
        self._nodes = self._introduce()
        self._first = _first_values(shape, self._random)
        self._rows: list[_Row | None] = [None] * shape.keys
        self._fresh = list(range(shape.keys))
        self._random.shuffle(self._fresh)
        self._signed: list[tuple[str, int, str]] = []  # origin, seq, hash of each packet
        self._bytes = 0

    def make(self) -> Facts:
        for number in range(self._shape.packets):
            self._seal(number)
        for node in self._nodes:
            self._acknowledge(node)
        often = max(
            range(self._shape.keys), key=lambda place: 0 if (row := self._rows[place]) is None else row.status[0].packet
        )
        key = self._first.column("id")[often].as_py()
        return Facts(self._root, self._shape.packets * self._shape.changes, self._bytes, key)

    def _introduce(self) -> list[_Node]:
        """Cards and configuration, and the nodes with their keys."""
        founder, *others = [_Node(name, PrivateKey.generate()) for name in self._shape.nodes]
        files = [make_founder_card(founder.key, self._network, founder.name, START)]
        files.append(
            Configuration.of(self._network, [ORDERS], signer=founder.name, stamp=START << 16).seal(founder.key)
        )
        for node in others:
            members = Members.from_files(founder.key.public, files)
            expires = START + 24 * HOUR
            invitation = make_invitation(
                founder.key, members, node.name, "member", now=START, expires=expires, files=files, vector={}
            )
            files.append(make_card(read_invitation(invitation, START), node.key, START))
        folder = self._root / "nodes"
        folder.mkdir(parents=True)
        for data in files:
            (folder / node_file_name(data)).write_bytes(data)
        return [founder, *others]

    def _seal(self, number: int) -> None:
        node = self._nodes[number % len(self._nodes)]
        places = self._choose(number)
        batch = self._batch(number, node, places)
        seq = len(node.sealed) + 1
        where = self._root / NETWORK / node.name

        def stream() -> Iterator[pa.RecordBatch]:
            yield batch

        written = write_packets(lambda s, suffix: where / folder_name(s, suffix), {ORDERS: stream}, node.name, seq)
        facts = SealFacts(self._network, 1, "changes", self._context(number, node), _created(number), "satchel bench")
        [signed] = sign_packets(written, facts, node.key, node.last and node.last.hash)
        (written[0].folder / MANIFEST_NAME).write_bytes(signed.envelope)
        self._bytes += sum(part.size for part in written[0].parts) + len(signed.envelope)
        node.last = signed
        node.sealed.append(number)
        self._signed.append((node.name, seq, signed.hash))

    def _context(self, number: int, node: _Node) -> dict[str, Mark]:
        """The last packet of each node that this one had applied."""
        found: dict[str, Mark] = {}
        for before in range(max(0, number - self._shape.lag - 2 * len(self._nodes)), number):
            if self._seen(before, number):
                origin, seq, digest = self._signed[before]
                found[origin] = Mark(seq, digest[:16])
        return found

    def _seen(self, packet: int, number: int) -> bool:
        return packet < number - self._shape.lag or (number - packet) % len(self._nodes) == 0

    def _choose(self, number: int) -> list[int]:
        """Keys in order, each once: fresh ones as long as there are any, then any whose birth the author has seen."""
        if len(self._fresh) >= self._shape.changes:
            chosen = [self._fresh.pop() for _ in range(self._shape.changes)]
            return sorted(chosen)
        found: set[int] = set()
        while len(found) < self._shape.changes:
            place = self._random.randrange(self._shape.keys)
            row = self._rows[place]
            if row is None or all(self._seen(pair[1].packet, number) for pair in (row.status, row.qty, row.updated)):
                found.add(place)
        return sorted(found)

    # A row at a time: each has a past of its own, and this is no way of the product.
    def _batch(self, number: int, node: _Node, places: list[int]) -> pa.RecordBatch:
        status, qty, updated, ops, stamps = [], [], [], [], []
        columns: list[list[str] | None] = []
        lineages: list[list[dict[str, Any]] | None] = []
        for offset, place in enumerate(places):
            stamp = (_created(number) - HOUR + offset * 1000) << 16
            op, written, lineage = self._change(number, place, _Cell(number, stamp))
            row = self._rows[place]
            assert row is not None
            ops.append(op)
            stamps.append(stamp)
            columns.append(written)
            lineages.append(lineage)
            status.append(STATUSES[(place * 7 + self._visible(row.status, number).packet * 13) % len(STATUSES)])
            qty.append((place * 31 + self._visible(row.qty, number).packet * 17) % 100)
            updated.append(rfc3339(self._visible(row.updated, number).stamp >> 16))
        first = self._first.take(pa.array(places))
        moving = {"status": status, "qty": qty, "updated_at": updated}
        arrays = [
            pa.array(moving[c.name], arrow_type(c)) if c.name in moving else first.column(c.name).combine_chunks()
            for c in ORDERS.columns
        ]
        change = _change_array(ops, stamps, [f"{node.name}-{place % 5}" for place in places], columns, lineages)
        return pa.RecordBatch.from_arrays([*arrays, change], names=[*ORDERS.names, "_change"])

    def _change(
        self, number: int, place: int, cell: _Cell
    ) -> tuple[str, list[str] | None, list[dict[str, Any]] | None]:
        """What happens to a row now: operation, columns written, where the others come from."""
        row = self._rows[place]
        if row is None or not row.there:
            self._rows[place] = _Row(cell, (cell, cell), (cell, cell), (cell, cell))
            return "insert", None, None
        choice = self._random.random()
        if choice < _DELETES:
            row.there = False
            return "delete", [], self._lineage(row, number, ("status", "qty", "updated_at"))
        if choice < 0.6:
            lineage = self._lineage(row, number, ("qty",))
            row.status, written = (cell, row.status[0]), ["status", "updated_at"]
        else:
            lineage = self._lineage(row, number, ("status",))
            row.qty, written = (cell, row.qty[0]), ["qty", "updated_at"]
        row.updated = (cell, row.updated[0])
        return "update", written, lineage

    def _visible(self, cells: tuple[_Cell, _Cell], number: int) -> _Cell:
        newest, before = cells
        return newest if newest.packet == number or self._seen(newest.packet, number) else before

    def _lineage(self, row: _Row, number: int, rest: Sequence[str]) -> list[dict[str, Any]]:
        """Columns that come from one packet stand together, in the order of the table."""
        pairs = {"status": row.status, "qty": row.qty, "updated_at": row.updated}
        sources = dict.fromkeys(_FIRST, row.first) | {name: self._visible(pairs[name], number) for name in rest}
        found: dict[_Cell, list[str]] = {}
        for name in ORDERS.names:
            if name in sources:
                found.setdefault(sources[name], []).append(name)
        return [
            {"origin": self._signed[c.packet][0], "seq": self._signed[c.packet][1], "stamp": c.stamp, "columns": names}
            for c, names in found.items()
        ]

    def _acknowledge(self, node: _Node) -> None:
        """Everybody has everything in the end."""
        vector: dict[str, Mark] = {origin: Mark(seq, digest[:16]) for origin, seq, digest in self._signed}
        now = _created(self._shape.packets)
        ack = Ack.model_validate(
            {
                "network": self._network,
                "node": node.name,
                "origin": node.name,
                "counter": str(now),
                "vector": to_wire(vector),
                "configuration": 1,
                "clock": time_text(now),
            }
        )
        folder = self._root / "acks"
        folder.mkdir(exist_ok=True)
        (folder / ack.file_name).write_bytes(sign_ack(ack, node.key))


def _created(number: int) -> int:
    return START + (number + 2) * HOUR


def _first_values(shape: Shape, chance: random.Random) -> pa.Table:
    """What never changes in a row, keys in order."""
    keys = sorted(str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(shape.keys))
    words = ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 11))) for _ in range(5_000)]
    return pa.table(
        {
            "id": pa.array(keys),
            "order_no": pa.array([f"O-{place:08d}" for place in range(shape.keys)]),
            "customer_id": pa.array([chance.randrange(50_000) for _ in range(shape.keys)], pa.int64()),
            "amount": pa.array([chance.randrange(1_000_000) / 100 for _ in range(shape.keys)], pa.float64()),
            "note": pa.array([" ".join(chance.choices(words, k=5)) for _ in range(shape.keys)]),
        }
    )


def _change_array(
    ops: list[str],
    stamps: list[int],
    authors: list[str],
    columns: list[list[str] | None],
    lineages: list[list[dict[str, Any]] | None],
) -> pa.StructArray:
    count = len(ops)
    fields = {
        "op": pa.array(ops),
        "at": pa.array([(stamp >> 16) * 1000 for stamp in stamps], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        "by": pa.array(authors),
        "stamp": pa.array(stamps, pa.int64()),
        "columns": pa.array(columns, pa.list_(pa.string())),
        "lineage": pa.array(lineages, pa.list_(LINEAGE_TYPE)),
        "context": pa.nulls(count, pa.list_(CONTEXT_TYPE)),
        "gid": pa.nulls(count, pa.string()),
        "misfit": pa.nulls(count, pa.list_(MISFIT_TYPE)),
    }
    return pa.StructArray.from_arrays([fields[f.name] for f in STORE_FIELDS], fields=list(STORE_FIELDS))
