"""Whatever the schema and the rows: SQLite itself finds nothing to refuse in what the constraints leave there."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from satchel.model.admission import ABSENT, FOREIGN_KEY, PARKED, SHOWN, TWIN, Outcome, RowId
from satchel.model.value import Value
from satchel.replication.constraints import keep_constraints
from tests.replication.random_schemas import Drawn, affine, create, draw


def fill(db: sqlite3.Connection, drawn: Drawn, outcomes: Mapping[RowId, Outcome]) -> None:
    """Every unique key is checked on the way."""
    for table in drawn.tables.values():
        db.execute(create(table))
    for (name, _), outcome in outcomes.items():
        if outcome.row is not None:
            columns = drawn.tables[name].names
            marks = ", ".join("?" * len(columns))
            db.execute(f"INSERT INTO {name} VALUES ({marks})", [outcome.row.get(column) for column in columns])


def dangling(db: sqlite3.Connection, drawn: Drawn) -> list[tuple[str, dict[str, Value], int]]:
    """Rows of which a reference leads nowhere, and which reference of its table that is."""
    found = []
    db.row_factory = sqlite3.Row
    for name, rowid, _, number in db.execute("PRAGMA foreign_key_check").fetchall():
        row = dict(db.execute(f"SELECT * FROM {name} WHERE rowid = ?", (rowid,)).fetchone())
        # SQLite counts references from the last one.
        found.append((name, row, len(drawn.tables[name].foreign_keys) - 1 - number))
    return found


def faces(drawn: Drawn, outcomes: Mapping[RowId, Outcome], parent: str) -> list[dict[str, Value]]:
    """All that rows of a table are, were or would be."""
    found = []
    for row, candidate in drawn.rows.items():
        if row[0] == parent:
            key = dict(zip(drawn.tables[parent].key, row[1], strict=True))
            found.append({c: cell.value for c, cell in candidate.resolved.cells.items()} | key)
            found.append(dict(outcomes[row].would))
    return found


def once_known(drawn: Drawn, outcomes: Mapping[RowId, Outcome], name: str, row: dict[str, Value], number: int) -> bool:
    key = drawn.tables[name].foreign_keys[number]
    parent = drawn.tables[key.parent]

    def equal(column: str, mine: Value, theirs: Value) -> bool:
        mine = affine(parent.column(column), mine)
        if parent.column(column).collation == "NOCASE" and isinstance(mine, str) and isinstance(theirs, str):
            return mine.lower() == theirs.lower()
        return mine == theirs

    pairs = list(zip(key.columns, key.parent_columns, strict=True))
    return any(all(equal(to, row[c], face.get(to)) for c, to in pairs) for face in faces(drawn, outcomes, key.parent))


def check(drawn: Drawn) -> dict[RowId, Outcome]:
    outcomes = keep_constraints(drawn.tables, drawn.rows.values(), drawn.default)
    db = sqlite3.connect(":memory:")
    fill(db, drawn, outcomes)
    for name, row, number in dangling(db, drawn):
        assert not once_known(drawn, outcomes, name, row, number), (name, row, number)
    db.close()
    assert outcomes.keys() == drawn.rows.keys()
    for row, outcome in outcomes.items():
        deleted = drawn.rows[row].resolved.deleted
        assert (outcome.row is not None) == (outcome.status == SHOWN)
        assert deleted or outcome.status != ABSENT, f"lost: {row}"
        assert outcome.status in (SHOWN, ABSENT) or (outcome.reason and outcome.kind and outcome.blockers), row
        assert not deleted or outcome.status != SHOWN or outcome.note, f"back without a note: {row}"
        assert outcome.note == (outcome.status == SHOWN and outcome.kind == FOREIGN_KEY and bool(outcome.reason))
        assert outcome.status != TWIN or outcomes[outcome.twin or row].status == SHOWN
    return outcomes


@given(st.randoms(use_true_random=False))
@settings(max_examples=250, deadline=None)
def test_no_unique_value_is_there_twice_and_no_reference_leads_nowhere(rng: random.Random) -> None:
    check(draw(rng))


def test_the_schemas_that_are_drawn_bring_every_outcome() -> None:
    told: dict[str, int] = {}
    for seed in range(400):
        for outcome in check(draw(random.Random(seed))).values():
            word = f"{outcome.status} {outcome.kind}"
            told[word] = told.get(word, 0) + 1
    parked = {f"{PARKED} unique", f"{PARKED} foreign-key"}
    assert told.keys() == {f"{SHOWN} ", f"{SHOWN} foreign-key", f"{ABSENT} ", f"{TWIN} unique"} | parked
    assert min(told.values()) > 5, told
