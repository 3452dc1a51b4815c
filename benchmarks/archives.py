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

import pyarrow as pa

from benchmarks.archive_rows import HOUR, MOST, ORDERS, START, Rows, created
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
from satchel.packet.signing import SealFacts, SignedPacket, sign_packets
from satchel.packet.wire import time_text, to_wire
from satchel.packet.writer import write_packets

NETWORK = "bench"


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


def make_archive(root: Path, shape: Shape | None = None) -> Facts:
    """Writes an archive below `root`, a new folder; about ten milliseconds per packet of a thousand changes."""
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
        assert shape.changes <= MOST
        self._root = root
        self._shape = shape
        self._random = random.Random(shape.seed)
        self._network = Network(id=str(uuid.UUID(int=self._random.getrandbits(128))), name=NETWORK)
        self._nodes = self._introduce()
        self._rows = Rows(shape.keys, self._random, lambda number: self._signed[number][:2])
        self._signed: list[tuple[str, int, str]] = []  # origin, seq, hash of each packet
        self._bytes = 0

    def make(self) -> Facts:
        for number in range(self._shape.packets):
            self._seal(number)
        for node in self._nodes:
            self._acknowledge(node)
        count = self._shape.packets * self._shape.changes
        return Facts(self._root, count, self._bytes, self._rows.often_changed())

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
        unseen = frozenset(packet for packet in self._recent(number) if not self._seen(packet, number))
        places = self._rows.choose(self._shape.changes, unseen)
        batch = self._rows.batch(number, node.name, places, unseen)
        seq = len(node.sealed) + 1
        where = self._root / NETWORK / node.name

        def stream() -> Iterator[pa.RecordBatch]:
            yield batch

        written = write_packets(lambda s, suffix: where / folder_name(s, suffix), {ORDERS: stream}, node.name, seq)
        facts = SealFacts(self._network, 1, "changes", self._context(number, node), created(number), "satchel bench")
        [signed] = sign_packets(written, facts, node.key, None if node.last is None else node.last.hash)
        (written[0].folder / MANIFEST_NAME).write_bytes(signed.envelope)
        self._bytes += sum(part.size for part in written[0].parts) + len(signed.envelope)
        node.last = signed
        node.sealed.append(number)
        self._signed.append((node.name, seq, signed.hash))

    def _context(self, number: int, node: _Node) -> dict[str, Mark]:
        """The last packet of each node that this one had applied."""
        found: dict[str, Mark] = {}
        for before in self._recent(number):
            if self._seen(before, number):
                origin, seq, digest = self._signed[before]
                found[origin] = Mark(seq, digest[:16])
        return found

    def _seen(self, packet: int, number: int) -> bool:
        return packet < number - self._shape.lag or (number - packet) % len(self._nodes) == 0

    def _recent(self, number: int) -> range:
        """Packets before this one among which are all that its author has not seen, and the last of each node."""
        return range(max(0, number - self._shape.lag - 2 * len(self._nodes)), number)

    def _acknowledge(self, node: _Node) -> None:
        """Everybody has everything in the end."""
        vector: dict[str, Mark] = {origin: Mark(seq, digest[:16]) for origin, seq, digest in self._signed}
        now = created(self._shape.packets)
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
