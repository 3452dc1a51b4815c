"""What a stretch of a table's log means: its events beside the rows and the versions that they are about, as SQL.

Numbers become gids here: old values by the map as it was at the last seal, present ones by the map as it is now.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from functools import cached_property

from satchel.stores.sqlite import apart, births, lineage, numbers
from satchel.stores.sqlite.apart import stand_slots
from satchel.stores.sqlite.followed import followed
from satchel.stores.sqlite.layout import Layout, typed

ALIVE, GONE, HIDDEN = 0, 1, 2  # what the network shows of a row here: it, nothing, or it is out of sight


def base_of(layout: Layout, key: tuple[str, ...], column: str) -> str:
    """SQL: origin, seq or stamp of the baseline packet that holds a key."""
    return _in_base(layout, key, f"x.{column}")


def _in_base(layout: Layout, key: tuple[str, ...], columns: str) -> str:
    """SQL: columns of x, the baseline packet that holds a key; NULL: none does."""
    if layout.is_local:  # its keys are gids, and the packets hold them in order of their numbers
        query = f"SELECT {columns} FROM {layout.base} x WHERE x.k0 <= {{}} ORDER BY x.k0 DESC LIMIT 1"
        return numbers.if_borne(layout, key[0], query)
    ours, theirs = ", ".join(f"x.{k}" for k in layout.keys), ", ".join(key)
    order = ", ".join(f"x.{k} DESC" for k in layout.keys)
    return f"(SELECT {columns} FROM {layout.base} x WHERE ({ours}) <= ({theirs}) ORDER BY {order} LIMIT 1)"


def base_lineage(layout: Layout) -> str | None:
    """The lineage of a row that was not touched since the baseline."""
    return lineage.lacking(layout.base_lacks)


def own_slots(layout: Layout) -> list[str]:
    """l0 ...: the slots of own numbers."""
    return [layout.locals[place] for place in layout.roots]


class Sight:
    """The events of one table, whose relation is `source`: columns as in events.py, and w0 ... old values on the wire
    where those are gids, now_n the number that the row has now where the table's numbers are this database's own.

    Beside an event stand t (the application's row), r (its version), b (the baseline packet that holds it, if it has no
    version of its own) and a (why it is apart).
    """

    def __init__(
        self, db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], noted: str, followed: bool
    ) -> None:
        self.db = db
        self.layout = layout
        self.layouts = layouts
        self.noted = noted
        self.stands = bool(layout.key_roots) and not layout.is_local and apart.has_stands(db, layout)
        self.followed = followed  # its keys refer to rows some of which got other numbers
        self.source = self._copy() if layout.roots else noted

    def _copy(self) -> str:
        """The events as they are meant, in a table of their own; its name."""
        layout, name = self.layout, f"temp._satchel_meant_{self.layout.number}"
        columns = layout.table.columns
        old = [typed(slot, column) for slot, column in zip(layout.old_slots, columns, strict=True)]
        wires = [typed(f"w{place}", columns[place]) for place in layout.roots]
        masks = [f"{mask} INTEGER" for mask in layout.masks]
        now = ["now_n INTEGER"] if layout.is_local else []
        self.db.execute(f"DROP TABLE IF EXISTS {name}")
        self.db.execute(
            f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, kind TEXT, at INTEGER,"
            f" {', '.join([*masks, *old, *wires, *now])})"
        )
        self.db.execute(f"INSERT INTO {name} {self._meant()}")
        return name

    def drop(self) -> None:
        """Removes the temporary table."""
        if self.layout.roots:
            self.db.execute(f"DROP TABLE IF EXISTS {self.source}")

    def key(self, alias: str) -> tuple[str, ...]:
        """SQL: the key of an event on the wire."""
        return tuple(f"{alias}.{self.old(place)}" for place in self.layout.key_places)

    def old(self, place: int) -> str:
        """The column that holds an old value on the wire."""
        return f"w{place}" if place in self.layout.roots else f"o{place}"

    def here(self, alias: str) -> tuple[str, ...]:
        """SQL: under which key the application has the row of an event now."""
        return (f"{alias}.now_n",) if self.layout.is_local else self.layout.key_of(f"o:{alias}")

    def beside(self, key: tuple[str, ...], here: tuple[str, ...], kind: str) -> str:
        """SQL: the joins, for an event of a `kind` (in capitals) about the row with a key on the wire, which stands
        under `here` in the application's table."""
        layout = self.layout
        there = _equal(layout.key_of("u:t"), here) + self._of_the_same_parents(key)
        begins = layout.key_of("k:b")
        first = _in_base(layout, key, ", ".join(f"x.{name}" for name in layout.keys))
        joins = [
            f"{layout.source} t ON {there}",
            f"{layout.rows} r ON {_equal(layout.key_of('k:r'), key)}",
            # A row that was inserted and has no version of its own is new, even if its key lies within the baseline.
            f"{layout.base} b ON r.o IS NULL AND {kind} <> 'I' AND ({', '.join(begins)}) = {first}",
        ]
        if not self.all_shown:
            joins.append(f"{layout.apart} a ON {_equal(layout.key_of('k:a'), key)}")
        return "".join(f" LEFT JOIN {join}" for join in joins)

    @cached_property
    def all_shown(self) -> bool:
        """Whether every row of the table is shown as it was written."""
        return apart.is_empty(self.db, self.layout)

    @property
    def present(self) -> str:
        """SQL: whether the row is in the application's table."""
        return f"{self.layout.key_of('u:t')[0]} IS NOT NULL"

    @property
    def past(self) -> tuple[str, str, str, str]:
        """SQL: origin, seq, stamp and lineage of the version that is known; NULL: none is."""
        base = base_lineage(self.layout)
        lin = "r.l" if base is None else f"CASE WHEN r.o IS NULL THEN '{base}' ELSE r.l END"
        return "coalesce(r.o, b.o)", "coalesce(r.q, b.q)", "coalesce(r.s, b.s)", lin

    @property
    def gone(self) -> str:
        """SQL: what the network shows of the row here."""
        deleted = f"coalesce(r.d, {ALIVE})"
        if self.all_shown:
            return deleted
        hidden = f"WHEN a.status IS NOT NULL THEN {HIDDEN}"
        return f"CASE WHEN a.status = '{apart.NOTED}' THEN {ALIVE} {hidden} ELSE {deleted} END"

    def now(self, key: tuple[str, ...]) -> list[str]:
        """SQL: the row as it is now, on the wire, by place. `key`: SQL for its key there."""
        layout = self.layout
        values = [f"t.{column}" for column in layout.columns]
        for place, root in layout.roots.items():
            if place in layout.key_places and (layout.is_local or self.stands):
                values[place] = key[layout.key_places.index(place)]
            else:
                values[place] = f"coalesce({births.gid_now(self.layouts[root], values[place])}, {values[place]})"
        return values

    def old_number(self, place: int, alias: str) -> str:
        """SQL: the number that a row had which is gone; NULL where another row has it now."""
        layout = self.layout
        if not layout.is_local or place not in layout.key_places:
            return f"{alias}.o{place}"
        taken = f"EXISTS (SELECT 1 FROM main.{layout.user} y WHERE y.{layout.key_names[0]} = {alias}.o{place})"
        return f"CASE WHEN NOT {taken} THEN {alias}.o{place} END"

    def _of_the_same_parents(self, key: tuple[str, ...]) -> str:
        """SQL: where a number in the key has become another row's, the row that stands there now is not the one that
        an earlier event was about."""
        layout = self.layout
        if layout.is_local or self.stands or self.followed:
            return ""
        terms = []
        for place, wire in zip(layout.key_places, key, strict=True):
            root = self.layouts[layout.roots[place]] if place in layout.roots else None
            if root is not None and births.is_used_again(self.db, root):
                value = f"t.{layout.columns[place]}"
                terms.append(f" AND coalesce({births.gid_now(root, value)}, {value}) = {wire}")
        return "".join(terms)

    def _meant(self) -> str:
        """SQL: the events with w0 ... beside o0 ..., and for local numbers the number now."""
        layout = self.layout
        wires = [f"{self._old_value(place)} AS w{place}" for place in layout.roots]
        if layout.is_local:
            source = f"{self.noted} v JOIN {births.whose(layout)} b ON b.id = v.id"
            wires.append("b.n AS now_n")
        elif self.followed:
            source = f"{self.noted} v JOIN {followed(layout)} f ON f.id = v.id"
        else:
            window = ", ".join(f"o{place}" for place in layout.key_places)
            born = f"max(upper(kind) = 'I') OVER (PARTITION BY {window} ORDER BY id) AS born"
            source = f"(SELECT *, {born} FROM {self.noted}) v"
        kept = layout.list_of("v", ("id", "kind", "at", *layout.masks, *layout.old_slots))
        events = f"SELECT {kept}, {', '.join(wires)} FROM {source} WHERE v.kind <> 'R'"
        return self._under_own_keys(events) if self.stands else events

    def _under_own_keys(self, events: str) -> str:
        """A row that is shown under another key, because a twin stands for its parent, is meant by its own."""
        layout = self.layout
        places = [place for place in layout.key_places if place in layout.roots]
        own = {place: f"coalesce(a.{layout.keys[layout.key_places.index(place)]}, x.w{place})" for place in places}
        kept = ["id", "kind", "at", *layout.masks, *layout.old_slots]
        wires = [f"{own.get(place, f'x.w{place}')} AS w{place}" for place in layout.roots]
        key = [f"x.w{place}" if place in layout.roots else f"x.o{place}" for place in layout.key_places]
        match = " AND ".join(f"a.{slot} = {value}" for slot, value in zip(stand_slots(layout), key, strict=True))
        columns = ", ".join([*(f"x.{name}" for name in kept), *wires])
        return f"WITH x AS MATERIALIZED ({events}) SELECT {columns} FROM x LEFT JOIN {layout.apart} a ON {match}"

    def _old_value(self, place: int) -> str:
        layout, root = self.layout, self.layouts[self.layout.roots[place]]
        if layout.is_local and place in layout.key_places:
            return "b.gid"
        if self.followed and place in layout.key_places:
            return f"f.w{place}"
        value = f"v.o{place}"
        gid = births.gid_at_seal(root, value)
        if not layout.is_local and place in layout.key_places:
            gid = f"CASE WHEN v.born THEN {births.gid_now(root, value)} ELSE {gid} END"
        return f"coalesce({gid}, {value})"


def _equal(ones: tuple[str, ...], twos: tuple[str, ...]) -> str:
    return " AND ".join(f"{one} = {two}" for one, two in zip(ones, twos, strict=True))
