from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from satchel.audit.history import outcomes, row_history
from satchel.audit.session import open_audit
from satchel.model.schema import Column, Table
from tests.audit.builders import CODES, CUSTOMERS, DAY, NOW, Archive, misfit, row


def asked(archive: Archive, sql: str) -> list[tuple[Any, ...]]:
    with open_audit(archive.root) as audit:
        return audit.sql(sql).fetchall()


def column(name: str, type_: str, collation: str = "BINARY") -> Column:
    affinity = {"int64": "integer", "float64": "real", "string": "text", "binary": "blob"}[type_]
    return Column(name, type_, "", affinity, collation)


def test_a_table_s_view_shows_the_rows_as_they_are_now(history: Archive) -> None:
    found = asked(history, "SELECT id, name, credit FROM customers ORDER BY id")
    assert found == [(1, "Anna", 10.5), (3, "Clio", None), (4, "Di", None)]


def test_the_changes_view_has_every_version_with_its_origin_and_time(history: Archive) -> None:
    sql = """SELECT name, _origin, _seq, _op, _at::VARCHAR, _by, _stamp, _columns
             FROM customers_changes WHERE id = 1 ORDER BY _seq, _stamp"""
    assert asked(history, sql) == [
        ("Ann", "office", 1, "insert", "2026-09-21 14:13:20", "mara", NOW << 16, None),
        ("Anna", "site-b", 1, "update", "2026-09-22 14:13:20", None, (NOW + DAY) << 16, ["name"]),
    ]


def test_values_that_do_not_fit_stand_in_misfit(history: Archive) -> None:
    sql = "SELECT code, n, _misfit FROM codes_changes WHERE _misfit IS NOT NULL"
    assert asked(history, sql) == [("x", None, [{"column": "n", "class": "text", "value": b"many"}])]


def test_packets_tell_where_they_come_from_and_what_they_hold(history: Archive) -> None:
    sql = """SELECT origin, seq, kind, rows, tables, context->>'$.office[0]', signer, folder
             FROM packets ORDER BY origin, seq"""
    found = asked(history, sql)
    office, site = history.office.key.public.keyid, found[-1][6]
    assert [entry[:6] for entry in found] == [
        ("office", 1, "changes", 3, ["customers"], None),
        ("office", 2, "changes", 1, ["customers"], "1"),
        ("office", 3, "changes", 1, ["customers"], "2"),
        ("office", 4, "changes", 3, ["codes", "customers"], "3"),
        ("site-b", 1, "changes", 1, ["customers"], "1"),
        ("site-b", 2, "changes", 1, ["customers"], "1"),
    ]
    assert {entry[6] for entry in found[:4]} == {office}
    assert office != site
    assert all((Path(entry[7]) / "manifest.json").is_file() for entry in found)


def test_packets_are_chained_by_their_hashes(history: Archive) -> None:
    sql = """SELECT count(*) FROM packets AS p LEFT JOIN packets AS b ON b.origin = p.origin AND b.seq = p.seq - 1
             WHERE p.previous IS DISTINCT FROM b.hash"""
    assert asked(history, sql) == [(0,)]


def test_acks_show_the_newest_of_each_node(history: Archive) -> None:
    site = history.join("site-c")
    site.acknowledge(NOW + 5, conflicts=2, waiting=({"packet": "office/9", "for": "office/8"},))
    sql = """SELECT node, origin, counter, clock::VARCHAR, vector->>'$.office[0]', waiting, open_conflicts
             FROM acks ORDER BY node"""
    first, second = asked(history, sql)
    assert first == ("site-b", "site-b", NOW, "2026-09-21 14:13:20", "4", "[]", 0)
    assert second[:5] == ("site-c", "site-c", NOW + 5, "2026-09-21 14:13:20.005", None)
    assert (json.loads(second[5])[0]["for"], second[6]) == ("office/8", 2)


def test_nodes_show_cards_and_who_invited_them(history: Archive) -> None:
    sql = "SELECT node, role, accepted, founder, invited_by, length(key_id) FROM nodes ORDER BY node"
    assert asked(history, sql) == [
        ("office", "admin", True, True, None, 16),
        ("site-b", "member", True, False, "office", 16),
    ]


def test_changes_have_all_tables_in_one_form(archive: Archive) -> None:
    values = {"id": 2**60, "name": 'a "b"\n', "credit": float("-inf"), "logo": b"\x00"}
    archive.office.write(row(values, by="mara"), row({"id": 7, "name": "plain", "credit": 0.1}))
    found = asked(archive, 'SELECT table_name, key, origin, seq, op, "by", "row" FROM changes ORDER BY key')
    assert [entry[:6] for entry in found] == [
        ("customers", '["1152921504606846976"]', "office", 1, "insert", "mara"),
        ("customers", "[7]", "office", 1, "insert", None),
    ]
    assert json.loads(found[0][6]) == {
        "id": "1152921504606846976", "name": 'a "b"\n', "credit": "-inf", "logo": {"base64": "AA=="}
    }  # fmt: skip
    assert json.loads(found[1][6]) == {"id": 7, "name": "plain", "credit": 0.1, "logo": None}


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("integer", b"-9223372036854775808", "-9223372036854775808"),
        ("integer", b"42", 42),
        ("real", b"1.5", 1.5),
        ("real", b"nan", "nan"),
        ("text", b"many", "many"),
        ("text", b"\xff", {"text_base64": "/w=="}),
        ("blob", b"\x01", {"base64": "AQ=="}),
    ],
)
def test_misfits_stand_in_the_long_form_as_what_they_are(
    archive: Archive, kind: str, value: bytes, shown: object
) -> None:
    archive.office.write(row({"id": 1}, misfit=[misfit("name", kind, value)]))
    [(found,)] = asked(archive, 'SELECT "row" FROM changes')
    assert json.loads(found) == {"id": 1, "name": shown, "credit": None, "logo": None}


def test_what_saw_a_version_stands_over_it_whatever_the_clocks_say(archive: Archive) -> None:
    office, site = archive.office, archive.join("site-b")
    office.write(row({"id": 1, "name": "fast clock"}, at=NOW + 9 * DAY))
    site.sees(office).write(row({"id": 1, "name": "later"}, "update", NOW))
    assert asked(archive, "SELECT name FROM customers") == [("later",)]


def test_a_newer_unseen_delete_hides_the_row_and_an_older_one_does_not(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "packets", policy="latest")
    office, site = archive.office, archive.join("site-b")
    office.write(row({"id": 1, "name": "a"}), row({"id": 2, "name": "b"}))
    site.sees(office)
    office.write(row({"id": 1, "name": "a2"}, "update", NOW + 1), row({"id": 2, "name": "b2"}, "update", NOW + 3))
    site.write(row({"id": 1, "name": "a"}, "delete", NOW + 2), row({"id": 2, "name": "b"}, "delete", NOW + 2))
    assert asked(archive, "SELECT name FROM customers") == [("b2",)]


def test_an_empty_row_context_has_seen_nothing(archive: Archive) -> None:
    office, site = archive.office, archive.join("site-b")
    office.write(row({"id": 1, "name": "parked"}, at=NOW + DAY))
    site.sees(office).write(row({"id": 1, "name": "beside it"}, at=NOW, context=[]))
    assert asked(archive, "SELECT name FROM customers") == [("parked",)]


def test_a_row_of_unknown_time_loses_against_any_other(archive: Archive) -> None:
    office, site = archive.office, archive.join("site-b")
    office.write(row({"id": 1, "name": "member"}))
    site.write(row({"id": 1, "name": "joined"}, at=0, context=[]))
    assert asked(archive, "SELECT name FROM customers") == [("member",)]


def test_a_row_context_cannot_hide_its_own_row(archive: Archive) -> None:
    everything = [{"origin": "office", "seq": 99, "hash": "0" * 16}]
    archive.office.write(row({"id": 1, "name": "a"}, context=everything))
    assert asked(archive, "SELECT name FROM customers") == [("a",)]


@pytest.mark.parametrize("seed", range(4))
def test_the_view_shows_what_history_calls_shown(tmp_path: Path, seed: int) -> None:
    archive = Archive(tmp_path / "packets", policy="latest")
    draw = random.Random(seed)
    nodes = [archive.office, archive.join("site-b"), archive.join("site-c")]
    for count in range(18):
        author = draw.choice(nodes)
        author.sees(*draw.sample(nodes, draw.randint(0, 2)))
        author.write(*[
            row({"id": key, "name": f"{count}"}, draw.choice(["update", "update", "delete"]), NOW + draw.randint(0, 9),
                context=draw.choice([None, None, None, []]))
            for key in sorted(draw.sample(range(1, 5), draw.randint(1, 3)))
        ])  # fmt: skip
    shown = {}
    for key in range(1, 5):
        versions = row_history([archive.root], CUSTOMERS, [key])
        for version, outcome in zip(versions, outcomes(versions), strict=True):
            if outcome == "shown" and version["op"] != "delete":
                shown[key] = version["row"]["name"]
    assert dict(asked(archive, "SELECT id, name FROM customers")) == shown


def test_keys_are_equal_as_the_network_compares_them(tmp_path: Path) -> None:
    names = Table("names", (column("k", "string", "NOCASE"), column("v", "int64")), ("k",))
    ends = Table("ends", (column("k", "string", "RTRIM"), column("v", "int64")), ("k",))
    reals = Table("reals", (column("k", "float64"), column("v", "int64")), ("k",))
    archive = Archive(tmp_path, (names, ends, reals))
    archive.office.seal({
        names: [row({"k": "Ä-abc", "v": 1}), row({"k": "ä-ABC", "v": 1})],
        ends: [row({"k": "x  ", "v": 1})],
        reals: [row({"k": 1.0, "v": 1}), row({"k": 0.5, "v": 1})],
    })  # fmt: skip
    archive.office.seal({
        names: [row({"k": "Ä-ABC", "v": 2}, "update")],
        ends: [row({"k": "x", "v": 2}, "update")],
        reals: [row({"v": 2}, "update", misfit=[misfit("k", "integer", b"1")])],
    })  # fmt: skip
    assert asked(archive, "SELECT k, v FROM names ORDER BY v, k") == [("ä-ABC", 1), ("Ä-ABC", 2)]
    assert asked(archive, "SELECT k, v FROM ends") == [("x", 2)]
    assert asked(archive, "SELECT k, v FROM reals ORDER BY v") == [(0.5, 1), (None, 2)]


def test_keys_of_several_columns_do_not_run_into_each_other(tmp_path: Path) -> None:
    pairs = Table("pairs", (column("a", "string"), column("b", "string")), ("a", "b"))
    archive = Archive(tmp_path, (pairs,))
    archive.office.write(*[row({"a": a, "b": b}) for a, b in [("x", "yz"), ("xt", "z"), ("xty", "z")]], table=pairs)
    archive.office.write(row({"a": "", "b": ""}), table=pairs)
    assert len(asked(archive, "SELECT * FROM pairs")) == 4


def test_a_misfit_in_the_key_is_another_row_than_the_text_of_it(archive: Archive) -> None:
    versions = [row({"code": "a"}, misfit=[misfit("n", kind, value)]) for kind, value in
                [("text", b"1"), ("blob", b"1"), ("text", b"\xff"), ("text", b"\\xFF")]]  # fmt: skip
    archive.office.write(row({"code": "a", "n": 1}), *versions, table=CODES)
    archive.office.write(row({"code": "A"}, "update", misfit=[misfit("n", "real", b"1.0")]), table=CODES)
    assert len(asked(archive, "SELECT * FROM codes")) == 5


def test_our_views_keep_their_names_and_tables_of_these_names_get_another(tmp_path: Path) -> None:
    made = [Table(name, (column("id", "int64"), column(f"in {name}", "int64")), ("id",))
            for name in ("packets", "Changes", "x", "x_changes", 'say "hi"')]  # fmt: skip
    archive = Archive(tmp_path, made)
    archive.office.seal({table: [row({"id": 1})] for table in made})
    with open_audit(archive.root) as audit:
        columns = {
            view: audit.sql('SELECT * FROM "{}"'.format(view.replace('"', '""'))).columns for view in audit.views
        }
    assert columns["packets"][0] == "origin"
    assert columns["table_packets"] == ("id", "in packets")
    assert columns["table_packets_changes"][:3] == ("id", "in packets", "_origin")
    assert columns["table_Changes"] == ("id", "in Changes")
    assert columns["x_changes"] == ("id", "in x_changes")
    assert columns["table_x_changes"][:3] == ("id", "in x", "_origin")
    assert columns['say "hi"'] == ("id", 'in say "hi"')


def test_columns_of_any_name_can_be_asked_for(tmp_path: Path) -> None:
    names = (
        "id",
        "origin",
        "seq",
        "key",
        "part",
        "newest",
        "_Origin",
        "a.b",
        "q\"'q",
        "-- x\n; y",
        "_change_",
        "context",
    )
    table = Table("odd", tuple(column(name, "int64") for name in names), ("origin", "id"))
    archive = Archive(tmp_path, (table,))
    archive.office.write(row({name: place for place, name in enumerate(names)}), table=table)
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT * FROM odd").columns == names
        assert audit.sql("SELECT * FROM odd").fetchall() == [tuple(range(len(names)))]
        found = audit.sql("SELECT * FROM odd_changes")
        assert found.columns[6] == "column__Origin"
        assert (found.fetchall()[0][6], found.columns[len(names)]) == (6, "_origin")
        assert json.loads(audit.sql('SELECT "row" FROM changes').fetchall()[0][0]) == {
            name: place for place, name in enumerate(names)
        }


def test_columns_that_came_later_are_null_in_older_versions(archive: Archive) -> None:
    wider = Table("customers", (*CUSTOMERS.columns, column("city", "string")), CUSTOMERS.key)
    archive.office.write(row({"id": 1, "name": "Ann"}))
    archive.office.write(row({"id": 2, "name": "Bob", "city": "Ulm"}), table=wider)
    found = asked(archive, "SELECT name, city FROM customers ORDER BY id")
    assert found == [("Ann", None), ("Bob", "Ulm")]


def test_a_fork_is_named_in_the_warnings(archive: Archive) -> None:
    twin = archive.join("site-b")
    other = type(twin)(archive, twin.name, twin.key)
    twin.write(row({"id": 1, "name": "one"}))
    other.write(row({"id": 2, "name": "two"}))
    with open_audit(archive.root) as audit:
        [warning] = audit.warnings
        names = [name for (name,) in audit.sql("SELECT _origin FROM customers_changes ORDER BY 1").fetchall()]
        assert len(set(names)) == 2
        assert (
            warning == f"site-b was sealed more than once from 1 on: its branches stand apart, as {' and '.join(names)}"
        )
        assert audit.sql("SELECT origin FROM packets ORDER BY 1").fetchall() == [(name,) for name in names]


def test_both_branches_of_a_fork_are_told_apart_in_every_view(archive: Archive) -> None:
    twin = archive.join("site-b")
    twin.write(row({"id": 1, "name": "old"}))
    other = type(twin)(archive, twin.name, twin.key)
    other.vector, other.last = dict(twin.vector), twin.last
    twin.write(row({"id": 1, "name": "one"}))
    other.write(row({"id": 2, "name": "two"}))
    found = asked(archive, "SELECT name FROM customers ORDER BY id")
    assert found == [("one",), ("two",)]
    assert len({origin for (origin,) in asked(archive, "SELECT origin FROM changes")}) == 3
