"""A lake answers what the packets answer, is never trusted further than they are, and never touches them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pytest

import satchel.audit.lake_gather as lake_gather
import satchel.audit.memory as memory_module
from satchel.audit import holdings
from satchel.audit.history import row_history
from satchel.audit.lake import MEMORY_NAME, LakeReport, make_lake
from satchel.audit.lake_book import BOOK_NAME, NEW, LakeBook
from satchel.audit.session import open_audit
from satchel.audit.verification import verify_paths
from satchel.errors import SatchelError, UsageError
from satchel.model.ids import Dot
from satchel.model.schema import Column, Table
from satchel.packet.manifest import MANIFEST_NAME
from tests.audit.builders import CODES, CUSTOMERS, DAY, NOW, Archive, alter, row
from tests.audit.test_verification import sealed_by_hand

pytestmark = pytest.mark.audit

QUESTIONS = (
    "SELECT * FROM customers ORDER BY ALL",
    "SELECT * EXCLUDE (_at) FROM customers_changes ORDER BY ALL",
    "SELECT * FROM codes ORDER BY ALL",
    'SELECT * FROM changes ORDER BY "row", origin, seq',
    "SELECT origin, seq, hash FROM packets ORDER BY ALL",
)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return tmp_path / "lake"


def make(lake: Path, archive: Archive, **wishes: Any) -> LakeReport:
    return make_lake(lake, [archive.root], **wishes)


def answers(archive: Archive, lake: Path | None, *questions: str) -> list[list[tuple[Any, ...]]]:
    with open_audit(archive.root, lake=lake) as audit:
        return [audit.sql(question).fetchall() for question in questions or QUESTIONS]


def files(lake: Path) -> set[Path]:
    return set(lake.glob("*/*/*"))


def test_a_lake_answers_what_the_packets_answer(history: Archive, lake: Path) -> None:
    report = make(lake, history)
    assert (report.packets, report.added, report.left_out) == (6, 6, [])
    assert report.tables == {"codes": 2, "customers": 8}
    assert answers(history, lake) == answers(history, None)


def test_rows_really_come_from_the_lake(history: Archive, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(lake, history)
    monkeypatch.setattr("satchel.audit.relations.ds.FileSystemDataset", None)  # what reads the files of packets
    assert len(answers(history, lake, "SELECT * FROM changes")[0]) == 10


def test_any_engine_reads_the_files_and_finds_the_packet_of_each_row(history: Archive, lake: Path) -> None:
    make(lake, history)
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(
            f"SELECT id, name, _origin, _seq, _op, _packet FROM read_parquet('{lake}/customers/*/*.parquet') "
            "WHERE id = 1 ORDER BY _stamp"
        ).fetchall()
    hashes = dict(answers(history, None, "SELECT (origin, seq)::VARCHAR, hash FROM packets")[0])
    assert found == [
        (1, "Ann", "office", 1, "insert", hashes["(office, 1)"]),
        (1, "Anna", "site-b", 1, "update", hashes["(site-b, 1)"]),
    ]


def test_the_book_names_every_file_with_its_hash_and_every_packet(history: Archive, lake: Path) -> None:
    make(lake, history)
    book = json.loads((lake / BOOK_NAME).read_bytes())
    for entry in book["files"]:
        assert hashlib.sha256((lake / entry["path"]).read_bytes()).hexdigest() == entry["sha256"]
    assert sorted(map(tuple, book["packets"])) == sorted(
        answers(history, None, "SELECT hash, origin, seq FROM packets")[0]
    )


def test_packets_stay_as_they_are(history: Archive, lake: Path) -> None:
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in history.root.rglob("*") if path.is_file()}
    make(lake, history)
    answers(history, lake)
    after = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in history.root.rglob("*") if path.is_file()}
    assert after == before


def test_only_new_packets_are_read(history: Archive, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(lake, history)
    before = files(lake)
    history.office.write(row({"id": 9, "name": "Eve"}))
    opened: list[str] = []
    read = lake_gather._rows_of
    monkeypatch.setattr(
        lake_gather, "_rows_of", lambda packet, members: (opened.append(str(packet.dot)), read(packet, members))[1]
    )
    assert make(lake, history).added == 1
    assert opened == ["office/5"] and before < files(lake)
    assert answers(history, lake) == answers(history, None)
    assert make(lake, history).written == 0


def test_packets_that_came_after_the_lake_are_shown_too(history: Archive, lake: Path) -> None:
    make(lake, history)
    history.office.write(row({"id": 9, "name": "Eve"}))
    assert answers(history, lake) == answers(history, None)


def test_a_dry_run_counts_and_writes_nothing(history: Archive, lake: Path) -> None:
    report = make(lake, history, dry_run=True)
    assert (report.added, report.rows, lake.exists()) == (6, 10, False)


def test_many_small_runs_leave_few_files(archive: Archive, lake: Path) -> None:
    for number in range(1, 18):
        archive.office.write(row({"id": number, "name": f"name {number}"}))
        report = make(lake, archive)
    assert (report.rows, len(files(lake))) == (17, report.files)
    assert report.files <= 2 * lake_gather.TIER
    assert answers(archive, lake) == answers(archive, None)


def test_an_altered_packet_is_left_out_and_named(history: Archive, lake: Path) -> None:
    alter(next(history.root.glob("acme/office/*1-*/customers.parquet")))
    report = make(lake, history)
    assert [finding.packet for finding in report.left_out] == ["office/1"]
    assert (report.packets, report.tables) == (5, {"codes": 2, "customers": 5})


def test_a_packet_that_is_altered_later_is_no_longer_shown(history: Archive, lake: Path) -> None:
    make(lake, history)
    alter(next(history.root.glob("acme/office/*1-*/customers.parquet")))
    assert answers(history, lake) == answers(history, None)
    assert make(lake, history).removed == 1


def test_a_packet_whose_rows_are_not_right_is_named_at_every_run(archive: Archive, lake: Path) -> None:
    sealed_by_hand(archive.office, Dot("office", 2), 1)
    for _ in range(2):
        report = make(lake, archive)
        assert [(f.packet, f.reason) for f in report.left_out] == [
            ("office/1", "customers.parquet: a row of another packet")
        ]
        assert report.rows == 0


def test_a_file_of_the_lake_that_was_changed_counts_no_more(history: Archive, lake: Path) -> None:
    make(lake, history)
    next(lake.glob("customers/*/*.parquet")).write_bytes(b"PAR1 something else PAR1")
    assert answers(history, lake) == answers(history, None)
    assert make(lake, history).written > 0
    assert answers(history, lake) == answers(history, None)


def test_a_lake_that_was_interrupted_is_tidied(history: Archive, lake: Path) -> None:
    make(lake, history)
    kept = files(lake)
    for path in list(kept)[:1]:
        path.rename(path.with_name(path.name + NEW))  # the book was saved, the name was not
    folder = next(iter(kept)).parent
    for name in ("0123456789abcdef.parquet", f"1123456789abcdef.parquet{NEW}"):
        (folder / name).write_bytes(b"of nobody")
    (folder / "notes.txt").write_bytes(b"of somebody")
    make(lake, history)
    assert files(lake) == {*kept, folder / "notes.txt"}
    assert answers(history, lake) == answers(history, None)


def test_branches_of_a_fork_are_told_apart_with_a_lake(archive: Archive, lake: Path) -> None:
    twin = archive.join("site-b")
    twin.write(row({"id": 1, "name": "old"}))
    make(lake, archive)
    other = type(twin)(archive, twin.name, twin.key)
    other.vector, other.last = dict(twin.vector), twin.last
    twin.write(row({"id": 1, "name": "one"}))
    make(lake, archive)  # before anybody knew
    other.write(row({"id": 2, "name": "two"}))
    assert answers(archive, lake, *QUESTIONS[:2]) == answers(archive, None, *QUESTIONS[:2])
    make(lake, archive)
    assert answers(archive, lake, *QUESTIONS[:2]) == answers(archive, None, *QUESTIONS[:2])


def test_columns_that_came_later_and_names_of_ours_are_at_home_in_a_lake(archive: Archive, lake: Path) -> None:
    odd = Table("customers", (*CUSTOMERS.columns, Column("_packet", "string", "TEXT", "text")), CUSTOMERS.key)
    archive.office.write(row({"id": 1, "name": "Ann"}))
    archive.office.write(row({"id": 2, "name": "Bob", "_packet": "mine"}), table=odd)
    archive.office.write(row({"code": "X", "n": 1}), table=CODES)
    make(lake, archive)
    assert answers(archive, lake) == answers(archive, None)
    assert answers(archive, lake, "SELECT name, _packet FROM customers ORDER BY id") == [
        [("Ann", None), ("Bob", "mine")]
    ]


def test_the_history_of_a_row_is_the_same_from_a_lake(history: Archive, lake: Path) -> None:
    make(lake, history)
    history.office.write(row({"id": 3, "name": "Clea"}, "update", NOW + 3 * DAY, columns=["name"]))
    for table, key in (
        (CUSTOMERS, [3]),
        (CUSTOMERS, [2]),
        (CUSTOMERS, [77]),
        (CODES, ["A", 1]),
        (CODES, ["x", "many"]),
    ):
        found = row_history([history.root], table, key, lake=lake)
        assert found == row_history([history.root], table, key)
    assert len(row_history([history.root], CUSTOMERS, [3], lake=lake)) == 4


def test_an_audit_can_neither_write_to_a_lake_nor_read_beside_it(history: Archive, lake: Path) -> None:
    make(lake, history)
    before = {path: path.read_bytes() for path in files(lake)}
    with open_audit(history.root, lake=lake) as audit:
        for attempt in (
            "COPY (SELECT 1) TO 'satchel-lake://0.parquet' (FORMAT parquet, USE_TMP_FILE false)",
            "COPY (SELECT 1) TO 'satchel-lake://9.parquet' (FORMAT parquet, USE_TMP_FILE false)",
            f"SELECT * FROM read_parquet('{next(iter(before))}')",
            "ATTACH 'satchel-lake://x.db'",
        ):
            with pytest.raises(SatchelError) as caught:
                audit.sql(attempt)
            assert "Traceback" not in caught.value.message
        with suppress(SatchelError):  # DuckDB 2.0 finds no such file, 1.5 refuses
            assert audit.sql("SELECT * FROM read_text('satchel-lake://../../etc/hostname')").rows == []
    assert {path: path.read_bytes() for path in files(lake)} == before


def test_what_verified_and_was_not_touched_is_not_hashed_again(
    history: Archive, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_module, "SETTLED_NS", -(10**12))
    make(lake, history)
    expected = answers(history, None)
    part = next(history.root.glob("acme/office/*1-*/customers.parquet"))
    hashed: list[str] = []
    verify = holdings.verify_parts
    monkeypatch.setattr(
        holdings,
        "verify_parts",
        lambda folder, manifest: (hashed.append(str(manifest.dot)), verify(folder, manifest))[1],
    )
    assert answers(history, lake) == expected and hashed == []
    moment = part.stat()
    alter(part)
    os.utime(part, ns=(moment.st_atime_ns, moment.st_mtime_ns))  # who alters a file may set its time back
    with open_audit(history.root, lake=lake) as audit:
        assert audit.summary.unverified == 1
    assert hashed == ["office/1"]


def test_what_was_written_a_moment_ago_is_not_remembered(history: Archive, lake: Path) -> None:
    make(lake, history)
    assert json.loads((lake / MEMORY_NAME).read_bytes())["entries"] == {} if (lake / MEMORY_NAME).exists() else True


def test_other_members_are_other_circumstances(history: Archive, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "SETTLED_NS", -(10**12))
    make(lake, history)
    for card in (history.root / "nodes").iterdir():
        if b"site-b" in card.read_bytes() or json.loads(card.read_bytes())["signatures"][1:]:
            card.unlink()
    with open_audit(history.root, lake=lake) as audit:
        assert audit.sql("SELECT DISTINCT origin FROM changes").fetchall() == [("office",)]


def test_a_damaged_memory_costs_time_and_nothing_else(history: Archive, lake: Path) -> None:
    make(lake, history)
    (lake / MEMORY_NAME).write_bytes(b'{"satchel_memory": 1, "tables": 7}')
    assert answers(history, lake) == answers(history, None)


def test_a_home_s_own_lake_is_found(history: Archive, tmp_path: Path) -> None:
    (tmp_path / "satchel.toml").write_text("")
    make(tmp_path / "lake", history)
    assert history.root == tmp_path / "packets"
    for path in (tmp_path, history.root):
        with open_audit(path) as audit:
            assert audit._lake is not None
            assert len(audit.sql("SELECT * FROM changes").fetchall()) == 10


def test_a_lake_from_the_beginning_has_nothing_of_the_old_one(history: Archive, lake: Path) -> None:
    make(lake, history)
    before = files(lake)
    report = make(lake, history, fresh=True)
    assert report.added == 6 and before.isdisjoint(files(lake))
    assert answers(history, lake) == answers(history, None)


def test_bad_places_are_refused_in_a_clear_line(history: Archive, lake: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    refused = {
        tmp_path / "full": "is not empty, and no lake",
        tmp_path / "file": "is no folder",
        history.root / "lake": "lies among the packets",
        history.root: "lies among the packets",
    }
    for place, words in refused.items():
        with pytest.raises(UsageError) as caught:
            make(place, history)
        assert words in caught.value.message or place == history.root
    (tmp_path / "other").mkdir()
    other = Archive(tmp_path / "other" / "packets")
    other.office.write(row({"id": 1, "name": "Ann"}))
    make(lake, history)
    with pytest.raises(UsageError, match="another network"):
        make(lake, other)
    with pytest.raises(UsageError, match="no lake"):
        open_audit(history.root, lake=tmp_path / "full")


def test_an_archive_without_packets_makes_no_lake(archive: Archive, lake: Path) -> None:
    with pytest.raises(UsageError, match="no packet lies below"):
        make(lake, archive)
    assert not lake.exists()


def test_a_book_that_is_none_is_said(history: Archive, lake: Path) -> None:
    make(lake, history)
    (lake / BOOK_NAME).write_bytes(b"{}")
    with pytest.raises(SatchelError, match="no book of a lake"):
        make(lake, history)
    shutil.rmtree(lake)
    assert make(lake, history).packets == 6
    assert LakeBook.load(lake) is not None
    assert MANIFEST_NAME not in {path.name for path in lake.rglob("*")}


def test_functions_answer_from_a_lake_what_they_answer_from_packets(history: Archive, lake: Path) -> None:
    make(lake, history)
    odd = row({"code": "é'x", "n": -7})
    history.office.write(odd, table=CODES)
    questions = (
        "SELECT * EXCLUDE (_at) FROM row_history('customers', 3)",
        "SELECT * EXCLUDE (_at) FROM row_history('codes', row('a', 1))",
        "SELECT * EXCLUDE (_at) FROM row_history('codes', row('é''x', -7))",
        "SELECT * EXCLUDE (\"at\") FROM blame('customers', 1) ORDER BY ALL",
        "SELECT * FROM as_of('customers', '2026-09-22T15:00:00Z') ORDER BY ALL",
    )
    assert answers(history, lake, *questions) == answers(history, None, *questions)


def test_many_origins_take_another_way_to_the_same_rows(history: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answers(history, None, *QUESTIONS[:3])
    monkeypatch.setattr("satchel.audit.state._MOST_WHOS", 0)
    assert answers(history, None, *QUESTIONS[:3]) == expected


def test_rows_that_went_into_a_home_s_lake_are_not_decoded_again_by_verify(
    history: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "satchel.toml").write_text("")
    make(tmp_path / "lake", history)
    history.office.write(row({"id": 9, "name": "Eve"}))
    decoded: list[str] = []

    def look(place: object, opened: Any) -> list[Any]:
        decoded.append(str(opened.manifest.dot))
        return []

    monkeypatch.setattr("satchel.audit.verification._row_problems", look)
    verify_paths(history.root)
    assert decoded == ["office/5"]
    alter(next(history.root.glob("acme/office/*1-*/customers.parquet")))
    assert [p["packet"] for p in verify_paths(history.root)["problems"]] == ["office/1"]
