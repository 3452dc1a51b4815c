"""The application's schema changes between two runs, at every site at another time (PROTOCOL, Capture and Constraints).

What a database does not have yet is kept: the values of a column beside the row (cases, many), the rows of a table in a
table of ours that stands in for it. They appear when the schema arrives. A column that is added is no edit of its rows.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from satchel.model.gids import typed as typed_tables
from satchel.stores.records import Lacks
from satchel.stores.sqlite import books, install, lineage, numbers
from satchel.stores.sqlite.capture import differs
from satchel.stores.sqlite.connection import quote
from satchel.stores.sqlite.displaced import default_literal
from satchel.stores.sqlite.homecoming import come_home, note_arrival
from satchel.stores.sqlite.layout import MASK_BITS, Layout, typed
from satchel.stores.sqlite.misfitting import check
from satchel.stores.sqlite.schema import inspect, table_columns

if TYPE_CHECKING:
    from satchel.model.schema import Column, Table


def extend(db: sqlite3.Connection, layout: Layout, columns: Sequence[Column]) -> Layout:
    """A table has these columns, too, from now on: in no version so far. The table as it is now."""
    table = replace(layout.table, columns=(*layout.table.columns, *columns))
    new = sum(1 << place for place in range(layout.width, len(table.columns)))
    bigger = Layout(layout.number, table)
    for mask in bigger.masks[len(layout.masks) :]:
        db.execute(f"ALTER TABLE {layout.log} ADD COLUMN {mask} INTEGER DEFAULT 0")
    for slot, column in list(zip(bigger.slots, table.columns, strict=True))[layout.width :]:
        for name in (layout.log, layout.images, layout.apart):
            db.execute(f"ALTER TABLE {name} ADD COLUMN {typed(slot, column)}")
    for column in columns if layout.away else ():
        db.execute(f"ALTER TABLE main.{layout.user} ADD COLUMN {typed(quote(column.name), column)}")
    db.create_function("satchel_lacking", 1, lambda text: lineage.lacking(new, text), deterministic=True)
    for name in (layout.rows, layout.images):
        db.execute(f"UPDATE {name} SET l = satchel_lacking(l)")
    db.execute(
        "UPDATE _satchel_table SET definition = ?, base_lacks = ? WHERE number = ?",
        (books.table_to_json(table), f"{layout.base_lacks | new:x}", layout.number),
    )
    return books.layouts(db)[table.name]


def meet(db: sqlite3.Connection, layouts: dict[str, Layout], tables: Iterable[Table]) -> None:
    """Makes room for the tables and columns of packets, as their author has them; `layouts` is brought up to date."""
    changed = False
    for table in tables:
        check(table, layouts)
        layout = layouts.get(table.name)
        if layout is None:
            install.add_table(db, table)
            layout = books.layouts(db)[table.name]
            install.make_tables(db, layout)
            if layout.away:
                make_stand_in(db, layout)
            else:  # only while a node joins: it brings a table along that it did not know to be the network's
                refer(db, layout, _own(db, table.name), table.names)
                grow(db, books.layouts(db)[table.name])
            changed = True
        elif more := [column for column in table.columns if column.name.lower() not in _names(layout)]:
            extend(db, layout, more)
            changed = True
    if changed:
        layouts.clear()
        layouts.update(books.layouts(db))
        note_absent(db, layouts)


def make_stand_in(db: sqlite3.Connection, layout: Layout) -> None:
    """The table that holds the rows of one that the application does not have."""
    columns = [typed(quote(column.name), column) for column in layout.table.columns]
    columns.append(f"PRIMARY KEY ({', '.join(layout.key_names)})")
    db.execute(f"CREATE TABLE IF NOT EXISTS {layout.stand_in} ({', '.join(columns)})")


def note_absent(db: sqlite3.Connection, layouts: Mapping[str, Layout]) -> None:
    """Remembers which columns are not here, so that their arrival is noticed."""
    for layout in layouts.values():
        names = ["*"] if layout.away else [layout.table.names[place] for place in sorted(layout.absent)]
        db.execute("UPDATE _satchel_table SET absent = ? WHERE number = ?", (json.dumps(names), layout.number))


def lacking(layout: Layout) -> Lacks | None:
    """What the application's database does not have of a table; None: it has all of it."""
    if layout.away:
        return Lacks(layout.table.name)
    names = tuple(layout.table.names[place] for place in sorted(layout.absent))
    return Lacks(layout.table.name, names) if names else None


def grow(db: sqlite3.Connection, layout: Layout) -> tuple[Layout, list[str]]:
    """The columns that the application's table has beyond those that are known are replicated, too: which."""
    have = {name.lower() for name, *_, hidden in table_columns(db, layout.table.name) if not hidden}
    here = _own(db, layout.table.name) if have - _names(layout) else None
    more = [] if here is None else [column for column in here.columns if column.name.lower() not in _names(layout)]
    names = [column.name for column in more]
    return (refer(db, extend(db, layout, more), here, names), names) if more else (layout, [])


def fit(db: sqlite3.Connection, *, whole_rows: bool) -> None:
    """A database that has just been installed may lack tables and columns of the network, or join with more. A table
    without its key is left to the first command, which says so."""
    for layout in books.layouts(db).values():
        if layout.away and not table_columns(db, layout.table.name):
            make_stand_in(db, layout)
        elif whole_rows and not layout.away and grow(db, layout)[1]:
            install.drop_triggers(db, layout)
            install.make_triggers(db, books.layouts(db)[layout.table.name], whole_rows=whole_rows)
    fitting = {n: each for n, each in books.layouts(db).items() if not each.away or not table_columns(db, n)}
    note_absent(db, fitting)


def refer(db: sqlite3.Connection, layout: Layout, here: Table | None, columns: Sequence[str]) -> Layout:
    """References of columns that are new are translated; what is a constraint, the configuration says. `here`: the
    application's table."""
    known = {key.columns for key in layout.table.foreign_keys}
    keys = () if here is None else here.foreign_keys
    wanted = [key for key in keys if set(key.columns) & set(columns) and key.columns not in known]
    if not wanted:
        return layout
    keys = (*layout.table.foreign_keys, *(replace(key, declared=False) for key in wanted))
    _define(db, layout.number, replace(layout.table, foreign_keys=keys))
    layouts = books.layouts(db)
    for table in typed_tables([other.table for other in layouts.values()]):
        if table != layouts[table.name].table:
            _define(db, layouts[table.name].number, table)
    return books.layouts(db)[layout.table.name]


def _define(db: sqlite3.Connection, number: int, table: Table) -> None:
    db.execute("UPDATE _satchel_table SET definition = ? WHERE number = ?", (books.table_to_json(table), number))


def _own(db: sqlite3.Connection, name: str) -> Table | None:
    """A table as the application has it now."""
    return next((table for table in inspect(db).tables if table.name == name), None)


def _names(layout: Layout) -> set[str]:
    return {name.lower() for name in layout.table.names}


class Drift:
    """What changed in the application's schema since the last run; the caller's transaction. `said`: in words."""

    def __init__(self, db: sqlite3.Connection, *, joining: bool) -> None:
        self.db = db
        self.joining = joining
        self.said: list[str] = []

    def notice(self) -> None:
        """Follows what happened to tables that are captured."""
        rows = self.db.execute("SELECT name, absent FROM _satchel_table ORDER BY number").fetchall()
        absent = {name: set(json.loads(text)) for name, text in rows}
        layouts = books.layouts(self.db)
        coming = {name for name, layout in layouts.items() if not layout.away and "*" in absent[name]}
        if coming:
            come_home(self.db, [layouts[name] for name in coming])
        for name, layout in layouts.items():
            if layout.away:
                self._is_away(layout, absent[name])
            elif name not in coming:
                self._columns(layout, absent[name])
        for name in layouts:
            if name in coming:
                self._came(books.layouts(self.db)[name])
        note_absent(self.db, books.layouts(self.db))

    def take(self, tables: Sequence[Table]) -> None:
        """Captures tables that are new, their rows included."""
        for table in tables:
            install.add_table(self.db, table)
        for table in tables:
            layout = books.layouts(self.db)[table.name]
            install.make_tables(self.db, layout)
            install.make_triggers(self.db, layout, whole_rows=self.joining)
            note_rows(self.db, layout)
            self.said.append(f"the table {table.name} is new here and is replicated from now on")

    def renew(self, stale: Mapping[str, str]) -> list[str]:
        """Makes the triggers of tables again; what was wrong with them, in words, where nothing else explains it."""
        explained = " ".join(self.said)
        found = []
        for name, layout in books.layouts(self.db).items():
            if layout.away:
                continue
            texts = install.outdated(self.db, {name: layout}, whole_rows=self.joining)
            if not self._has_triggers(layout):
                self._lost(name)
            if name in stale or texts:
                install.drop_triggers(self.db, layout)
                install.make_triggers(self.db, layout, whole_rows=self.joining)
            if name in stale and name not in explained:
                found.append(stale[name])
        return found

    def _has_triggers(self, layout: Layout) -> bool:
        """Whether what the application writes is noted. A table that was made anew has lost its triggers."""
        query = "SELECT 1 FROM main.sqlite_master WHERE type = 'trigger' AND name = ? AND lower(tbl_name) = lower(?)"
        name = f"_satchel_{layout.number}_insert"
        return self.db.execute(query, (name, layout.table.name)).fetchone() is not None

    def _lost(self, name: str) -> None:
        """What was written without them is to be found out."""
        known = json.loads(books.read_notes(self.db).get(books.REBUILT, "[]"))
        books.write_notes(self.db, {books.REBUILT: json.dumps(sorted({*known, name}))})

    def _is_away(self, layout: Layout, before: set[str]) -> None:
        if "*" in before:
            return
        name = layout.table.name
        install.drop_triggers(self.db, layout)
        make_stand_in(self.db, layout)
        self._lost(name)
        if have := {column.lower() for column, *_ in table_columns(self.db, name)}:
            keys = ", ".join(key for key in layout.table.key if key.lower() not in have)
            self.said.append(f"{name} has no longer its key {keys}; it is left alone until that is back")
        else:
            self.said.append(f"the table {name} is gone; what others write there is kept until it is back")

    def _columns(self, layout: Layout, before: set[str]) -> None:
        name = layout.table.name
        now = {layout.table.names[place] for place in layout.absent}
        if gone := sorted(now - before):
            self._lost(name)
            self.said.append(f"{name} has no longer {', '.join(gone)}; what others write there is kept")
        back = sorted(before - now)
        layout, more = grow(self.db, layout)
        if more:
            self.said.append(f"{name} has new columns, replicated from now on: {', '.join(more)}")
        if back:
            layout = refer(self.db, layout, _own(self.db, name), back)
            note_arrival(self.db, name, back)
            self.said.append(f"{name} has {', '.join(back)} now; the values that were kept appear")
        self._note_written(layout, [layout.place(column) for column in (*back, *more)])

    def _note_written(self, layout: Layout, places: Sequence[int]) -> None:
        """Rows that were updated while nobody looked at a column: what is not its default was written. Where values of
        others are kept, its author could not see them."""
        defaults = {
            column.lower(): text
            for column, text in self.db.execute(
                "SELECT name, dflt_value FROM pragma_table_xinfo(?)", (layout.table.name,)
            ).fetchall()
        }
        lineage.know_missing(self.db)
        for place in places:
            text = defaults.get(layout.table.names[place].lower())
            default = "NULL" if text is None else default_literal(self.db, text)
            mask = f"m{place // MASK_BITS}"
            written = (
                f"SELECT 1 FROM main.{layout.user} t WHERE {layout.match('u:t', 'c:l')}"
                f" AND t.{layout.columns[place]} IS NOT {default}"
            )
            kept = f"{_known(self.db, layout, 'l', layout.key_slots)} AND r.many AND satchel_has(r.l, {place}))"
            self.db.execute(
                f"UPDATE {layout.log} AS l SET {mask} = coalesce({mask}, 0) | {1 << place % MASK_BITS},"
                f" kind = CASE WHEN {kept} THEN 'u' ELSE kind END"
                f" WHERE kind IN ('U', 'u') AND EXISTS ({written})"
                " AND id > (SELECT mark FROM _satchel_table WHERE number = ?)",
                (layout.number,),
            )

    def _came(self, layout: Layout) -> None:
        """The application has made a table that stood in ours: its rows come home, those of the application are new."""
        layout = refer(self.db, layout, _own(self.db, layout.table.name), layout.table.names)
        layout, _ = grow(self.db, layout)
        install.make_triggers(self.db, layout, whole_rows=self.joining)
        note_rows(self.db, layout)
        self.said.append(f"the table {layout.table.name} is here now; the rows that were kept appear")


def note_rows(db: sqlite3.Connection, layout: Layout) -> None:
    """The rows that a table holds are born with the next seal; beside a row of the network's with their key, which
    their author could not see, unless they are equal."""
    slots, names = ", ".join(layout.key_slots), ", ".join(layout.key_of("u:t"))
    known = _known(db, layout, "t", layout.key_names)
    values = numbers.wire_values(layout, books.layouts(db), "t")
    pairs = ((layout.table.columns[p], values[p], f"i.{layout.slots[p]}") for p in layout.here)
    equal = " AND ".join(f"NOT {differs(column, one, two)}" for column, one, two in pairs)
    kept = f"SELECT max({equal}) FROM {layout.images} i WHERE {layout.match('k:i', 'k:r')} HAVING count(*) = 1"
    db.execute(
        f"INSERT INTO {layout.log} (kind, at, {slots}) SELECT CASE WHEN {known}) THEN 'i' ELSE 'I' END,"
        f" julianday('now'), {names} FROM main.{layout.user} t WHERE {layout.whole_key('u:t')}"
        f" AND NOT ({known} AND r.many AND NOT r.d AND ({kept})))"
    )


def _known(db: sqlite3.Connection, layout: Layout, alias: str, names: Sequence[str]) -> str:
    """SQL, without its closing bracket: a version of the row with this key is known. The key is given in this
    database's own numbers."""
    layouts = books.layouts(db) if layout.key_roots else {}
    own = [f"{alias}.{name}" for name in names]
    for place, root in layout.key_roots.items():
        own[place] = f"coalesce({numbers.gid_of(layouts[root], own[place])}, {own[place]})"
    match = " AND ".join(f"r.{key} = {value}" for key, value in zip(layout.keys, own, strict=True))
    return f"EXISTS (SELECT 1 FROM {layout.rows} r WHERE {match}"
