"""Numbers of other tables in columns that no reference names: guessed from names and values, for `doctor` to warn of.

Such a number is not translated: at another site it names another row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping

from satchel.stores.records import Seeming
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import SAMPLE_ROWS

_MOST = 0.8  # so many of the values must be keys there


def find(db: sqlite3.Connection, layouts: Mapping[str, Layout]) -> list[Seeming]:
    """Columns that seem to hold own numbers of a table, in the order of the tables."""
    parents = [layout for layout in layouts.values() if layout.is_local and not layout.away]
    found = []
    for layout in layouts.values():
        for place in () if layout.away else layout.here:
            found += [hit for parent in _named(layout, place, parents) if (hit := _look(db, layout, place, parent))]
    return found


def _named(layout: Layout, place: int, parents: list[Layout]) -> Iterator[Layout]:
    """The tables whose number a column seems to hold by its name: at most one, the first by order."""
    column = layout.table.columns[place]
    if place in layout.roots or place in layout.key_places or column.affinity not in ("integer", "numeric", "blob"):
        return
    name = _plain(column.name)
    yield from [p for p in parents if name in _spellings(p) or (p is layout and name in ("parentid", "parent"))][:1]


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace(" ", "")


def _spellings(parent: Layout) -> set[str]:
    """Names that columns with a table's numbers are given: invoice_id, id_invoice, InvoiceID, invoice, and that of the
    table's own key unless it says nothing."""
    table, key = _plain(parent.table.name), _plain(parent.table.key[0])
    singulars = {table, table.removesuffix("s"), table.removesuffix("es")}
    if table.endswith("ies"):
        singulars.add(f"{table.removesuffix('ies')}y")
    found = {f"{word}{end}" for word in singulars for end in ("", "id", "no", "nr", "number", key)}
    found |= {f"id{word}" for word in singulars}
    return found if key in ("id", "no", "nr", "number", "key") else found | {key}


def _look(db: sqlite3.Connection, layout: Layout, place: int, parent: Layout) -> Seeming | None:
    """Whether most of the values are keys there."""
    name = layout.columns[place]
    values = f"SELECT {name} AS v FROM main.{layout.user} WHERE {name} IS NOT NULL LIMIT {SAMPLE_ROWS}"
    there = f"EXISTS (SELECT 1 FROM main.{parent.user} p WHERE p.{parent.key_names[0]} = v)"
    count, hits = db.execute(f"SELECT count(*), coalesce(sum({there}), 0) FROM ({values})").fetchone()
    if not hits or hits < _MOST * count:
        return None
    return Seeming(layout.table.name, layout.table.names[place], parent.table.name, hits, count)
