"""A state of the whole network, as stores take and give it (PROTOCOL, Snapshots and pruning).

Its batches have the shape of change batches (stores/base.py), one line a version: every sibling of every key,
tombstones too, in order of the key and then of the dot. `_change` has `origin` and `seq` of the version in front; `op`
is update or delete; `columns` is null. The number of a row with a local key is that of its birth, so that two nodes
with one vector give equal states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from satchel.model.vector import HASH_DIGITS, Vector

if TYPE_CHECKING:
    import pyarrow as pa

    from satchel.model.ids import Dot
    from satchel.model.schema import Table
    from satchel.stores.packet_record import PacketRecord


class State(Protocol):
    """One state of a database, while the application goes on."""

    @property
    def vector(self) -> Vector:
        """What has been applied."""

    @property
    def tables(self) -> Sequence[Table]:
        """The captured tables, parents first."""

    def packets(self) -> Iterable[PacketRecord]:
        """Every packet that is covered."""

    def batches(self, table: str) -> Iterable[pa.RecordBatch]:
        """Every version of every row of a table."""


@dataclass(frozen=True)
class IncomingState:
    """A verified snapshot that is to be installed."""

    vector: Vector
    packets: Sequence[PacketRecord]
    tables: Mapping[str, Table]  # as its author has them, without constraints
    batches: Callable[[str], Iterable[pa.RecordBatch]]
    facts: Mapping[str, str] = field(default_factory=dict)  # noted in the same transaction

    def applied_hash(self, dot: Dot) -> str | None:
        """First 16 digits of the manifest hash of a covered packet; None: it is not covered."""
        return self._hashes.get(dot)

    @cached_property
    def _hashes(self) -> dict[Dot, str]:
        return {packet.dot: packet.hash[:HASH_DIGITS] for packet in self.packets}
