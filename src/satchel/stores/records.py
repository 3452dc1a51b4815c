"""What goes in and out of a store: packets and their rows, and what it tells of conflicts, runs, schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from satchel.model.ids import Dot
    from satchel.model.schema import Table
    from satchel.model.value import Value
    from satchel.model.vector import Vector
    from satchel.model.version import Resolved, Version


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of rows of a delta, in its order: rows start..stop (stop excluded) of a table went into one packet."""

    table: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A packet whose parts are in the archive and whose manifest is signed but not yet there."""

    dot: Dot
    hash: str  # sha256 of the manifest's bytes, hex
    suffix: str
    group: tuple[int, int]
    context: Vector
    kind: str  # baseline | changes | join
    envelope: bytes  # the exact content of manifest.json
    created: int  # milliseconds since 1970 UTC
    rows: Mapping[str, int]
    stretches: Sequence[Stretch] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """A verified packet that is ready to be applied. `batches(table)` gives its change batches, `_change` whole."""

    dot: Dot
    hash: str
    suffix: str
    group: tuple[int, int]
    context: Vector
    kind: str
    created: int
    rows: Mapping[str, int]
    batches: Callable[[str], Iterable[pa.RecordBatch]]
    tables: Mapping[str, Table] = field(default_factory=dict)  # as its author has them, without constraints
    misled: bool = False  # its author had seen packets that count no more: values it took over may be unknown here


@dataclass(frozen=True, slots=True)
class Contested:
    """A row that SQL alone cannot decide: what stands, and what comes on top (None: only decide again)."""

    table: str
    key: tuple[Value, ...]
    standing: Sequence[Version]
    incoming: Version | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What the rules make of a contested row: its siblings from now on, and what is shown."""

    siblings: Sequence[Version]
    resolved: Resolved
    closes: str = "resolved"  # how the incoming version closes an open conflict of the row: resolved | passed-over


@dataclass(frozen=True, slots=True)
class Standing:
    """A row and its siblings, as the constraints look at it. `fixed`: it is in the table, and only a parent."""

    table: str
    key: tuple[Value, ...]
    siblings: Sequence[Version]
    resolved: Resolved
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class RowEdit:
    """What becomes of one row, as on the wire. `values`: the columns to write, None: delete it. `stamp`: when it was
    written, 0: now. `blind`: its author has not seen the row as the network has it, and stands beside it."""

    table: str
    key: tuple[Value, ...]
    values: Mapping[str, Value] | None
    stamp: int = 0
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Lacks:
    """What the network replicates and this database does not have. `columns` None: the whole table."""

    table: str
    columns: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TriggerUse:
    """A trigger of the application, whether it runs for rows that arrive, and why. `mixed`: it writes to replicated
    tables and to others, or is made to run although it writes to replicated ones."""

    trigger: str
    table: str
    runs: bool
    why: str
    mixed: bool = False


@dataclass(frozen=True, slots=True)
class Seeming:
    """A column whose values are mostly keys of a table with own numbers, and that no reference names."""

    table: str
    column: str
    parent: str
    found: int  # of the values that were looked at, how many are keys there
    of: int


@dataclass(frozen=True, slots=True)
class ConflictRecord:
    """One entry of the list of conflicts. `versions` are the siblings while it is open, afterwards the last ones."""

    id: str
    table: str
    key: tuple[Value, ...]
    kind: str  # edit | unique | foreign-key | constraint
    columns: tuple[str, ...]
    opened: int  # milliseconds since 1970 UTC
    number: int  # of the entry in this database; ids may change while versions come
    closed: int | None
    closed_by: Mapping[str, Any] | None  # {how: resolved|passed-over|reason-gone, node, packet}
    reviewed: bool  # passed over, and somebody has looked
    shown: Mapping[str, Value] | None  # the row as it is shown; None: deleted, or parked
    versions: Sequence[Version]
    reason: str = ""  # of a parked row, or a note: in words
    apart: str = ""  # parked | refused (here only) | noted (shown, not as it was written); empty: an edit


@dataclass(frozen=True, slots=True)
class Joining:
    """What joining with rows made of the rows that were there."""

    same: int = 0  # equal to what the network shows, or an old copy of it
    added: int = 0  # keys that the network does not know
    beside: int = 0  # differ: they stand beside the network's row as a sibling
