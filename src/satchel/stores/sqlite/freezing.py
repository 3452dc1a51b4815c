"""What is pending, with the rows and versions that it is about, copied to temporary tables (PROTOCOL, Seal).

The log, the rows as they are now and their versions are read in one short read transaction: one snapshot of the store,
after which the application may write on, in rollback-journal mode too. Numbers become gids here: old values by the map
as it was at the last seal, present ones by the map as it is now.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable, Mapping

from satchel.stores.sqlite import births, cascaded, lineage, numbers
from satchel.stores.sqlite.apart import NOTED, has_stands, stand_slots
from satchel.stores.sqlite.events import events
from satchel.stores.sqlite.followed import follow, followed
from satchel.stores.sqlite.layout import Layout, typed
from satchel.stores.sqlite.stranded import adopt_stranded

Stretch = tuple[Layout, int, int]  # of a table's log: after, up to

ALIVE, GONE, HIDDEN = 0, 1, 2  # what the network shows of a row here: it, nothing, or it is out of sight


def base_of(layout: Layout, key: tuple[str, ...], column: str) -> str:
    """SQL: origin, seq or stamp of the baseline packet that holds a key."""
    if layout.is_local:  # its keys are gids, and the packets hold them in order of their numbers
        return numbers.if_borne(
            layout, key[0], f"SELECT b.{column} FROM {layout.base} b WHERE b.k0 <= {{}} ORDER BY b.k0 DESC LIMIT 1"
        )
    ours, theirs = ", ".join(f"b.{k}" for k in layout.keys), ", ".join(key)
    order = ", ".join(f"b.{k} DESC" for k in layout.keys)
    return f"(SELECT b.{column} FROM {layout.base} b WHERE ({ours}) <= ({theirs}) ORDER BY {order} LIMIT 1)"


def freeze(
    db: sqlite3.Connection,
    layouts: Mapping[str, Layout],
    stretches: Iterable[Stretch],
    origin: str,
    nonce: str | None = None,
) -> list[tuple[Layout, int, str]]:
    """(table, highest log row, name of the temporary table) for each stretch. `origin` and `nonce`, if it is not to be
    drawn, of rows that are born."""
    nonce = nonce or secrets.token_hex(4)
    noted = [(layout, upto, events(db, layout, after, upto)) for layout, after, upto in stretches]
    if noted:
        for layout in layouts.values():
            if layout.is_local:
                births.prepare(db, layout)
    for layout, _, name in noted:
        if layout.is_local:
            births.read(db, layout, name, origin, nonce)
    tables = {layout.table.name: name for layout, _, name in noted}
    _adopt_stranded(db, layouts, noted, tables)
    for layout, _, _ in noted:
        cascaded.take_out(db, layout, layouts, tables)
    moved = {layout.table.name for layout, _, _ in noted if follow(db, layout, layouts, tables)}
    frozen = [
        (layout, upto, _Frozen(db, layout, layouts, name, layout.table.name in moved).make())
        for layout, upto, name in noted
    ]
    for _, _, name in noted:
        db.execute(f"DROP TABLE {name}")
    return frozen


def _adopt_stranded(
    db: sqlite3.Connection, layouts: Mapping[str, Layout], noted: list[tuple[Layout, int, str]], tables: dict[str, str]
) -> None:
    """Rows that keep a number which has become another row's (stranded.py)."""

    def events_of(layout: Layout) -> str:
        name = layout.table.name
        if name not in tables:
            (mark,) = db.execute("SELECT mark FROM _satchel_table WHERE number = ?", (layout.number,)).fetchone()
            tables[name] = events(db, layout, mark, mark)
            noted.append((layout, mark, tables[name]))
        return tables[name]

    for layout, _, name in list(noted):
        if layout.is_local:
            adopt_stranded(db, layouts, layout, name, events_of)


def base_lineage(layout: Layout) -> str | None:
    """The lineage of a row that was not touched since the baseline."""
    return lineage.lacking(layout.base_lacks)


def _past(layout: Layout) -> str:
    """SQL: the lineage of the version that is known."""
    base = base_lineage(layout)
    return "r.l" if base is None else f"CASE WHEN r.o IS NULL THEN '{base}' ELSE r.l END"


def own_slots(layout: Layout) -> list[str]:
    """l0 ...: the slots of own numbers."""
    return [layout.locals[place] for place in layout.roots]


class _Frozen:
    """The events of one table, joined with its rows and versions."""

    def __init__(
        self, db: sqlite3.Connection, layout: Layout, layouts: Mapping[str, Layout], noted: str, followed: bool
    ) -> None:
        self.db = db
        self.layout = layout
        self.layouts = layouts
        self.noted = noted
        self.stands = bool(layout.key_roots) and not layout.is_local and has_stands(db, layout)
        self.followed = followed  # its keys refer to rows some of which got other numbers

    def make(self) -> str:
        """Copies everything; the temporary table's name."""
        layout, raw = self.layout, f"temp._satchel_raw_{self.layout.number}"
        columns = layout.table.columns
        old = ", ".join(typed(slot, column) for slot, column in zip(layout.old_slots, columns, strict=True))
        masks = ", ".join(f"{mask} INTEGER" for mask in layout.masks)
        self.db.execute(f"DROP TABLE IF EXISTS {raw}")
        self.db.execute(
            f"CREATE TABLE {raw} (id INTEGER PRIMARY KEY, kind TEXT, at INTEGER, {masks}, {old}, {layout.slot_list()},"
            f" present, vo, vq, vs, vl, gone{layout.own_number_list()})"
        )
        key = tuple(f"e.{name}" for name in self._key_names())
        known = {column: f"coalesce(r.{column}, {base_of(layout, key, column)})" for column in "oqs"}
        # A row that was inserted and has no version of its own is new, even if its key lies within the baseline.
        fresh = "r.o IS NULL AND upper(e.kind) = 'I'"
        versions = ", ".join(f"CASE WHEN {fresh} THEN NULL ELSE {known[column]} END" for column in "oqs")
        there = f"t.{layout.key_names[0]} = e.now_n" if layout.is_local else layout.match("u:t", "o:e")
        there += self._of_the_same_parents()
        match = " AND ".join(f"r.{ours} = {theirs}" for ours, theirs in zip(layout.keys, key, strict=True))
        apart = " AND ".join(f"a.{ours} = {theirs}" for ours, theirs in zip(layout.keys, key, strict=True))
        numbers_ = [f"coalesce(t.{layout.columns[p]}, {self._old_number(p)})" for p in layout.roots]
        old_values = [f"e.w{p}" if p in layout.roots else f"e.o{p}" for p in range(layout.width)]
        versions += f", {_past(layout)}"
        now_values = self._now_values()
        self.db.execute(
            f"INSERT INTO {raw} {self._events()} SELECT e.id, e.kind, e.at, {layout.list_of('e', layout.masks)},"
            f" {', '.join([*old_values, *now_values])}, {layout.key_of('u:t')[0]} IS NOT NULL, {versions},"
            f" CASE WHEN a.status = '{NOTED}' THEN {ALIVE} WHEN a.status IS NOT NULL THEN {HIDDEN}"
            f" ELSE coalesce(r.d, {ALIVE}) END{''.join(f', {number}' for number in numbers_)} FROM e"
            f" LEFT JOIN {layout.source} t ON {there} LEFT JOIN {layout.rows} r ON {match}"
            f" LEFT JOIN {layout.apart} a ON {apart}"
        )
        return raw

    def _old_number(self, place: int) -> str:
        """The number that a row had which is gone; NULL where another row has it now."""
        layout = self.layout
        if not layout.is_local or place not in layout.key_places:
            return f"e.o{place}"
        taken = f"EXISTS (SELECT 1 FROM main.{layout.user} x WHERE x.{layout.key_names[0]} = e.o{place})"
        return f"CASE WHEN NOT {taken} THEN e.o{place} END"

    def _of_the_same_parents(self) -> str:
        """SQL: where a number in the key has become another row's, the row that stands there now is not the one that
        an earlier event was about."""
        layout = self.layout
        if layout.is_local or self.stands or self.followed:
            return ""
        terms = []
        for place in layout.key_places:
            root = self.layouts[layout.roots[place]] if place in layout.roots else None
            if root is not None and births.is_used_again(self.db, root):
                value = f"t.{layout.columns[place]}"
                terms.append(f" AND coalesce({births.gid_now(root, value)}, {value}) = e.w{place}")
        return "".join(terms)

    def _key_names(self) -> list[str]:
        """The event's columns that hold the key on the wire."""
        return [f"w{p}" if p in self.layout.roots else f"o{p}" for p in self.layout.key_places]

    def _events(self) -> str:
        """The events, with w0 ... (old values on the wire) beside o0 ..., and for local numbers the number now."""
        layout = self.layout
        if not layout.roots:
            return f"WITH e AS (SELECT * FROM {self.noted} WHERE kind <> 'R')"
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
        events_ = f"SELECT v.*, {', '.join(wires)} FROM {source} WHERE v.kind <> 'R'"
        return self._under_own_keys(events_) if self.stands else f"WITH e AS MATERIALIZED ({events_})"

    def _under_own_keys(self, events_: str) -> str:
        """A row that is shown under another key, because a twin stands for its parent, is meant by its own."""
        layout = self.layout
        places = [place for place in layout.key_places if place in layout.roots]
        own = {place: f"coalesce(a.{layout.keys[layout.key_places.index(place)]}, x.w{place})" for place in places}
        kept = ["id", "kind", "at", *layout.masks, *layout.old_slots]
        wires = [f"{own.get(place, f'x.w{place}')} AS w{place}" for place in layout.roots]
        key = [f"x.w{place}" if place in layout.roots else f"x.o{place}" for place in layout.key_places]
        match = " AND ".join(f"a.{slot} = {value}" for slot, value in zip(stand_slots(layout), key, strict=True))
        columns = ", ".join([*(f"x.{name}" for name in kept), *wires])
        renamed = f"SELECT {columns} FROM x LEFT JOIN {layout.apart} a ON {match}"
        return f"WITH x AS MATERIALIZED ({events_}), e AS MATERIALIZED ({renamed})"

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

    def _now_values(self) -> list[str]:
        layout = self.layout
        values = [f"t.{column}" for column in layout.columns]
        for place, root in layout.roots.items():
            if place in layout.key_places and (layout.is_local or self.stands):
                values[place] = f"e.w{place}"
            else:
                values[place] = f"coalesce({births.gid_now(self.layouts[root], values[place])}, {values[place]})"
        return values
