"""The list of conflicts in the database (PROTOCOL, Conflict policies: what is a conflict).

An entry is opened when a row has siblings that a person should look at, and closed by the version that supersedes
them. While it is open its versions are those of `_satchel_image_N`; when it is closed they are kept in the entry.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from satchel.errors import UsageError
from satchel.model.admission import FOREIGN_KEY, TWIN, UNIQUE
from satchel.model.ids import Dot, node_of
from satchel.model.key import conflict_id, key_text
from satchel.model.value import Value
from satchel.model.version import Cell, Version
from satchel.stores.records import ConflictRecord, Settled
from satchel.stores.sqlite import books, exact
from satchel.stores.sqlite.apart import NOTED, Apart
from satchel.stores.sqlite.layout import Layout

EDIT = "edit"
_COLUMNS = "number, tab, key, kind, columns, opened, closed, closed_by, reviewed, shown, versions, reason, apart"


def keep(
    db: sqlite3.Connection,
    layout: Layout,
    key: Sequence[Value],
    standing: Sequence[Version],
    incoming: Version | None,
    settled: Settled,
    now: int,
) -> bool:
    """Opens, changes or closes the entry of a row after it was decided anew. Whether an entry was opened."""
    row = key_text(layout.table, key)
    found = db.execute(
        "SELECT number FROM _satchel_conflict WHERE tab = ? AND row = ? AND kind = ? AND closed IS NULL",
        (layout.number, row, EDIT),
    ).fetchone()
    columns = json.dumps(sorted(settled.resolved.conflict))
    if settled.resolved.conflict:
        id_ = conflict_id(layout.table, key, EDIT, [version.dot for version in settled.siblings])
        number = found[0] if found is not None else _same_again(db, id_, now)
        if number is None:
            cursor = db.execute(
                "INSERT INTO _satchel_conflict (tab, row, key, kind, columns, opened) VALUES (?, ?, ?, ?, ?, ?)",
                (layout.number, row, exact.write_values(key), EDIT, columns, now),
            )
            number = cursor.lastrowid
        else:
            db.execute("UPDATE _satchel_conflict SET columns = ? WHERE number = ?", (columns, number))
        db.execute("INSERT OR REPLACE INTO _satchel_conflict_id VALUES (?, ?)", (id_, number))
    elif found is not None:
        how = settled.closes if len(settled.siblings) == 1 else "reason-gone"
        _close(db, found[0], standing, incoming, how, settled, now)
    return found is None and bool(settled.resolved.conflict)


def keep_apart(
    db: sqlite3.Connection,
    layout: Layout,
    key: Sequence[Value],
    why: Apart | None,
    settled: Settled,
    incoming: Version | None,
    now: int,
) -> bool:
    """Opens, changes or closes the entry of a row that is not shown as it was written. Whether one was opened."""
    row = key_text(layout.table, key)
    kind = why.kind if why is not None and why.status != TWIN else ""
    here = "SELECT number, kind FROM _satchel_conflict WHERE tab = ? AND row = ? AND kind <> ? AND closed IS NULL"
    known = {found: number for number, found in db.execute(here, (layout.number, row, EDIT)).fetchall()}
    for other, number in known.items():
        if other != kind:
            settles = incoming is not None and len(settled.siblings) == 1 and why is None
            _close(db, number, settled.siblings, incoming, "resolved" if settles else "reason-gone", settled, now)
    if why is None or not kind:
        return False
    id_ = conflict_id(layout.table, key, kind, [version.dot for version in settled.siblings])
    if kind in known:
        number = known[kind]
        db.execute(
            "UPDATE _satchel_conflict SET apart = ?, reason = ? WHERE number = ?", (why.status, why.reason, number)
        )
        db.execute("INSERT OR REPLACE INTO _satchel_conflict_id VALUES (?, ?)", (id_, number))
        return False
    query = "SELECT number, reviewed FROM _satchel_conflict JOIN _satchel_conflict_id USING (number) WHERE id = ?"
    earlier = db.execute(query, (id_,)).fetchone()
    if earlier is not None:
        number, reviewed = earlier
        if why.status == NOTED and reviewed:
            return False
        _reopen(db, number, why, now)
        return True
    columns = json.dumps(_concerned(layout, kind))
    cursor = db.execute(
        "INSERT INTO _satchel_conflict (tab, row, key, kind, columns, opened, apart, reason)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (layout.number, row, exact.write_values(key), kind, columns, now, why.status, why.reason),
    )
    db.execute("INSERT OR REPLACE INTO _satchel_conflict_id VALUES (?, ?)", (id_, cursor.lastrowid))
    return True


def _same_again(db: sqlite3.Connection, id_: str, now: int) -> int | None:
    """Opens the entry again that these versions had before: what had settled it was taken out."""
    query = "SELECT number FROM _satchel_conflict JOIN _satchel_conflict_id USING (number) WHERE id = ?"
    row = db.execute(query, (id_,)).fetchone()
    if row is None:
        return None
    db.execute(
        "UPDATE _satchel_conflict SET opened = ?, closed = NULL, closed_by = NULL, reviewed = 0, shown = NULL,"
        " versions = NULL WHERE number = ?",
        (now, row[0]),
    )
    return int(row[0])


def _reopen(db: sqlite3.Connection, number: int, why: Apart, now: int) -> None:
    """The reason was gone for a while; the same versions are in the same trouble again."""
    db.execute(
        "UPDATE _satchel_conflict SET opened = ?, closed = NULL, closed_by = NULL, reviewed = 0, shown = NULL,"
        " versions = NULL, apart = ?, reason = ? WHERE number = ?",
        (now, why.status, why.reason, number),
    )


def _concerned(layout: Layout, kind: str) -> list[str]:
    """The columns that a constraint of this kind looks at."""
    table = layout.table
    if kind == UNIQUE:
        return sorted({name for columns in table.unique for name in columns})
    if kind == FOREIGN_KEY:
        return sorted({name for key in table.foreign_keys if key.declared for name in key.columns})
    return []


def _close(
    db: sqlite3.Connection,
    number: int,
    standing: Sequence[Version],
    incoming: Version | None,
    how: str,
    settled: Settled,
    now: int,
) -> None:
    by: dict[str, Any] = {"how": "reason-gone", "node": None, "packet": None}
    if incoming is not None:
        by = {"how": how, "node": node_of(incoming.dot.origin), "packet": str(incoming.dot)}
    shown = None if settled.resolved.deleted else {name: cell.value for name, cell in settled.resolved.cells.items()}
    _end(db, number, by, shown, standing, now)


def _end(
    db: sqlite3.Connection,
    number: int,
    by: Mapping[str, Any],
    shown: Mapping[str, Value] | None,
    versions: Sequence[Version],
    now: int,
) -> None:
    db.execute(
        "UPDATE _satchel_conflict SET closed = ?, closed_by = ?, shown = ?, versions = ? WHERE number = ?",
        (now, json.dumps(by), json.dumps(exact.write_row(shown)), _write_versions(versions), number),
    )


def _write_versions(versions: Sequence[Version]) -> str:
    """Versions of a closed entry: what is listed of them; lineage is not needed any more."""
    return json.dumps(
        [
            {
                "dot": list(version.dot),
                "stamp": version.stamp,
                "at": version.at,
                "by": version.by,
                "deleted": version.deleted,
                "row": exact.write_row({name: cell.value for name, cell in version.cells.items()}),
            }
            for version in sorted(versions, key=lambda v: v.dot)
        ]
    )


def _read_versions(text: str) -> list[Version]:
    found = []
    for raw in json.loads(text):
        dot = Dot(*raw["dot"])
        row = exact.read_row(raw["row"]) or {}
        cells = {name: Cell(value, dot, raw["stamp"]) for name, value in row.items()}
        found.append(Version(dot, raw["stamp"], {}, cells, raw["deleted"], raw["at"], raw["by"]))
    return found


def read(db: sqlite3.Connection, layouts: Mapping[int, Layout], live: Any, *, closed: bool) -> list[ConflictRecord]:
    """Entries, oldest first: open ones, those passed over until reviewed, and with `closed` all.

    `live(layout, key)` gives (versions, shown row) of an open one.
    """
    where = "1" if closed else f"closed IS NULL OR ({books.UNREVIEWED})"
    rows = db.execute(f"SELECT {_COLUMNS} FROM _satchel_conflict WHERE {where} ORDER BY number").fetchall()
    return [_record(db, layouts, row, live) for row in rows]


def _record(db: sqlite3.Connection, layouts: Mapping[int, Layout], row: Sequence[Any], live: Any) -> ConflictRecord:
    number, tab, key_json, kind, columns, opened, closed, closed_by, reviewed, shown_json, versions_json, *why = row
    reason, status = why
    layout, key = layouts[tab], exact.read_values(key_json)
    if closed is None:
        versions, shown = live(layout, key)
    else:
        versions, shown = _read_versions(versions_json), exact.read_row(json.loads(shown_json))
    # the newest name of the entry; for an open one that is the one of its present versions
    id_ = conflict_id(layout.table, key, kind, [version.dot for version in versions])
    if db.execute("SELECT 1 FROM _satchel_conflict_id WHERE id = ? AND number = ?", (id_, number)).fetchone() is None:
        named = db.execute("SELECT id FROM _satchel_conflict_id WHERE number = ? ORDER BY id", (number,)).fetchone()
        id_ = id_ if named is None else named[0]  # its last name is another's where a taking out made them the same
    return ConflictRecord(
        id=id_,
        table=layout.table.name,
        key=key,
        kind=kind,
        columns=tuple(json.loads(columns)),
        opened=opened,
        number=number,
        closed=closed,
        closed_by=None if closed_by is None else json.loads(closed_by),
        reviewed=bool(reviewed),
        shown=shown,
        versions=versions,
        reason=reason or "",
        apart=status or "",
    )


def number_of(db: sqlite3.Connection, id_: str) -> int:
    """The entry of an id, which may be one that it had earlier. UsageError if there is none."""
    row = db.execute("SELECT number FROM _satchel_conflict_id WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise UsageError(f"there is no conflict {id_}", "list them with `satchel conflicts --all`")
    return int(row[0])


def review(db: sqlite3.Connection, layouts: Mapping[int, Layout], live: Any, id_: str, now: int) -> None:
    """Somebody has looked at an entry that was passed over, or at a note, which is closed so. `live` as in `read`."""
    number = number_of(db, id_)
    db.execute("UPDATE _satchel_conflict SET reviewed = 1 WHERE number = ?", (number,))
    note = "SELECT tab, key FROM _satchel_conflict WHERE number = ? AND closed IS NULL AND apart = ?"
    for tab, key in db.execute(note, (number, NOTED)).fetchall():
        versions, shown = live(layouts[tab], exact.read_values(key))
        by = {"how": "resolved", "node": None, "packet": None}
        _end(db, number, by, shown, versions, now)
