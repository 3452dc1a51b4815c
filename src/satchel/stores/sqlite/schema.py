"""What an SQLite database holds: tables, keys, unique indexes, references (PROTOCOL, Capture)."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from satchel.model.schema import COLLATIONS, Column, ForeignKey, LeftOut, Schema, Table, UniqueKey
from satchel.stores.sqlite.connection import quote, text_literal

if TYPE_CHECKING:
    from satchel.stores.sqlite.layout import Layout

BUILT_IN_COLLATIONS = frozenset(COLLATIONS)
SAMPLE_ROWS = 1000  # rows looked at to choose the type of a column whose declaration does not say it
MOST_COLUMNS = 980  # a seal works on two images of a row side by side, and SQLite has 2,000 columns at most
ROWID_NAMES = ("rowid", "_rowid_", "oid")
_HIDDEN_GENERATED = (2, 3)


@dataclass(frozen=True, slots=True)
class UniqueIndex:
    """A unique index besides the key. `columns` is empty where it has an expression."""

    name: str
    columns: tuple[str, ...]
    collations: tuple[str, ...]
    expressions: tuple[str, ...]  # all terms as SQL, in order; columns quoted
    where: str = ""  # condition of a partial index as SQL


def affinity_of(declared: str, strict: bool = False) -> str:
    """SQLite's affinity of a declared type (datatype3.html, section 3.1)."""
    name = declared.upper()
    if strict and name == "ANY":
        return "blob"
    if "INT" in name:
        return "integer"
    if any(word in name for word in ("CHAR", "CLOB", "TEXT")):
        return "text"
    if "BLOB" in name or not name:
        return "blob"
    if any(word in name for word in ("REAL", "FLOA", "DOUB")):
        return "real"
    return "numeric"


def inspect(db: sqlite3.Connection) -> Schema:
    """Tables that can be replicated, and those that cannot with the reason. Views, virtual and shadow tables and
    SQLite's own are not mentioned."""
    tables, left_out = [], []
    for name, strict in user_tables(db):
        reason = obstacle(db, name)
        if reason:
            left_out.append(LeftOut(name, reason))
        else:
            tables.append(read_table(db, name, strict))
    return Schema(tuple(parents_first(tables)), tuple(left_out))


def fingerprint(db: sqlite3.Connection) -> str:
    """A text that changes with the application's tables and indexes."""
    texts = db.execute(
        "SELECT type, name, sql FROM main.sqlite_master WHERE type IN ('table', 'index') AND name NOT GLOB '_satchel*'"
        " ORDER BY type, name"
    ).fetchall()
    return hashlib.sha256(repr(texts).encode("utf-8", "surrogateescape")).hexdigest()


def missing_columns(db: sqlite3.Connection, layout: Layout) -> list[str] | None:
    """Replicated columns that the table does not have now; None: there is no such table."""
    have = {column for column, *_ in table_columns(db, layout.table.name)}
    return [name for name in layout.table.names if name not in have] if have else None


def user_tables(db: sqlite3.Connection) -> list[tuple[str, bool]]:
    """(name, strict) of the application's ordinary tables, by name."""
    ours = ("sqlite_", "_satchel")
    return [
        (name, strict) for name, kind, strict in table_list(db) if kind == "table" and not name.lower().startswith(ours)
    ]


def table_list(db: sqlite3.Connection) -> list[tuple[str, str, bool]]:
    """(name, kind, strict) of everything in the main schema, by name."""
    rows = db.execute("SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name").fetchall()
    return [(name, kind, bool(strict)) for name, kind, strict in rows]


def obstacle(db: sqlite3.Connection, name: str) -> str:
    """Why a table cannot be replicated; empty: it can."""
    columns = table_columns(db, name)
    if not any(pk for *_, pk, _ in columns):
        return "it has no primary key; declare one, then replicate it"
    if any(column.lower() == "_change" for column, *_ in columns):
        return "it has a column named _change, which the packets need for themselves"
    foreign = sorted(collations_of(db, name) - BUILT_IN_COLLATIONS)
    if foreign:
        return f"it uses the collation {', '.join(foreign)}, which only its application knows"
    if len(columns) > MOST_COLUMNS:
        return f"it has {len(columns)} columns; more than {MOST_COLUMNS} cannot be replicated"
    if other := other_key_collations(db, name):
        return f"its primary key compares {', '.join(other)} by another collation than the column does"
    if function := unknown_function(db, name):
        return f"it uses the function {function}, which only its application knows"
    generated = {column for column, _, _, _, hidden in columns if hidden in _HIDDEN_GENERATED}
    if any(pk and column in generated for column, _, _, pk, _ in columns):
        return "its primary key is a generated column"
    return ""


def unknown_function(db: sqlite3.Connection, name: str) -> str:
    """A function in a table's definition or in one of its indexes that SQLite does not have; empty: none. Only its
    application can write to such a table. Asked of an empty database: triggers do not matter, an apply drops them."""
    texts = db.execute(
        "SELECT sql FROM main.sqlite_master WHERE type IN ('table', 'index') AND lower(tbl_name) = lower(?)"
        " AND sql IS NOT NULL ORDER BY type DESC",
        (name,),
    ).fetchall()
    with closing(sqlite3.connect(":memory:")) as empty:
        for (text,) in texts:
            try:
                empty.execute(text)
            except sqlite3.OperationalError as problem:
                if (words := str(problem)).startswith("no such function: "):
                    return words.partition(": ")[2]
    return ""


def table_columns(db: sqlite3.Connection, name: str) -> list[tuple[str, str, bool, int, int]]:
    """(name, declared type, NOT NULL, place in the key from 1, hidden) of each column."""
    rows = db.execute(
        f'SELECT name, type, "notnull", pk, hidden FROM pragma_table_xinfo({text_literal(name)})'
    ).fetchall()
    return [(column, declared or "", bool(notnull), pk, hidden) for column, declared, notnull, pk, hidden in rows]


def collations_of(db: sqlite3.Connection, name: str) -> set[str]:
    """Collations of a table's columns and indexes, upper case."""
    found = set(column_collations(db, name).values())
    for index in db.execute(f"SELECT name FROM pragma_index_list({text_literal(name)})").fetchall():
        rows = db.execute(f"SELECT coll FROM pragma_index_xinfo({text_literal(index[0])})").fetchall()
        found |= {coll.upper() for (coll,) in rows if coll}
    return found


def other_key_collations(db: sqlite3.Connection, name: str) -> list[str]:
    """Key columns whose collation in the key is not the column's own: `PRIMARY KEY (a COLLATE NOCASE)`."""
    declared = column_collations(db, name)
    rows = db.execute(
        f"SELECT x.name, x.coll FROM pragma_index_list({text_literal(name)}) i JOIN pragma_index_xinfo(i.name) x"
        " WHERE i.origin = 'pk' AND x.key"
    ).fetchall()
    return [column for column, coll in rows if column is not None and coll.upper() != declared[column]]


def column_collations(db: sqlite3.Connection, name: str) -> dict[str, str]:
    """The declared collation of each column, upper case. No pragma tells it: it is read from the table's text."""
    from satchel.stores.sqlite.sql_text import collation_in, column_definitions

    (sql,) = db.execute("SELECT sql FROM main.sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone()
    found: dict[str, str] = {}
    columns = [column for column, *_ in table_columns(db, name)]
    for column, definition in column_definitions(sql, columns):
        found[column] = collation_in(definition).upper()
    return {column: found.get(column, "BINARY") for column in columns}


def read_table(db: sqlite3.Connection, name: str, strict: bool) -> Table:
    """One table as it is to be replicated; generated columns are not part of it."""
    collations = column_collations(db, name)
    given = default_texts(db, name)
    columns = []
    keys = []
    for column, declared, notnull, pk, hidden in table_columns(db, name):
        if hidden in _HIDDEN_GENERATED:
            continue
        affinity = affinity_of(declared, strict)
        type_ = arrow_type(db, name, column, declared, affinity)
        columns.append(Column(column, type_, declared, affinity, collations[column], given[column], notnull))
        if pk:
            keys.append((pk, column))
    indexes = [index for index in unique_indexes(db, name) if is_shared(index, {c.name for c in columns})]
    table = Table(
        name=name,
        columns=tuple(columns),
        key=tuple(column for _, column in sorted(keys)),
        foreign_keys=foreign_keys(db, name),
        scope="local" if hands_out_numbers(db, name) else "global",
    )
    return table.with_unique_keys(UniqueKey(index.columns, index.collations) for index in indexes)


def is_shared(index: UniqueIndex, columns: Collection[str]) -> bool:
    """Whether the network can keep a unique index: it is whole and of plain columns, by whatever collation. Any other
    is a matter of this database: what it refuses is kept aside here."""
    return bool(index.columns) and not index.where and set(index.columns) <= set(columns)


def hands_out_numbers(db: sqlite3.Connection, name: str) -> bool:
    """Whether the key is one that each database hands out by itself: an INTEGER PRIMARY KEY, the rowid's alias, that is
    not itself a reference (PROTOCOL, Whose key is it?)."""
    keys = {column for column, _, _, pk, _ in table_columns(db, name) if pk}
    return key_is_rowid(db, name) and not any(keys & set(key.columns) for key in foreign_keys(db, name))


def key_is_rowid(db: sqlite3.Connection, name: str) -> bool:
    """Whether the key is another name of the rowid: an INTEGER PRIMARY KEY."""
    keys = [declared for _, declared, _, pk, _ in table_columns(db, name) if pk]
    if len(keys) != 1 or keys[0].upper() != "INTEGER" or without_rowid(db, name):
        return False
    # `INTEGER PRIMARY KEY DESC` is no alias: it has an index of its own
    indexes = db.execute(f"SELECT origin FROM pragma_index_list({text_literal(name)})").fetchall()
    return ("pk",) not in indexes


def rows_without_key(db: sqlite3.Connection, name: str, key: tuple[str, ...]) -> int:
    """How many rows have NULL in their key, at least: an index tells it of the first key column; for the others only so
    many rows are looked at that it takes no time in a large table."""
    nullable = {column for column, _, notnull, _, _ in table_columns(db, name) if not notnull}
    if without_rowid(db, name) or key_is_rowid(db, name):
        return 0
    first, *rest = (quote(column) for column in key)
    count = 0
    if key[0] in nullable:
        query = f"SELECT count(*) FROM (SELECT 1 FROM main.{quote(name)} WHERE {first} IS NULL LIMIT {SAMPLE_ROWS})"
        (count,) = db.execute(query).fetchone()
    if others := [column for column, plain in zip(rest, key[1:], strict=True) if plain in nullable]:
        nulls = " OR ".join(f"{column} IS NULL" for column in others)
        some = f"SELECT * FROM main.{quote(name)} LIMIT {20 * SAMPLE_ROWS}"
        query = f"SELECT count(*) FROM ({some}) WHERE {first} IS NOT NULL AND ({nulls})"
        count += db.execute(query).fetchone()[0]
    return int(count)


def defaults(db: sqlite3.Connection, name: str) -> dict[str, str]:
    """Defaults of the columns that are declared NOT NULL, as SQL."""
    query = f"SELECT name, dflt_value FROM pragma_table_xinfo({text_literal(name)})"
    return dict(db.execute(f'{query} WHERE "notnull" AND dflt_value IS NOT NULL').fetchall())


def default_texts(db: sqlite3.Connection, name: str) -> dict[str, str | None]:
    """The declared default of each column, as SQL."""
    return dict(db.execute(f"SELECT name, dflt_value FROM pragma_table_xinfo({text_literal(name)})").fetchall())


def without_rowid(db: sqlite3.Connection, name: str) -> bool:
    """Whether a table is WITHOUT ROWID."""
    row = db.execute("SELECT wr FROM pragma_table_list WHERE schema = 'main' AND name = ?", (name,)).fetchone()
    return bool(row and row[0])


def rowid_name(db: sqlite3.Connection, name: str) -> str:
    """A name by which the table's rowid can be reached; empty: there is none."""
    if without_rowid(db, name):
        return ""
    taken = {column.lower() for column, *_ in table_columns(db, name)}
    return next((alias for alias in ROWID_NAMES if alias not in taken), "")


def arrow_type(db: sqlite3.Connection, table: str, column: str, declared: str, affinity: str) -> str:
    """The Arrow type of a column for the whole network: by its affinity; where that leaves it open (NUMERIC, none), by
    the values that most rows hold, else by the words of the declaration."""
    fixed = {"integer": "int64", "real": "float64", "text": "string"}.get(affinity)
    if fixed:
        return fixed
    name = quote(column)
    values = f"SELECT {name} AS v FROM main.{quote(table)} WHERE {name} IS NOT NULL LIMIT {SAMPLE_ROWS}"
    sample = db.execute(f"SELECT typeof(v) FROM ({values})").fetchall()
    counts = Counter(kind for (kind,) in sample)
    if counts["real"] and counts["text"] + counts["blob"] < len(sample) / 2:
        return "float64"
    by_class = {"integer": "int64", "real": "float64", "text": "string", "blob": "binary"}
    words = declared.upper()
    if counts and not (affinity == "numeric" and words_mean_fractions(words) and counts["integer"] == len(sample)):
        return by_class[counts.most_common(1)[0][0]]
    if affinity == "blob":
        return "binary"
    if any(word in words for word in ("DATE", "TIME")):
        return "string"
    return "int64" if "BOOL" in words else "float64"


def words_mean_fractions(declared: str) -> bool:
    """Whether a numeric declaration leaves room for fractions, e.g. DECIMAL(10,2)."""
    return any(word in declared for word in ("DEC", "NUM", "MONEY", "CURR")) and not re.search(
        r"\(\s*\d+\s*(,\s*0\s*)?\)", declared
    )


def unique_indexes(db: sqlite3.Connection, name: str) -> list[UniqueIndex]:
    """Unique indexes and constraints of a table besides its primary key."""
    found = []
    rows = db.execute(
        f'SELECT name, origin, partial FROM pragma_index_list({text_literal(name)}) WHERE "unique" ORDER BY seq'
    ).fetchall()
    for index, origin, partial in rows:
        if origin == "pk":
            continue
        terms = db.execute(
            f"SELECT cid, name, coll FROM pragma_index_xinfo({text_literal(index)}) WHERE key"
        ).fetchall()
        collations = tuple((coll or "BINARY").upper() for _, _, coll in terms)
        plain = all(cid >= 0 for cid, _, _ in terms)
        found.append(
            UniqueIndex(
                name=index,
                columns=tuple(column for _, column, _ in terms) if plain else (),
                collations=collations,
                expressions=tuple(quote(c) for _, c, _ in terms) if plain else index_terms(db, index)[0],
                where=index_terms(db, index)[1] if partial else "",
            )
        )
    return found


def index_terms(db: sqlite3.Connection, index: str) -> tuple[tuple[str, ...], str]:
    """The terms of an index as its text has them, and its condition."""
    from satchel.stores.sqlite.sql_text import index_parts

    (sql,) = db.execute("SELECT sql FROM main.sqlite_master WHERE type = 'index' AND name = ?", (index,)).fetchone()
    return index_parts(sql)


def foreign_keys(db: sqlite3.Connection, name: str) -> tuple[ForeignKey, ...]:
    """Declared references of a table."""
    rows = db.execute(
        'SELECT id, "table", "from", "to", on_delete, on_update'
        f" FROM pragma_foreign_key_list({text_literal(name)}) ORDER BY id, seq"
    ).fetchall()
    keys: dict[int, list[tuple[str, str, str | None, str, str]]] = {}
    for number, *rest in rows:
        keys.setdefault(number, []).append(tuple(rest))
    found = []
    for parts in keys.values():
        parent, _, _, on_delete, on_update = parts[0]
        parent = real_name(db, parent)
        to = [column for _, _, column, _, _ in parts]
        if None in to:  # the parent's primary key
            columns = [(pk, column) for column, _, _, pk, _ in table_columns(db, parent) if pk]
            to = [column for _, column in sorted(columns)]
        found.append(ForeignKey(tuple(p[1] for p in parts), parent, tuple(c or "" for c in to), on_delete, on_update))
    return tuple(found)


def real_name(db: sqlite3.Connection, name: str) -> str:
    """A table's name as it was declared: references may spell it in another case."""
    row = db.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND lower(name) = lower(?)", (name,)
    ).fetchone()
    return row[0] if row else name


def parents_first(tables: list[Table]) -> list[Table]:
    """The tables in an order in which parents come before children where there is no circle, else by name."""
    by_name = {table.name: table for table in tables}
    done: dict[str, Table] = {}

    def visit(table: Table, path: frozenset[str]) -> None:
        if table.name in done or table.name in path:
            return
        for key in table.foreign_keys:
            if key.parent in by_name:
                visit(by_name[key.parent], path | {table.name})
        done[table.name] = table

    for table in sorted(tables, key=lambda t: t.name):
        visit(table, frozenset())
    return list(done.values())
