"""Invitations that are no good: two clear lines, the right exit code, nothing changed."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from satchel.packet.limits import DEFAULT_LIMITS
from satchel.stores.registry import open_store
from satchel.sync import entering
from tests.cli.real import BAD_NAMES, exclusively, must_be_refused, must_say, run
from tests.sync.sites import SCHEMA, Place, emptied, found_network, make_database


@pytest.mark.parametrize("name", [name for name in BAD_NAMES if not name.startswith("-")])
def test_invite_says_which_names_are_allowed(office: Place, name: str) -> None:
    must_be_refused(office, 2, "cannot be the name of a node", "invite", name, "--out", office.root / "x.invite")
    assert not (office.root / "x.invite").exists()


@pytest.mark.parametrize("words", [["--days", "0"], ["--days", "-3"], ["--role", "king"]])
def test_invite_says_which_word_does_not_fit(office: Place, words: list[str]) -> None:
    must_be_refused(office, 2, "", "invite", "branch", "--out", office.root / "x.invite", *words)
    assert not (office.root / "x.invite").exists()


def test_invite_writes_over_nothing(office: Place) -> None:
    letter = office.root / "letter.txt"
    letter.write_text("dear all")
    must_be_refused(office, 2, "exists already", "invite", "branch", "--out", letter)
    assert letter.read_text() == "dear all"


def test_invite_does_not_give_a_name_twice(office: Place, branch: Place) -> None:
    for name in ("office", "branch"):
        must_be_refused(office, 2, name, "invite", name, "--out", office.root / "x.invite")
    assert not (office.root / "x.invite").exists()


def invitation(office: Place, name: str = "clinic") -> Path:
    path = office.root / f"{name}-new.invite"
    office.node.invite(name, out=path)
    return path


def must_refuse_join(office: Place, file: Path, code: int, says: str, db: Path | None = None) -> None:
    db = db or emptied(office.db, office.root / "clinic.db")
    before = db.read_bytes() if db.is_file() else None, file.read_bytes() if file.is_file() else None
    must_say(run("join", file, office.root / "clinic-home", "--db", db), code, says)
    assert not (office.root / "clinic-home").exists()
    assert (db.read_bytes() if db.is_file() else None, file.read_bytes() if file.is_file() else None) == before


def test_join_wants_a_file_that_is_an_invitation(office: Place, tmp_path: Path) -> None:
    db = emptied(office.db, office.root / "clinic.db")
    must_refuse_join(office, tmp_path / "none.invite", 2, "cannot be read", db)
    must_refuse_join(office, tmp_path, 2, "cannot be read", db)
    letter = tmp_path / "letter.invite"
    for content in (b"", b"dear all", b"[1, 2]", b"{}", b'{"used": false}', b"\xff\xfe\0", b'"text"', b"[" * 100_000):
        letter.write_bytes(content)
        must_refuse_join(office, letter, 2, "", db)
    with letter.open("wb") as sparse:
        sparse.truncate(DEFAULT_LIMITS.manifest_bytes * 3)
    must_refuse_join(office, letter, 2, "cannot be read", db)


def test_an_invitation_that_was_altered_is_refused(office: Place) -> None:
    file = invitation(office)
    whole = file.read_bytes()
    db = emptied(office.db, office.root / "clinic.db")
    for place in range(20, len(whole), len(whole) // 25):
        changed = b"A" if whole[place : place + 1] != b"A" else b"B"
        file.write_bytes(whole[:place] + changed + whole[place + 1 :])
        result = run("join", file, office.root / "clinic-home", "--db", db)
        assert result.exit_code in (1, 2, 5), (place, result.output)
        must_say(result, result.exit_code)
        assert not (office.root / "clinic-home").exists()
    for length in (0, 1, len(whole) // 2, len(whole) - 2):
        file.write_bytes(whole[:length])
        must_say(run("join", file, office.root / "clinic-home", "--db", db), 2)
    file.write_bytes(whole)
    assert run("join", file, office.root / "clinic-home", "--db", db).exit_code == 0


def test_an_invitation_is_used_once(office: Place) -> None:
    file = invitation(office)
    assert (
        run("join", file, office.root / "first-home", "--db", emptied(office.db, office.root / "first.db")).exit_code
        == 0
    )
    must_refuse_join(office, file, 1, "was used already")


def test_an_invitation_expires(office: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = invitation(office)
    later = entering.now_ms() + 31 * 24 * 60 * 60 * 1000
    monkeypatch.setattr(entering, "now_ms", lambda: later)
    must_refuse_join(office, file, 1, "expired")


def test_join_wants_a_database_with_the_tables(office: Place) -> None:
    file = invitation(office)
    root = office.root
    must_refuse_join(office, file, 1, "there is no database", root / "none.db")
    other = make_database(root / "other.db", "CREATE TABLE t (id TEXT PRIMARY KEY)")
    must_refuse_join(office, file, 1, "customers", other)
    rekeyed = "CREATE TABLE customers (id TEXT, name TEXT, town TEXT, PRIMARY KEY (name, id))"
    must_refuse_join(office, file, 1, "has the key name, id here", make_database(root / "key.db", SCHEMA[1], rekeyed))
    keyless = make_database(root / "keyless.db", SCHEMA[1], "CREATE TABLE customers (id TEXT, name TEXT, town TEXT)")
    must_refuse_join(office, file, 1, "customers", keyless)


def test_join_waits_for_columns_that_are_not_here_yet(office: Place) -> None:
    home = office.root / "clinic-home"
    narrow = make_database(office.root / "n.db", SCHEMA[1], "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT)")
    joined = run("join", invitation(office), home, "--db", narrow)
    assert joined.exit_code == 0, joined.output
    status = json.loads(run("--home", home, "status", "--json").stdout)
    assert status["lacks"] == [{"table": "customers", "columns": ["town"]}]


def test_join_says_that_the_database_is_locked(office: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering, "open_store", partial(open_store, timeout=0.05))
    db = emptied(office.db, office.root / "clinic.db")
    with exclusively(db):
        must_refuse_join(office, invitation(office), 1, "is locked by another program", db)


def test_join_does_not_touch_a_home_that_exists(office: Place) -> None:
    file, before = invitation(office), office.state()
    db = emptied(office.db, office.root / "clinic.db")
    must_say(run("join", file, office.home, "--db", db), 1, "is a home already")
    assert office.state()[1] == before[1]
    assert run("join", file, office.root / "clinic-home", "--db", db).exit_code == 0, "the invitation is still good"


def test_a_database_of_another_network_cannot_join(office: Place, tmp_path: Path) -> None:
    file = invitation(office)
    (tmp_path / "b").mkdir()
    other = found_network(tmp_path / "b", make_database(tmp_path / "b" / "other.db", *SCHEMA), "other")
    before = other.state()
    must_say(run("join", file, office.root / "clinic-home", "--db", other.db), 1, "another network")
    assert other.state() == before
    assert not (office.root / "clinic-home").exists()


def test_two_nodes_of_one_name_wait_and_raise_the_alarm(office: Place, tmp_path: Path) -> None:
    """A copy of the invitation was made before it was used."""
    first = invitation(office, "twin")
    second = Path(shutil.copy(first, tmp_path / "copy.invite"))
    share = tmp_path / "share"
    twins = []
    for number, file in enumerate((first, second)):
        db = emptied(office.db, tmp_path / f"twin{number}.db")
        assert run("join", file, tmp_path / f"twin{number}-home", "--db", db).exit_code == 0
        twins.append(Place(f"twin{number}", tmp_path, db))
    office.export(share)
    for number, twin in enumerate(twins):
        twin.node.sync(share)
        twin.sql(f"INSERT INTO customers VALUES ('twin{number}', 'T', 'U')")
        twin.node.sync(share)
    report = office.node.sync(share)
    assert report.applied == []
    assert office.rows("SELECT id FROM customers ORDER BY 1") == [("c1",), ("c2",)]
    status = office.node.status()
    assert any("twin" in warning for warning in status["warnings"]), status["warnings"]
    assert any("twin" in problem for problem in office.node.nodes()["problems"])
    shown = run("--home", office.home, "status")
    assert shown.exit_code == 0
    assert "twin" in shown.stderr
    assert run("--home", office.home, "sync", share).exit_code == 0
