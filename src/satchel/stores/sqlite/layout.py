"""Names and column lists of satchel's tables beside one table of the application.

    _satchel_log_N      which rows changed: kind, time, mask of changed columns, key, old values
    _satchel_gap_N      what the capture triggers read where a column is gone (gap.py)
    _satchel_row_N      the version of every row that changed since the baseline: one line a row
    _satchel_image_N    whole versions: last images of deleted rows, all siblings of rows that have several
    _satchel_base_N     where each packet of the baseline begins in key order: the version of all other rows
    _satchel_apart_N    rows that the application's table does not hold as they were written (apart.py)

N is the table's number in `_satchel_table`. Columns of the application stand there under their place (c0, c1 ...),
with the affinity of the original, so that a value is stored and compared just as the application's table does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from satchel.stores.sqlite.connection import quote

if TYPE_CHECKING:
    from satchel.model.schema import Column, Table

_AFFINITY_TYPE = {"integer": "INTEGER", "real": "REAL", "numeric": "NUMERIC", "text": "TEXT", "blob": "BLOB"}
MASK_BITS = 60  # columns in one mask column: a shift in SQL has 63 bits, and hex digits come in fours


def typed(name: str, column: Column) -> str:
    """A column of ours that holds values of `column`."""
    collation = "" if column.collation == "BINARY" else f" COLLATE {column.collation}"
    return f"{name} {_AFFINITY_TYPE[column.affinity]}{collation}"


def compared(terms: Sequence[str], collations: Sequence[str]) -> tuple[str, ...]:
    """SQL terms as a unique key compares them; no collations: as they compare by themselves."""
    if not collations:
        return tuple(terms)
    return tuple(f"{term} COLLATE {collation}" for term, collation in zip(terms, collations, strict=True))


@dataclass(eq=False)
class Layout:
    """One captured table and the names of what belongs to it."""

    number: int
    table: Table
    rowid: str = ""  # a name by which the rowid can be reached; empty: WITHOUT ROWID, or all names are taken
    # Places that hold a gid on the wire and a number here -> the table whose rows they name (Whose key is it?)
    roots: Mapping[int, str] = field(default_factory=dict)
    bearing: tuple[str, str] | None = None  # origin and nonce of rows that stand under the number of their birth
    absent: frozenset[int] = frozenset()  # places of columns that the application's table does not have
    away: bool = False  # the application has no such table: the rows stand in one of ours
    base_lacks: int = 0  # mask of the columns that came after the baseline

    @property
    def user(self) -> str:
        """The application's table, quoted; ours that stands for it while there is none."""
        return quote(self.stand_in) if self.away else quote(self.table.name)

    @property
    def stand_in(self) -> str:
        """Name of the table that holds the rows of one that the application does not have."""
        return f"_satchel_away_{self.number}"

    @cached_property
    def source(self) -> str:
        """The application's table to read from: every column of the network is there, NULL where it is not."""
        if not self.absent:
            return f"main.{self.user}"
        rowid = f"{self.rowid} AS {self.rowid}, " if self.rowid else ""
        columns = (f"NULL AS {c}" if place in self.absent else c for place, c in enumerate(self.columns))
        return f"(SELECT {rowid}{', '.join(columns)} FROM main.{self.user})"

    @cached_property
    def here(self) -> tuple[int, ...]:
        """Places of the columns that the application's table has."""
        return tuple(place for place in range(self.width) if place not in self.absent)

    @cached_property
    def absent_mask(self) -> int:
        """The mask of the columns that it has not."""
        return sum(1 << place for place in self.absent)

    @property
    def log(self) -> str:
        """Name of the capture log."""
        return f"_satchel_log_{self.number}"

    @property
    def gap(self) -> str:
        """Name of the table that stands in for columns that are gone."""
        return f"_satchel_gap_{self.number}"

    @property
    def renames(self) -> bool:
        """Whether a changed key is another number of the same row (PROTOCOL, Whose key is it?)."""
        return self.table.scope == "local" and len(self.table.key) == 1

    @property
    def rows(self) -> str:
        """Name of the table of versions."""
        return f"_satchel_row_{self.number}"

    @property
    def images(self) -> str:
        """Name of the table of whole versions."""
        return f"_satchel_image_{self.number}"

    @property
    def base(self) -> str:
        """Name of the table of baseline packets."""
        return f"_satchel_base_{self.number}"

    @property
    def apart(self) -> str:
        """Name of the table of rows that are not shown as they were written."""
        return f"_satchel_apart_{self.number}"

    @property
    def numbers(self) -> str:
        """Name of the table of own numbers and gids (numbers.py)."""
        return f"_satchel_number_{self.number}"

    @property
    def is_local(self) -> bool:
        """Whether this database hands out the keys by itself."""
        return self.table.scope == "local"

    @cached_property
    def key_roots(self) -> dict[int, str]:
        """`roots` by place in the key."""
        return {i: self.roots[place] for i, place in enumerate(self.key_places) if place in self.roots}

    @cached_property
    def locals(self) -> tuple[str, ...]:
        """The slots that hold a row as the application's table has it: l0 where c0 holds a gid."""
        return tuple(f"l{place}" if place in self.roots else slot for place, slot in enumerate(self.slots))

    def slots_of(self, names: Iterable[str], *, local: bool = False) -> tuple[str, ...]:
        """The slots of some columns."""
        slots = self.locals if local else self.slots
        return tuple(slots[self.place(name)] for name in names)

    def place(self, name: str) -> int:
        """The place of a column, whose name may be spelled in another case; KeyError if there is none."""
        return self._places[name.lower()]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name.lower(): place for place, name in enumerate(self.table.names)}

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.table.columns)

    @cached_property
    def slots(self) -> tuple[str, ...]:
        """c0, c1 ...: the columns by place."""
        return tuple(f"c{i}" for i in range(self.width))

    @cached_property
    def old_slots(self) -> tuple[str, ...]:
        """o0, o1 ...: old values by place."""
        return tuple(f"o{i}" for i in range(self.width))

    @cached_property
    def masks(self) -> tuple[str, ...]:
        """m0, m1 ...: the mask columns of the log, the lowest columns first."""
        return tuple(f"m{i}" for i in range((self.width + MASK_BITS - 1) // MASK_BITS))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The application's columns, quoted, by place."""
        return tuple(quote(name) for name in self.table.names)

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """Places of the key columns, in key order."""
        return tuple(self.table.names.index(name) for name in self.table.key)

    @cached_property
    def key_columns(self) -> tuple[Column, ...]:
        """The key columns, in key order."""
        return tuple(self.table.columns[place] for place in self.key_places)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """k0, k1 ...: the key in our own tables."""
        return tuple(f"k{i}" for i in range(len(self.key_places)))

    @cached_property
    def key_slots(self) -> tuple[str, ...]:
        """The key's slots, in key order."""
        return tuple(self.slots[place] for place in self.key_places)

    def match(self, one: str, two: str) -> str:
        """Condition: the same key. Each side is an alias with `u` (user's names), `k` (k0 ...), `c` (slots) or `l`
        (slots of the application's own values) before a colon, e.g. `u:t`, `k:r`, `c:s`. The left side's collation
        counts, and all of ours have the original's."""
        return " AND ".join(f"{a} = {b}" for a, b in zip(self.key_of(one), self.key_of(two), strict=True))

    def key_of(self, side: str) -> tuple[str, ...]:
        """The key's columns of one side, see `match`."""
        kind, _, alias = side.partition(":")
        here = tuple(self.locals[place] for place in self.key_places)
        old = tuple(self.old_slots[place] for place in self.key_places)
        names = {"u": self.key_names, "k": self.keys, "o": old, "c": self.key_slots, "l": here}[kind]
        return tuple(f"{alias}.{name}" for name in names)

    @cached_property
    def key_names(self) -> tuple[str, ...]:
        """The application's key columns, quoted, in key order."""
        return tuple(self.columns[place] for place in self.key_places)

    def whole_key(self, side: str) -> str:
        """Condition: no key column is NULL, see `match`; a row without a whole key is left out."""
        return " AND ".join(f"{column} IS NOT NULL" for column in self.key_of(side))

    def list_of(self, alias: str, names: tuple[str, ...] | None = None) -> str:
        """`alias.c0, alias.c1 ...`."""
        return ", ".join(f"{alias}.{name}" for name in (self.slots if names is None else names))

    def slot_list(self) -> str:
        """Definitions of c0, c1 ... for CREATE TABLE."""
        return ", ".join(typed(slot, column) for slot, column in zip(self.slots, self.table.columns, strict=True))

    def own_number_list(self) -> str:
        """Definitions of l0 ... for the columns that hold gids, behind those of the slots."""
        return "".join(f", {typed(self.locals[place], self.table.columns[place])}" for place in self.roots)

    def key_list(self) -> str:
        """Definitions of k0, k1 ... for CREATE TABLE."""
        return ", ".join(typed(key, column) for key, column in zip(self.keys, self.key_columns, strict=True))

    def ddl(self) -> list[str]:
        """What makes satchel's tables for this table."""
        keys = ", ".join(self.keys)
        masks = ", ".join(f"{mask} INTEGER" for mask in self.masks)
        renamed = f", {typed('renamed', self.key_columns[0])}" if self.renames else ""
        return [
            # A log row must never be refused: no constraint, no index (ARCHITECTURE, facts).
            f"CREATE TABLE {self.log} (id INTEGER PRIMARY KEY, kind TEXT, at REAL, {masks}, {self.slot_list()}"
            f"{renamed})",
            # o, q: dot; s: stamp; d: deleted; many: several siblings; x: row context (null: the packet's);
            # a: wall clock in ms where it is not the stamp's; b: author; l: lineage (see lineage.py)
            f"CREATE TABLE {self.rows} ({self.key_list()}, o INTEGER, q INTEGER, s INTEGER, d INTEGER, many INTEGER,"
            f" x TEXT, a INTEGER, b TEXT, l TEXT, PRIMARY KEY ({keys})) WITHOUT ROWID",
            f"CREATE TABLE {self.images} ({self.key_list()}, o INTEGER, q INTEGER, s INTEGER, d INTEGER,"
            f" x TEXT, a INTEGER, b TEXT, l TEXT, {self.slot_list()}, PRIMARY KEY ({keys}, o, q)) WITHOUT ROWID",
            f"CREATE TABLE {self.base} ({self.key_list()}, o INTEGER, q INTEGER, s INTEGER, PRIMARY KEY ({keys}))"
            " WITHOUT ROWID",
        ]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, by place."""
        return self.table.names

    @cached_property
    def bits(self) -> dict[str, int]:
        """Each column's own mask, by name."""
        return {name: 1 << place for place, name in enumerate(self.names)}

    def places_of(self, mask: int) -> tuple[int, ...]:
        """The places of a mask. Most rows share theirs."""
        found = self._masked.get(mask)
        if found is None:
            found = self._masked[mask] = tuple(place for place in range(self.width) if mask >> place & 1)
        return found

    @cached_property
    def _masked(self) -> dict[int, tuple[int, ...]]:
        return {}

    def names_of(self, mask: int) -> tuple[str, ...]:
        """Column names of a mask, by place."""
        return tuple(self.names[place] for place in self.places_of(mask))

    def mask_parts(self, mask: int) -> list[int]:
        """A mask as the mask columns of the log hold it."""
        return [mask >> (MASK_BITS * i) & ((1 << MASK_BITS) - 1) for i in range(len(self.masks))]

    def mask_of(self, names: frozenset[str] | tuple[str, ...]) -> int:
        """The mask of some column names; names that this store does not have are left away."""
        mask = 0
        for name in names:
            mask |= self.bits.get(name, 0)
        return mask

    @property
    def full(self) -> int:
        """The mask of all columns."""
        return (1 << self.width) - 1
