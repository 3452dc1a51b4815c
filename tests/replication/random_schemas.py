"""Schemas and rows as no person would draw them: composite keys, many references, circles, twins, odd values."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import dataclass, field, replace
from functools import lru_cache

from satchel.model.admission import Candidate, RowId
from satchel.model.ids import Dot
from satchel.model.key import key_text
from satchel.model.schema import COLLATIONS, Column, ForeignKey, Table, UniqueKey
from satchel.model.value import Value
from satchel.model.vector import Mark
from satchel.model.version import Cell, Resolved
from tests.replication.schemas import TYPES

ORIGINS = ["n0", "n1", "n1~00000001", "n2"]
ACTIONS = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]
DECLARED = {"integer": "INT", "text": "TEXT", "blob": "BLOB"}


@dataclass
class Drawn:
    """Some tables with rows. `defaults`: by table and column."""

    tables: dict[str, Table]
    rows: dict[RowId, Candidate]
    defaults: dict[tuple[str, str], Value] = field(default_factory=dict)

    def default(self, table: str, column: str) -> Value:
        return self.defaults.get((table, column))


@lru_cache
def affine(column: Column, value: Value) -> Value:
    """A value as a column of the database hands it back."""
    with sqlite3.connect(":memory:") as db:
        db.execute(f"CREATE TABLE t (c {DECLARED[column.affinity]})")
        db.execute("INSERT INTO t VALUES (?)", (value,))
        (found,) = db.execute("SELECT c FROM t").fetchone()
    db.close()
    return found


def draw_tables(rng: random.Random) -> dict[str, Table]:
    names = rng.sample("pqrs", rng.randrange(1, 4))
    bare = {name: _bare(rng, name) for name in names}
    full = {}
    for name, table in bare.items():
        keys = []
        for _ in range(rng.choice([0, 1, 1, 2])):
            parent = bare[rng.choice(names)]
            # What a reference looks for has to be unique by the columns' own collations.
            to = rng.choice([parent.key, *(unique.columns for unique in parent.unique_keys if not unique.collations)])
            columns = rng.sample(table.names, min(len(to), len(table.names)))
            if table.scope == "local" and table.key[0] in columns:
                continue
            keys.append(ForeignKey(tuple(columns), parent.name, tuple(to), rng.choice(ACTIONS)))
        full[name] = replace(table, foreign_keys=tuple(keys))
    return full


def _bare(rng: random.Random, name: str) -> Table:
    columns = tuple(
        Column(c, TYPES[affinity], DECLARED[affinity], affinity, rng.choice(["BINARY", "BINARY", "NOCASE"]))
        for c in "abcde"
        for affinity in [rng.choice(["integer", "text", "blob"])]
    )
    local = rng.random() < 0.4
    key = ("a",) if local or rng.random() < 0.6 else ("a", "b")
    table = Table(name, columns, key, "local" if local else "global")
    return table.with_unique_keys([_unique(rng) for _ in range(rng.randrange(3))])


def _unique(rng: random.Random) -> UniqueKey:
    names = tuple(rng.sample("bcde", rng.choice([1, 1, 2])))
    return UniqueKey(names, tuple(rng.choice(COLLATIONS) for _ in names) if rng.random() < 0.3 else ())


def draw_rows(rng: random.Random, tables: dict[str, Table], most: int = 5) -> dict[RowId, Candidate]:
    """References lead to rows that are there, deleted or not, more often than anywhere else."""
    images: dict[RowId, dict[str, Value]] = {}
    identities: set[tuple[str, str]] = set()
    for table in tables.values():
        for number in range(rng.randrange(most + 1)):
            image = {c.name: affine(c, rng.choice([0, 1, 2, "0", "a", "A", "a ", "b", None])) for c in table.columns}
            if table.scope == "local":
                image["a"] = f"n0:{number}:0a0a0a0a"
            for reference in table.foreign_keys:
                parents = [i for i in images if i[0] == reference.parent]
                if parents and rng.random() < 0.8:
                    parent = images[rng.choice(parents)]
                    for mine, theirs in zip(reference.columns, reference.parent_columns, strict=True):
                        image[mine] = affine(table.column(mine), parent[theirs])
            if table.scope == "local" and rng.random() < 0.4:
                alike = [images[i] for i in images if i[0] == table.name]
                image = rng.choice([image, *alike]) | {"a": image["a"]}
            key = tuple(image[name] for name in table.key)
            if None not in key and (table.name, key_text(table, key)) not in identities:
                identities.add((table.name, key_text(table, key)))
                images[table.name, key] = image
    return {row: draw_candidate(rng, tables[row[0]], row, image) for row, image in images.items()}


def draw_candidate(rng: random.Random, table: Table, row: RowId, image: dict[str, Value]) -> Candidate:
    cells = {}
    for column in table.names:
        if column not in table.key and (table.scope == "local" or rng.random() < 0.9):
            cells[column] = Cell(image[column], Dot(rng.choice(ORIGINS), rng.randrange(1, 6)), rng.randrange(6))
    saw = [
        {o: Mark(rng.randrange(1, 6), "") for o in ORIGINS if rng.random() < 0.6} for _ in range(rng.randrange(1, 3))
    ]
    return Candidate(row, Resolved(rng.random() < 0.25, cells), saw)


def draw(rng: random.Random, most: int = 5) -> Drawn:
    tables = draw_tables(rng)
    defaults = {(t, c.name): affine(c, rng.choice([None, 0, 1, "a"])) for t in tables for c in tables[t].columns}
    return Drawn(tables, draw_rows(rng, tables, most), defaults)


def create(table: Table) -> str:
    """The table as the application would have declared it."""
    parts = [f'"{c.name}" {DECLARED[c.affinity]} COLLATE {c.collation}' for c in table.columns]
    parts.append(f"PRIMARY KEY ({_list(table.key)})")
    for unique in table.unique_keys:
        own = unique.collations or table.collations_of(unique.columns)
        terms = (f'"{column}" COLLATE {collation}' for column, collation in zip(unique.columns, own, strict=True))
        parts.append(f"UNIQUE ({', '.join(terms)})")
    for key in table.foreign_keys:
        parts.append(f"FOREIGN KEY ({_list(key.columns)}) REFERENCES {key.parent} ({_list(key.parent_columns)})")
    return f"CREATE TABLE {table.name} ({', '.join(parts)})"


def _list(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
