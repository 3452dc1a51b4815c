"""Questions with arguments: row_history, as_of, known_at, blame, diff; and what stands in conflicts and gaps."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from satchel.audit.calls import replace_calls
from satchel.audit.moments import microseconds_of
from satchel.audit.session import Audit, open_audit
from satchel.audit.verification import verify_paths
from satchel.errors import UsageError, VerificationFailed
from satchel.model.schema import Column, Table
from satchel.model.stamp import rfc3339
from tests.audit.builders import CUSTOMERS, DAY, NOW, Archive, misfit, row


def time(milliseconds: int) -> str:
    return f"'{rfc3339(milliseconds)}'"


def make_quarrel(root: Path) -> Archive:
    """Two sites change one row without knowing of each other."""
    archive = Archive(root)
    office, site = archive.office, archive.join("site-b")
    office.seal({CUSTOMERS: [row({"id": 1, "name": "Ann", "credit": 1.0}, by="mara"), row({"id": 2, "name": "Bob"})]})
    site.sees(office)
    first = {"origin": "office", "seq": 1, "stamp": NOW << 16}
    edit = row({"id": 1, "name": "Ann", "credit": 2.0}, "update", NOW + DAY, columns=["credit"], by="otto",
               lineage=[{**first, "columns": ["id", "name", "logo"]}])  # fmt: skip
    site.seal({CUSTOMERS: [edit]}, created=NOW + 2 * DAY)
    rename = row({"id": 1, "name": "Anna", "credit": 1.5}, "update", NOW + 2 * DAY, columns=["name", "credit"],
                 lineage=[{**first, "columns": ["id", "logo"]}])  # fmt: skip
    gone = row({"id": 2, "name": "Bob"}, "delete", NOW + 2 * DAY, columns=[])
    office.seal({CUSTOMERS: [rename, gone]}, created=NOW + 3 * DAY)
    return archive


@pytest.fixture
def quarrel(tmp_path: Path) -> Archive:
    return make_quarrel(tmp_path / "packets")


@pytest.fixture(scope="module")
def audit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audit]:
    with open_audit(make_quarrel(tmp_path_factory.mktemp("quarrel") / "packets").root) as audit:
        yield audit


def test_a_row_s_history_says_what_became_of_each_version(audit: Audit) -> None:
    found = audit.sql("SELECT name, credit, _origin, _by, _outcome FROM row_history('customers', 1)").rows
    assert found == [
        ("Ann", 1.0, "office", "mara", "superseded"),
        ("Ann", 2.0, "site-b", "otto", "lost"),
        ("Anna", 1.5, "office", None, "shown"),
    ]
    assert audit.sql("SELECT _op FROM Row_History ('CUSTOMERS', '2')").rows == [("insert",), ("delete",)]


def test_a_table_as_of_a_moment_has_what_was_written_by_then(audit: Audit) -> None:
    asked = "SELECT id, name, credit FROM as_of('customers', {}) ORDER BY id"
    assert audit.sql(asked.format(time(NOW - 1))).rows == []
    assert audit.sql(asked.format(time(NOW))).rows == [(1, "Ann", 1.0), (2, "Bob", None)]
    assert audit.sql(asked.format(time(NOW + DAY))).rows == [(1, "Ann", 2.0), (2, "Bob", None)]
    assert audit.sql(asked.format(time(NOW + 9 * DAY))).rows == [(1, "Anna", 1.5)]
    assert audit.sql(asked.format("TIMESTAMPTZ '2026-09-21 16:13:20+02'")).rows == [(1, "Ann", 1.0), (2, "Bob", None)]


def test_what_a_node_knew_is_what_its_packets_show(audit: Audit) -> None:
    asked = "SELECT name, credit FROM known_at('customers', 'site-b', {}) WHERE id = 1"
    before = audit.sql(asked.format(time(NOW + DAY - 1)))
    assert before.rows == []
    assert before.warnings == (
        "nothing here shows what site-b had by then; the next sign of it is its packet site-b/1 of"
        " 2026-09-23T14:13:20.000Z, and what that shows it may have known already",
    )
    # sealed a day later, but the edit was made by somebody who had applied the office's packet
    assert audit.sql(asked.format(time(NOW + DAY))).rows == [("Ann", 2.0)]
    assert audit.sql(asked.format(time(NOW + 9 * DAY))).rows == [("Ann", 2.0)]


def test_an_acknowledgement_shows_what_a_node_had_from_its_clock_on(quarrel: Archive) -> None:
    site = quarrel.nodes["site-b"]
    site.sees(quarrel.office).acknowledge(NOW + 5 * DAY)
    with open_audit(quarrel.root) as audit:
        asked = "SELECT name FROM known_at('customers', 'site-b', {}) WHERE id = 1"
        assert audit.sql(asked.format(time(NOW + 4 * DAY))).rows == [("Ann",)]
        later = audit.sql(asked.format(time(NOW + 5 * DAY)))
    assert later.rows == [("Anna",)]
    assert "its acknowledgement of 2026-09-26" in later.warnings[0]


def test_the_last_writer_of_each_column_is_told(audit: Audit) -> None:
    found = audit.sql('SELECT "column", value, origin, seq, "by", "at"::VARCHAR FROM blame(\'customers\', 1)').rows
    assert found == [
        ("id", "1", "office", 1, "mara", "2026-09-21 14:13:20"),
        ("name", '"Anna"', "office", 2, None, "2026-09-23 14:13:20"),
        ("credit", "1.5", "office", 2, None, "2026-09-23 14:13:20"),
        ("logo", "null", "office", 1, "mara", "2026-09-21 14:13:20"),
    ]


def test_the_difference_of_two_moments_names_rows_and_columns(audit: Audit) -> None:
    asked = f"SELECT what, key, \"columns\", before, after FROM diff('customers', {time(NOW)}, {time(NOW + 9 * DAY)})"
    found = {key: (what, columns, before, after) for what, key, columns, before, after in audit.sql(asked).rows}
    assert found["[1]"][:2] == ("updated", ["name", "credit"])
    assert json.loads(found["[1]"][3]) == {"id": 1, "name": "Anna", "credit": 1.5, "logo": None}
    assert (found["[2]"][0], json.loads(found["[2]"][2])["name"], found["[2]"][3]) == ("deleted", "Bob", None)
    born = audit.sql(f"SELECT what FROM diff('customers', {time(NOW - 1)}, {time(NOW)})").rows
    assert born == [("inserted",), ("inserted",)]


def test_answers_stand_wherever_a_table_may(audit: Audit) -> None:
    sql = f"""
        -- as_of('nothing', 'here')
        WITH past AS (FROM as_of('customers', (SELECT max(_at) AT TIME ZONE 'UTC' FROM customers_changes)))
        SELECT (SELECT count(*) FROM past), $$ diff('a') $$, 'as_of(''x'', 1)', count(*)
        FROM as_of('customers', {time(NOW)}) AS old JOIN row_history('customers', 1) AS h ON h.id = old.id
    """
    assert audit.sql(sql).rows == [(1, " diff('a') ", "as_of('x', 1)", 3)]
    audit.sql(f"CREATE TEMP TABLE kept AS FROM as_of('customers', {time(NOW)})")
    assert audit.sql("SELECT count(*) FROM kept").rows == [(2,)]


@pytest.mark.parametrize(
    ("sql", "message", "hint"),
    [
        ("FROM as_of('customers', '2026-05-03 10:00')", "2026-05-03 10:00:00 is a time in no zone", "10:00Z for UTC"),
        ("FROM as_of('customers', TIMESTAMP '2026-05-03 10:00:00')", "is a time in no zone", "10:00Z for UTC"),
        ("FROM as_of('customers', '2026-05-03')", "2026-05-03 is a day and no moment", "Z for UTC"),
        ("FROM as_of('customers', 'noon')", "'noon' is no time", "Z for UTC"),
        ("FROM as_of('customers', 5)", "5 is no time", "Z for UTC"),
        ("FROM as_of('clients', '2026-05-03T10:00Z')", "there is no table clients", "codes, customers"),
        ("FROM as_of('customers')", "as_of has 1 arguments here", "as_of(table, time)"),
        ("FROM as_of('customers', name)", "name", "Arguments are constants"),
        ("FROM as_of('customers', '2026-05-03T10:00Z'", "does not end", "parenthesis"),
        ("SELECT as_of('customers', '2026-05-03T10:00Z')", "is a table", "FROM as_of(...)"),
        ("FROM row_history('customers', 99)", "no version of customers 99 is in these packets", "FROM changes"),
        ("FROM row_history('codes', 'a')", "the key of codes has 2 columns (code, n), not 1", "row(code, n)"),
        ("FROM blame('customers', [1, 2])", "the key of customers has 1 columns (id), not 2", "row(id)"),
        ("FROM known_at('customers', 'mars', '2026-05-03T10:00Z')", "no node mars is known here", "office, site-b"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_by_one_line_and_a_hint(
    audit: Audit, sql: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        audit.sql(sql)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message + caught.value.hint


def test_times_have_a_zone() -> None:
    ten = 1_777_802_400_000_000
    for text in ("2026-05-03T10:00Z", "2026-05-03 12:00+02:00", "2026-05-03 12:00 +02:00", "2026-05-03T10:00:00.000Z"):
        assert microseconds_of(text) == ten


def test_calls_are_found_whatever_stands_around_them() -> None:
    def marked(function: str, arguments: str) -> str:
        return f"<{function}|{arguments}>"

    for sql, found in (
        ("FROM f(1, (2))", "FROM <f|1, (2)>"),
        ("FROM F (g('f(1)'))", "FROM <f|<g|'f(1)'>>"),
        ("x.f(1), \"f\"(1), 'f(1)', $a$ f(1) $a$ -- f(1)", "x.f(1), \"f\"(1), 'f(1)', $a$ f(1) $a$ -- f(1)"),
        ("/* f(1) */ ff(1) f", "/* f(1) */ ff(1) f"),
        ("f(')', \")\", [()])", "<f|')', \")\", [()]>"),
        ("e'\\'f(1)' f(1)", "e'\\'f(1)' <f|1>"),
    ):
        assert replace_calls(sql, ("f", "g"), marked) == found


def test_the_policy_decides_what_a_table_shows(audit: Audit, tmp_path: Path) -> None:
    assert audit.sql("SELECT name, credit FROM customers").rows == [("Anna", 1.5)]
    sql = 'SELECT key, kind, "columns", policy, shown, len(versions), closed_by, how FROM conflicts'
    found = audit.sql(sql).rows
    assert found == [("[1]", "edit", ["credit"], "merge", '{"credit": "office/2"}', 2, None, None)]
    first = Archive(tmp_path / "other", policy="priority:site-b")
    site = first.join("site-b")
    site.write(row({"id": 1, "name": "theirs"}))
    first.office.write(row({"id": 1, "name": "ours"}, at=NOW + DAY))
    with open_audit(first.root) as other:
        assert other.sql("SELECT name FROM customers").rows == [("theirs",)]
        [(rule,)] = other.sql("SELECT rule FROM conflicts").rows
    assert rule == "the first of site-b that wrote a version, else the newest"


def test_a_conflict_that_was_settled_is_told_with_who_settled_it(quarrel: Archive) -> None:
    site = quarrel.nodes["site-b"].sees(quarrel.office)
    site.write(row({"id": 1, "name": "Anna", "credit": 3.0}, "update", NOW + 4 * DAY, columns=["credit"]))
    with open_audit(quarrel.root) as audit:
        assert audit.sql("SELECT closed_by, how, rule FROM conflicts").rows == [
            ("site-b/2", "resolved", "column by column the newest value that nobody overwrote knowingly")
        ]


def test_columns_that_two_sites_wrote_apart_are_put_together(archive: Archive) -> None:
    office, site = archive.office, archive.join("site-b")
    office.write(row({"id": 1, "name": "Ann", "credit": 1.0}))
    site.sees(office)
    base = {"origin": "office", "seq": 1, "stamp": NOW << 16}
    left, right = ({**base, "columns": ["id", "logo", other]} for other in ("credit", "name"))
    office.write(row({"id": 1, "name": "Anna", "credit": 1.0}, "update", NOW + 1, columns=["name"], lineage=[left]))
    odd = [misfit("credit", "text", b"much")]
    site.write(row({"id": 1, "name": "Ann"}, "update", NOW + 2, columns=["credit"], lineage=[right], misfit=odd))
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT name, credit FROM customers").rows == [("Anna", None)]
        assert audit.sql("FROM conflicts").rows == []
        [(after,)] = audit.sql(f"SELECT after FROM diff('customers', {time(0)}, {time(NOW + DAY)})").rows
        assert json.loads(after) == {"id": 1, "name": "Anna", "credit": "much", "logo": None}


def test_an_audit_runs_no_program_that_the_configuration_names(tmp_path: Path) -> None:
    archive = Archive(tmp_path, policy="antigravity:run")
    archive.office.write(row({"id": 1, "name": "old"}))
    archive.join("site-b").write(row({"id": 1, "name": "new"}, at=NOW + DAY))
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT name FROM customers").rows == [("new",)]
        assert any("antigravity:run, is a program" in warning for warning in audit.warnings)


def gaps(audit: Audit) -> list[tuple[Any, ...]]:
    return audit.sql("SELECT origin, first, last, how, shown_by FROM gaps").rows


def test_packets_that_are_missing_are_listed_and_said_aloud(history: Archive) -> None:
    history.join("site-c").sees(history.office).write(row({"id": 9}))
    office = history.root / "acme" / "office"
    for seq in (2, 4):
        shutil.rmtree(next(office.glob(f"{seq:010d}-*")))
    with open_audit(history.root) as audit:
        assert gaps(audit) == [("office", 2, 2, "chain", "office/3"), ("office", 4, 4, "seen", "site-c/1")]
        assert audit.summary.missing == 2
        assert audit.warnings[0].startswith("2 packets are missing (office/2, office/4): every answer is by what is")
    with pytest.raises(VerificationFailed) as caught:
        open_audit(history.root, strict=True)
    assert (caught.value.exit_code, caught.value.message) == (
        5,
        "2 packets are missing (office/2, office/4), so no answer is sure",
    )


def test_a_tail_that_was_cut_off_shows_against_acknowledgements(history: Archive) -> None:
    shutil.rmtree(next((history.root / "acme" / "office").glob("0000000004-*")))
    with open_audit(history.root) as audit:
        assert gaps(audit) == [("office", 4, 4, "acknowledged", "site-b")]
        assert "office/4 is missing, as the acknowledgement of site-b shows" in audit.warnings


def test_strict_is_content_with_a_whole_archive(history: Archive) -> None:
    with open_audit(history.root, strict=True) as audit:
        assert (gaps(audit), audit.sql("FROM unverified").rows) == ([], [])
    with pytest.raises(VerificationFailed, match="1 packet"):
        history.join("site-c", known=False).write(row({"id": 66}))
        open_audit(history.root, strict=True)


def test_the_limits_of_a_home_hold_for_audits_of_its_archive(history: Archive) -> None:
    (history.root.parent / "satchel.toml").write_text("[limits]\nrows = 2\n")
    for path in (history.root.parent, history.root):
        with open_audit(path) as audit:
            assert {packet for (packet,) in audit.sql("SELECT packet FROM unverified").rows} == {"office/1", "office/4"}
        assert len(verify_paths(path)["problems"]) > 1
    with open_audit(history.root / "acme", history.root / "nodes") as audit:
        assert audit.summary.unverified == 0


def test_packets_of_two_networks_are_not_mixed(history: Archive, tmp_path: Path) -> None:
    other = Archive(tmp_path / "other" / "packets")
    other.office.write(row({"id": 1, "name": "theirs"}))
    with pytest.raises(VerificationFailed) as caught:
        open_audit(history.root, other.root)
    assert caught.value.message == "there are several founders' cards: acme, by office; acme, by office"
    assert "one network only" in caught.value.hint
    shutil.copytree(other.root / "acme", history.root / "stray" / "acme")
    with open_audit(history.root) as audit:
        assert audit.summary.verified == 6
        [(reason,)] = audit.sql("SELECT reason FROM unverified").rows
        assert reason.startswith("of another network: acme")


def test_a_whole_number_in_a_numeric_column_is_the_integer_that_the_database_has(tmp_path: Path) -> None:
    price = Column("p", "float64", "NUMERIC", "numeric")
    prices = Table("prices", (Column("id", "int64", "INTEGER", "integer"), price), ("id",))
    archive = Archive(tmp_path, (prices,))
    archive.office.write(row({"id": 1, "p": 12.0}), row({"id": 2, "p": 12.5}), table=prices)
    archive.join("site-b").write(row({"id": 1, "p": 13.0}, at=NOW + DAY), table=prices)
    with open_audit(archive.root) as audit:
        assert audit.sql("SELECT p FROM prices ORDER BY id").rows == [(13.0,), (12.5,)]
        found = audit.sql(f"SELECT after FROM diff('prices', {time(0)}, {time(NOW + DAY)}) ORDER BY key").rows
        assert [text for (text,) in found] == ['{"id":1,"p":13}', '{"id":2,"p":12.5}']
        assert audit.sql("SELECT value FROM blame('prices', 1)").rows == [("1",), ("13",)]
