"""Tables whose numbers each database hands out: rows are told apart by their gid, never by a number."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from satchel.audit.history import outcomes, row_history
from satchel.audit.session import open_audit
from satchel.errors import UsageError
from satchel.model.gids import typed
from satchel.model.schema import Column, ForeignKey, Table
from tests.audit.builders import DAY, NOW, Archive, row

INVOICES, LINES = typed(
    [
        Table(
            "invoices",
            (Column("id", "int64", "INTEGER", "integer"), Column("total", "float64", "REAL", "real")),
            ("id",),
            "local",
        ),
        Table(
            "lines",
            (Column("invoice", "int64", "INTEGER", "integer"), Column("line", "int64", "INTEGER", "integer")),
            ("invoice", "line"),
            foreign_keys=(ForeignKey(("invoice",), "invoices", ("id",)),),
        ),
    ]
)
OFFICE, TILL, AGAIN = "office:413:0badcafe", "till:413:0badcafe", "office:413:00000001"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Two sites wrote invoice 413, each with its line; one edits the other's, which it has as 414."""
    archive = Archive(tmp_path / "packets", (INVOICES, LINES))
    office, till = archive.office, archive.join("till")
    for site, gid in ((office, OFFICE), (till, TILL)):
        total = 10.0 if site is office else 20.0
        lines = [row({"invoice": gid, "line": 1})]
        site.seal({INVOICES: [row({"id": 413, "total": total}, gid=gid)], LINES: lines})
    office.sees(till)
    edit = row({"id": 414, "total": 25.0}, "update", NOW + DAY, gid=TILL, columns=["total"])
    office.write(edit, table=INVOICES)
    return archive


def asked(archive: Archive, sql: str) -> list[tuple[Any, ...]]:
    with open_audit(archive.root) as audit:
        return audit.sql(sql).fetchall()


def versions(archive: Archive, *key: Any, table: Table = INVOICES) -> list[dict[str, Any]]:
    return row_history([archive.root], table, key)


def test_history_follows_the_gid_whatever_number_an_author_has(archive: Archive) -> None:
    found = versions(archive, TILL)
    assert [(v["origin"], v["row"]["id"], v["row"]["total"]) for v in found] == [("till", 413, 20), ("office", 414, 25)]
    assert {v["gid"] for v in found} == {TILL}
    assert outcomes(found) == ["superseded", "shown"]
    assert [v["origin"] for v in versions(archive, OFFICE)] == ["office"]


@pytest.mark.parametrize("key", [413, "413", "till:413", None, AGAIN, "a'; --"])
def test_what_is_no_gid_of_a_row_has_no_history(archive: Archive, key: Any) -> None:
    assert versions(archive, key) == []


def test_a_number_that_was_handed_out_again_is_another_row(archive: Archive) -> None:
    archive.office.seal({
        INVOICES: [row({"id": 413, "total": 10.0}, "delete", NOW + DAY, gid=OFFICE, columns=[])],
        LINES: [row({"invoice": OFFICE, "line": 1}, "delete", NOW + DAY, columns=[])],
    })  # fmt: skip
    archive.office.write(row({"id": 413, "total": 99.0}, at=NOW + 2 * DAY, gid=AGAIN), table=INVOICES)
    assert [v["op"] for v in versions(archive, OFFICE)] == ["insert", "delete"]
    assert [v["op"] for v in versions(archive, AGAIN)] == ["insert"]
    assert asked(archive, "SELECT total, _gid FROM invoices ORDER BY total") == [(25.0, TILL), (99.0, AGAIN)]


def test_the_view_shows_each_row_once_with_its_gid(archive: Archive) -> None:
    found = asked(archive, "SELECT id, total, _gid FROM invoices ORDER BY total")
    assert found == [(413, 10.0, OFFICE), (414, 25.0, TILL)]


def test_references_join_over_the_gid(archive: Archive) -> None:
    sql = "SELECT i.total, l.line FROM invoices AS i JOIN lines AS l ON l.invoice = i._gid ORDER BY ALL"
    assert asked(archive, sql) == [(10.0, 1), (25.0, 1)]


def test_a_key_that_is_a_reference_is_compared_as_the_parent_s_gid(archive: Archive) -> None:
    [found] = versions(archive, TILL, 1, table=LINES)
    assert (found["origin"], found["gid"], found["row"]) == ("till", None, {"invoice": TILL, "line": 1})
    assert versions(archive, "413", 1, table=LINES) == []


def test_the_long_form_has_number_and_gid(archive: Archive) -> None:
    sql = "SELECT key, gid, origin FROM changes WHERE table_name = 'invoices' ORDER BY ALL"
    found = asked(archive, sql)
    assert found == [("[413]", OFFICE, "office"), ("[413]", TILL, "till"), ("[414]", TILL, "office")]
    [(key, gid)] = asked(archive, "SELECT key, gid FROM changes WHERE table_name = 'lines' AND origin = 'till'")
    assert (json.loads(key), gid) == ([TILL, 1], None)


def test_a_column_of_the_user_s_with_the_name_of_ours_is_renamed(tmp_path: Path) -> None:
    table = Table("t", (*INVOICES.columns, Column("_GID", "string", "TEXT", "text")), ("id",), "local")
    archive = Archive(tmp_path, (table,))
    archive.office.write(row({"id": 1, "_GID": "mine"}, gid=OFFICE), table=table)
    assert asked(archive, 'SELECT "column__GID", _gid FROM t') == [("mine", OFFICE)]


def test_a_table_whose_keys_mean_the_same_everywhere_shows_no_gid(archive: Archive) -> None:
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT * FROM lines LIMIT 0").columns == ("invoice", "line")


def test_a_part_with_another_scope_is_in_no_view_and_no_history(archive: Archive) -> None:
    other = Table("invoices", INVOICES.columns, ("id",))
    archive.office.write(row({"id": 413, "total": 1.0}), table=other)
    assert len(versions(archive, OFFICE)) == 1
    with open_audit(archive.root) as audit:
        assert any("is in no view" in warning for warning in audit.warnings)
        assert len(audit.sql("SELECT * FROM invoices").rows) == 2


def named_later(tmp_path: Path) -> Archive:
    """A packet from before the network named a reference: the column held its author's numbers."""
    before = Table(
        "notes",
        (Column("id", "int64", "INTEGER", "integer"), Column("about", "int64", "INTEGER", "integer")),
        ("id",),
        "local",
    )
    about = ForeignKey(("about",), "invoices", ("id",), declared=False)
    [_, after] = typed([INVOICES, replace(before, foreign_keys=(about,))])
    archive = Archive(tmp_path / "later", (INVOICES, after))
    archive.office.write(row({"id": 1, "about": 413}, gid="office:1:0badcafe"), table=before)
    archive.office.write(row({"id": 2, "about": OFFICE}, gid="office:2:0badcafe"), table=after)
    archive.office.write(row({"id": 3, "about": None}, gid="office:3:0badcafe"), table=before)
    return archive


def test_parts_from_before_a_reference_was_named_stand_in_the_views_too(tmp_path: Path) -> None:
    archive = named_later(tmp_path)
    with open_audit(archive.root) as audit:
        assert audit.summary.left_out == 0
        found = audit.sql("SELECT id, about, _gid FROM notes ORDER BY id").rows
        assert [(number, about) for number, about, _ in found] == [(1, "413"), (2, OFFICE), (3, None)]
        assert audit.sql(f"SELECT id FROM notes_changes WHERE about = '{OFFICE}'").rows == [(2,)]
        assert audit.sql("SELECT id FROM notes_changes WHERE about = '413'").rows == [(1,)]
        rows = [json.loads(text) for (text,) in audit.sql('SELECT "row" FROM changes ORDER BY key').rows]
        assert [found["about"] for found in rows] == ["413", OFFICE, None]


def test_a_part_whose_key_is_of_another_type_is_in_no_view(archive: Archive) -> None:
    number = Column("invoice", "int64", "INTEGER", "integer")
    other = Table("lines", (number, LINES.columns[1]), ("invoice", "line"))
    archive.office.write(row({"invoice": 413, "line": 9}), table=other)
    with open_audit(archive.root) as audit:
        assert any("invoice is int64, not invoice string" in warning for warning in audit.warnings)
        assert audit.sql("SELECT count(*) FROM lines").rows == [(2,)]


def test_a_row_is_named_by_its_gid_or_by_the_number_of_its_birth_where_that_is_one_row_s(archive: Archive) -> None:
    archive.office.write(row({"id": 500, "total": 1.0}, gid="office:500:0badcafe"), table=INVOICES)
    with open_audit(archive.root) as audit:
        assert audit.sql(f"SELECT total, _outcome FROM row_history('invoices', '{TILL}')").rows == [
            (20.0, "superseded"),
            (25.0, "shown"),
        ]
        assert audit.sql("SELECT _gid FROM row_history('invoices', 500)").rows == [("office:500:0badcafe",)]
        with pytest.raises(UsageError) as caught:
            audit.sql("FROM blame('invoices', 413)")
        assert caught.value.message == "2 rows of invoices were born under the number 413"
        assert OFFICE in caught.value.hint and TILL in caught.value.hint
        with pytest.raises(UsageError, match="no row of invoices was born under the number 7"):
            audit.sql("FROM blame('invoices', 7)")
        lines = audit.sql(f"SELECT line FROM row_history('lines', row('{TILL}', 1))").rows
        assert lines == audit.sql(f"""SELECT line FROM row_history('lines', '["{TILL}", 1]')""").rows == [(1,)]
