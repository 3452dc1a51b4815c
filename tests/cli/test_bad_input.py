"""What people get wrong: two clear lines, the right exit code, nothing changed; never a traceback."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satchel.cli import main
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.stores.registry import open_store
from satchel.sync import entering, founding
from satchel.sync.lock import HomeLock
from tests.sync.sites import (
    SCHEMA,
    Place,
    Templates,
    copied,
    emptied,
    found_network,
    make_database,
    moved,
    times,
)


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"SATCHEL_HOME": ""})


def told(result: Result, code: int, *says: str) -> None:
    """Two lines on stderr, what is wrong and what to do; the exit code of INTERFACE."""
    assert "Traceback" not in result.output
    assert "internal error" not in result.output
    assert result.exit_code == code, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith("satchel: "), result.stderr
    assert lines[1].startswith("  hint: "), result.stderr
    assert len(lines[1]) > len("  hint: "), result.stderr
    for words in says:
        assert words in lines[0], result.stderr


def refused(place: Place, code: int, says: str, *words: object) -> None:
    """A command at a site that is refused and changes nothing, in text and as JSON."""
    before = place.state()
    told(run("--home", place.home, *words), code, says)
    result = run("--home", place.home, *words, "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["exit_code"] == code
    assert place.state() == before


@contextmanager
def exclusively(db: Path) -> Iterator[None]:
    """Another program holds the database."""
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def impatient(place: Place) -> None:
    toml = place.home / "satchel.toml"
    toml.write_text(toml.read_text().replace("lock_timeout = 10", "lock_timeout = 0.05"))


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    return Templates(tmp_path_factory.mktemp("templates"))


@pytest.fixture
def office(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> Place:
    templates.copy(2 if "branch" in request.fixturenames else 1, tmp_path)
    return Place("office", tmp_path, tmp_path / "office.db")


@pytest.fixture
def branch(office: Place) -> Place:
    """Joined and at rest with the office, through the share."""
    return Place("branch", office.root, office.root / "branch.db")


# -- init


def init(root: Path, db: Path, *words: object) -> Result:
    named = {"--node": "office", "--network": "acme"}
    rest = [part for name, value in named.items() if name not in words for part in (name, value)]
    return run("init", root / "home", "--db", db, *rest, *words)


def refused_init(root: Path, db: Path, code: int, says: str, *words: object) -> None:
    before = db.read_bytes() if db.is_file() else None
    told(init(root, db, *words), code, says)
    assert not (root / "home").exists()
    assert (db.read_bytes() if db.is_file() else None) == before


def test_init_wants_a_database_that_is_there(tmp_path: Path) -> None:
    refused_init(tmp_path, tmp_path / "none.db", 1, "there is no database")
    refused_init(tmp_path, tmp_path, 1, "there is no database")


@pytest.mark.parametrize("content", [b"name,town\nAda,Ulm\n", b"SQLite format 3\0" + bytes(4080), b"\0" * 4096])
def test_init_wants_a_file_that_is_a_database(tmp_path: Path, content: bytes) -> None:
    db = tmp_path / "customers.csv"
    db.write_bytes(content)
    refused_init(tmp_path, db, 1, "is not an SQLite database")


def test_an_empty_file_is_a_database_without_tables(tmp_path: Path) -> None:
    db = tmp_path / "empty.db"
    db.touch()
    refused_init(tmp_path, db, 1, "no table that can be replicated")


def test_a_database_whose_tables_have_no_key_cannot_be_replicated(tmp_path: Path) -> None:
    db = make_database(tmp_path / "keyless.db", "CREATE TABLE readings (at TEXT, degrees REAL)")
    refused_init(tmp_path, db, 1, "no table that can be replicated")
    assert "readings" in init(tmp_path, db).stderr, "it is said which, and why"


def test_init_says_that_the_database_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding, "open_store", partial(open_store, timeout=0.05))
    db = make_database(tmp_path / "office.db", *SCHEMA)
    with exclusively(db):
        refused_init(tmp_path, db, 1, "is locked by another program")
    assert init(tmp_path, db).exit_code == 0, "and works when it is free"


def test_init_does_not_touch_a_home_that_exists(office: Place) -> None:
    other = make_database(office.root / "other.db", *SCHEMA)
    before = office.state(), other.read_bytes()
    told(run("init", office.home, "--db", other, "--node", "x", "--network", "y"), 1, "is a home already")
    assert (office.state(), other.read_bytes()) == before


def test_init_wants_a_folder_for_the_home(tmp_path: Path) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    (tmp_path / "home").write_text("a letter")
    told(init(tmp_path, db), 1, "is no folder")
    assert (tmp_path / "home").read_text() == "a letter"


def test_a_database_is_in_one_home_only(office: Place) -> None:
    before = office.state()
    told(init(office.root, office.db), 1, "is replicated already")
    assert not (office.root / "home").exists()
    assert office.state() == before


BAD_NAMES = ["Office", "my office", "", "-a", "a" * 32, "a/b", "..", "b\u00fcro", "a\nb", "a~1"]


@pytest.mark.parametrize("option", ["--node", "--network"])
@pytest.mark.parametrize("name", BAD_NAMES)
def test_init_says_which_names_are_allowed(tmp_path: Path, option: str, name: str) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    refused_init(tmp_path, db, 2, "cannot be the name of", option, name)


@pytest.mark.parametrize("name", ["nodes", "acks", "packets", "snapshots"])
def test_a_network_is_not_called_like_a_folder_of_the_exchange(tmp_path: Path, name: str) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    result = init(tmp_path, db, "--network", name)
    if result.exit_code == 0:
        pytest.skip(f"{name} is no reserved name")
    told(result, 2, "cannot be called")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--policy", "newest"], 2, "newest"),
        (["--policy", "priority:"], 2, "priority"),
        (["--policy", "no_such_module:function"], 1, "no_such_module"),
        (["--table", "custmers"], 2, "no table is called custmers"),
        (["--key-scope", "custmers=global"], 2, "no table is called custmers"),
        (["--key-scope", "*=planetary"], 2, "planetary is no key scope"),
        (["--key-scope", "*=local"], 1, "not supported yet: customers, numbered, stock"),
    ],
)
def test_init_says_which_word_does_not_fit(tmp_path: Path, words: list[str], code: int, says: str) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA, "CREATE TABLE numbered (id INTEGER PRIMARY KEY, name TEXT)")
    refused_init(tmp_path, db, code, says, *words)


@pytest.mark.parametrize("url", ["postgresql://host/shop", "mysql://host/shop"])
def test_init_says_which_databases_it_knows(tmp_path: Path, url: str) -> None:
    result = run("init", tmp_path / "home", "--db", url, "--node", "office", "--network", "acme")
    told(result, 2 if url.startswith("mysql") else 1)
    assert not (tmp_path / "home").exists()


# -- invite and join


@pytest.mark.parametrize("name", [name for name in BAD_NAMES if not name.startswith("-")])
def test_invite_says_which_names_are_allowed(office: Place, name: str) -> None:
    refused(office, 2, "cannot be the name of a node", "invite", name, "--out", office.root / "x.invite")
    assert not (office.root / "x.invite").exists()


@pytest.mark.parametrize("words", [["--days", "0"], ["--days", "-3"], ["--role", "king"]])
def test_invite_says_which_word_does_not_fit(office: Place, words: list[str]) -> None:
    refused(office, 2, "", "invite", "branch", "--out", office.root / "x.invite", *words)
    assert not (office.root / "x.invite").exists()


def test_invite_writes_over_nothing(office: Place) -> None:
    letter = office.root / "letter.txt"
    letter.write_text("dear all")
    refused(office, 2, "exists already", "invite", "branch", "--out", letter)
    assert letter.read_text() == "dear all"


def test_invite_does_not_give_a_name_twice(office: Place, branch: Place) -> None:
    for name in ("office", "branch"):
        refused(office, 2, name, "invite", name, "--out", office.root / "x.invite")
    assert not (office.root / "x.invite").exists()


def invitation(office: Place, name: str = "clinic") -> Path:
    path = office.root / f"{name}-new.invite"
    office.node.invite(name, out=path)
    return path


def refused_join(office: Place, file: Path, code: int, says: str, db: Path | None = None) -> None:
    db = db or emptied(office.db, office.root / "clinic.db")
    before = db.read_bytes() if db.is_file() else None, file.read_bytes() if file.is_file() else None
    told(run("join", file, office.root / "clinic-home", "--db", db), code, says)
    assert not (office.root / "clinic-home").exists()
    assert (db.read_bytes() if db.is_file() else None, file.read_bytes() if file.is_file() else None) == before


def test_join_wants_a_file_that_is_an_invitation(office: Place, tmp_path: Path) -> None:
    db = emptied(office.db, office.root / "clinic.db")
    refused_join(office, tmp_path / "none.invite", 2, "cannot be read", db)
    refused_join(office, tmp_path, 2, "cannot be read", db)
    letter = tmp_path / "letter.invite"
    for content in (b"", b"dear all", b"[1, 2]", b"{}", b'{"used": false}', b"\xff\xfe\0", b'"text"', b"[" * 100_000):
        letter.write_bytes(content)
        refused_join(office, letter, 2, "", db)
    with letter.open("wb") as sparse:
        sparse.truncate(DEFAULT_LIMITS.manifest_bytes * 3)
    refused_join(office, letter, 2, "cannot be read", db)


def test_an_invitation_that_was_altered_is_refused(office: Place) -> None:
    file = invitation(office)
    whole = file.read_bytes()
    db = emptied(office.db, office.root / "clinic.db")
    for place in range(20, len(whole), len(whole) // 25):
        changed = b"A" if whole[place : place + 1] != b"A" else b"B"
        file.write_bytes(whole[:place] + changed + whole[place + 1 :])
        result = run("join", file, office.root / "clinic-home", "--db", db)
        assert result.exit_code in (1, 2, 5), (place, result.output)
        told(result, result.exit_code)
        assert not (office.root / "clinic-home").exists()
    for length in (0, 1, len(whole) // 2, len(whole) - 2):
        file.write_bytes(whole[:length])
        told(run("join", file, office.root / "clinic-home", "--db", db), 2)
    file.write_bytes(whole)
    assert run("join", file, office.root / "clinic-home", "--db", db).exit_code == 0


def test_an_invitation_is_used_once(office: Place) -> None:
    file = invitation(office)
    assert (
        run("join", file, office.root / "first-home", "--db", emptied(office.db, office.root / "first.db")).exit_code
        == 0
    )
    refused_join(office, file, 1, "was used already")


def test_an_invitation_expires(office: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    file = invitation(office)
    later = entering.now_ms() + 31 * 24 * 60 * 60 * 1000
    monkeypatch.setattr(entering, "now_ms", lambda: later)
    refused_join(office, file, 1, "expired")


def test_join_wants_a_database_with_the_tables(office: Place) -> None:
    file = invitation(office)
    root = office.root
    refused_join(office, file, 1, "there is no database", root / "none.db")
    refused_join(office, file, 1, "customers", make_database(root / "other.db", "CREATE TABLE t (id TEXT PRIMARY KEY)"))
    narrow = make_database(root / "narrow.db", SCHEMA[1], "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT)")
    refused_join(office, file, 1, "lacks the columns town", narrow)
    keyless = make_database(root / "keyless.db", SCHEMA[1], "CREATE TABLE customers (id TEXT, name TEXT, town TEXT)")
    refused_join(office, file, 1, "customers", keyless)


def test_join_says_that_the_database_is_locked(office: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entering, "open_store", partial(open_store, timeout=0.05))
    db = emptied(office.db, office.root / "clinic.db")
    with exclusively(db):
        refused_join(office, invitation(office), 1, "is locked by another program", db)


def test_join_does_not_touch_a_home_that_exists(office: Place) -> None:
    file, before = invitation(office), office.state()
    db = emptied(office.db, office.root / "clinic.db")
    told(run("join", file, office.home, "--db", db), 1, "is a home already")
    assert office.state()[1] == before[1]
    assert run("join", file, office.root / "clinic-home", "--db", db).exit_code == 0, "the invitation is still good"


def test_a_database_of_another_network_cannot_join(office: Place, tmp_path: Path) -> None:
    file = invitation(office)
    (tmp_path / "b").mkdir()
    other = found_network(tmp_path / "b", make_database(tmp_path / "b" / "other.db", *SCHEMA), "other")
    before = other.state()
    told(run("join", file, office.root / "clinic-home", "--db", other.db), 1, "another network")
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


# -- exchanges and packets


def test_an_exchange_of_another_network_is_refused(office: Place, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = found_network(tmp_path / "b", make_database(tmp_path / "b" / "other.db", *SCHEMA), "other")
    foreign = tmp_path / "foreign"
    other.node.invite("somebody", out=tmp_path / "b" / "s.invite")
    other.export(foreign)
    before = times(foreign)
    refused_but_logged(office, 1, "belongs to another network", foreign)
    assert times(foreign) == before


def refused_but_logged(place: Place, code: int, says: str, exchange: Path) -> None:
    """Only the log of runs knows of it."""
    rows, files, vector = place.dump(), place.state()[1], place.vector()
    for command in ("export", "import", "sync"):
        told(run("--home", place.home, command, exchange), code, says)
        assert says in place.node.log(1)[0]["trouble"]
    assert (place.dump(), place.state()[1], place.vector()) == (rows, files, vector)


def test_loose_packets_of_another_network_go_to_quarantine(office: Place, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    other = found_network(tmp_path / "b", make_database(tmp_path / "b" / "other.db", *SCHEMA), "other")
    loose = tmp_path / "loose"
    shutil.copytree(other.home / "packets", loose / "packets")
    rows, vector = office.dump(), office.vector()
    result = run("--home", office.home, "import", loose, "--json")
    report = json.loads(result.stdout)
    assert (result.exit_code, report["applied"]) == (3, [])
    assert ["network" in entry["reason"] for entry in report["quarantined"]] == [True]
    assert (office.dump(), office.vector()) == (rows, vector)
    assert "Traceback" not in result.output


def test_an_exchange_that_is_away_is_exit_6_and_what_is_pending_is_sealed_all_the_same(office: Place) -> None:
    away = office.root / "media" / "stick"
    refused_but_logged(office, 6, "cannot be reached now", away)
    assert not away.exists()
    office.sql("UPDATE stock SET pieces = 3")
    told(run("--home", office.home, "sync", away), 6)
    assert office.vector() == {"office": 2}
    letter = office.root / "letter"
    letter.write_text("dear all")
    refused_but_logged(office, 6, "cannot be reached now", letter)


def test_one_exchange_that_is_away_does_not_stop_the_others(office: Place, branch: Place) -> None:
    office.sql("UPDATE stock SET pieces = 2")
    told(run("--home", office.home, "sync", office.root / "away", office.root / "share"), 6, "away")
    assert branch.node.sync(office.root / "share").applied == ["office/2"]


@pytest.mark.parametrize(
    "label", ["not json", "[]", "{}", "[" * 60_000, '{"format": 1, "network": 7}', '{"format": 99, "network": "x"}']
)
def test_a_label_that_says_nothing_is_no_exchange_of_ours(office: Place, label: str) -> None:
    share = office.root / "odd"
    share.mkdir()
    (share / "satchel.json").write_text(label)
    refused_but_logged(office, 1, "format" if "99" in label else "is damaged", share)
    assert (share / "satchel.json").read_text() == label


def one_packet(office: Place, branch: Place) -> tuple[Path, Path]:
    """A folder with one packet that the branch does not have, and the packet in it."""
    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'", "INSERT INTO stock VALUES ('s2', 7)")
    loose = office.root / "loose"
    office.export(loose)
    (packet,) = (path.parent for path in loose.rglob("manifest.json"))
    return loose, packet


def imported(branch: Place, loose: Path, code: int) -> dict[str, list[dict[str, str]]]:
    """What an import says that applies nothing."""
    rows, vector = branch.dump(), branch.vector()
    result = run("--home", branch.home, "import", loose, "--json")
    assert "Traceback" not in result.output
    assert result.exit_code == code, result.output
    report: dict[str, list[dict[str, str]]] = json.loads(result.stdout)
    assert report["applied"] == []
    assert (branch.dump(), branch.vector()) == (rows, vector)
    return report


def test_a_packet_with_a_flipped_byte_goes_to_quarantine(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    part = packet / "stock.parquet"
    whole = part.read_bytes()
    part.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    (entry,) = imported(branch, loose, 3)["quarantined"]
    assert entry["packet"] == "office/2"
    assert "stock.parquet" in entry["reason"]
    assert [e["packet"] for e in branch.node.status()["quarantined"]] == ["office/2"]
    part.write_bytes(whole)
    assert branch.node.import_(loose).applied == ["office/2"], "a good copy is taken"
    assert branch.node.status()["quarantined"] == []


def test_a_quarantine_that_somebody_damaged_stops_nothing(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    (packet / "stock.parquet").write_bytes(b"x" * (packet / "stock.parquet").stat().st_size)
    imported(branch, loose, 3)
    (reason,) = (branch.home / "quarantine").glob("*/reason.json")
    for content in (b"", b"[]", b"{}", b"\xff", b"[" * 100_000):
        reason.write_bytes(content)
        (entry,) = branch.node.status()["quarantined"]
        assert "damaged" in entry["reason"]
        assert run("--home", branch.home, "sync").exit_code == 0


def test_a_manifest_with_a_flipped_byte_goes_to_quarantine(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    marker = packet / "manifest.json"
    whole = marker.read_text()
    at = whole.index('"payload"') + 40
    marker.write_text(whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :])
    assert len(imported(branch, loose, 3)["quarantined"]) == 1


@pytest.mark.parametrize("keep", [0, 1, 200])
def test_a_manifest_that_was_cut_off_is_said_and_holds_up_nothing(office: Place, branch: Place, keep: int) -> None:
    loose, packet = one_packet(office, branch)
    marker = packet / "manifest.json"
    whole = marker.read_bytes()
    marker.write_bytes(whole[:keep])
    report = imported(branch, loose, 3)
    assert [entry["packet"] for entry in report["quarantined"]] == ["office/2"]
    marker.write_bytes(whole)
    assert branch.node.import_(loose).applied == ["office/2"]
    assert branch.node.status()["quarantined"] == []


def test_a_packet_with_a_missing_part_waits(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    part = packet / "stock.parquet"
    whole = part.read_bytes()
    for content in (None, b"", whole[:-1]):
        part.unlink(missing_ok=True)
        if content is not None:
            part.write_bytes(content)
        report = imported(branch, loose, 0)
        assert report["quarantined"] == []
        assert [entry["packet"] for entry in report["waiting"]] == ["office/2"]
        assert "stock.parquet" in report["waiting"][0]["for"]
    part.write_bytes(whole)
    assert branch.node.import_(loose).applied == ["office/2"]


def test_a_packet_without_a_manifest_may_still_be_arriving(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    (packet / "manifest.json").rename(office.root / "manifest.json")
    report = imported(branch, loose, 0)
    assert [entry["packet"] for entry in report["waiting"]] == ["office/2"]
    (office.root / "manifest.json").rename(packet / "manifest.json")
    assert branch.node.import_(loose).applied == ["office/2"]


# -- homes


READING = [["status"], ["conflicts"], ["history", "customers", "c1"], ["log"], ["nodes"], ["tables"], ["doctor"]]
WRITING = [["export"], ["import"], ["sync"], ["invite", "x"], ["resolve", "0123456789", "--seen"], ["detach"]]
ARCHIVE = [["verify"], ["query", "SELECT count(*) FROM customers"]]


@pytest.mark.parametrize("words", [*READING, *WRITING, *ARCHIVE], ids=" ".join)
def test_no_home_is_exit_10(tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    told(run("--home", folder, *words), 10, "home")
    told(run("--home", folder / "none", *words), 10, "home")
    monkeypatch.chdir(folder)
    told(run(*words), 10, "no home here")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_a_home_in_use_is_exit_11(office: Place, words: list[str]) -> None:
    with HomeLock(office.home):
        refused(office, 11, "another satchel works in", *words)


@pytest.mark.parametrize("words", [["export"], ["import"], ["sync"], ["invite", "x"]], ids=" ".join)
@pytest.mark.parametrize("key", [None, b"", b"no key", bytes(200)])
def test_a_key_that_is_missing_or_no_key_is_exit_12(office: Place, words: list[str], key: bytes | None) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    (office.home / "node.key").unlink()
    if key is not None:
        (office.home / "node.key").write_bytes(key)
    before = office.dump(), office.vector(), office.state()[1]
    told(run("--home", office.home, *words), 12, "key")
    assert (office.dump(), office.vector(), office.state()[1]) == before
    assert office.node.status()["pending"] == 1, "the edit is still to be sealed"


def test_the_key_of_another_node_is_exit_12(office: Place, branch: Place) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    copied(branch.home / "node.key", office.home / "node.key")
    before = office.dump(), office.vector(), office.state()[1]
    told(run("--home", office.home, "export"), 12, "key")
    assert (office.dump(), office.vector(), office.state()[1]) == before


NO_NUMBER = """
    node.name = 'office'
    network = {name = 'acme', id = 'c', root = 'd'}
    database = {url = 'office.db', lock_timeout = 'soon'}
"""


@pytest.mark.parametrize("text", ["", "node = 1", "[node]\nname = 'office'\n", "no toml [", "\0", NO_NUMBER])
def test_settings_that_say_nothing_are_named(office: Place, text: str) -> None:
    (office.home / "satchel.toml").write_text(text)
    for words in (["status"], ["export"], ["doctor"]):
        result = run("--home", office.home, *words)
        if words == ["doctor"]:
            assert "Traceback" not in result.output
            assert "satchel.toml" in result.output
        else:
            told(result, 1, "satchel.toml")


def test_a_database_that_is_gone_locked_or_another_is_said(office: Place, tmp_path: Path) -> None:
    impatient(office)
    for words in (["export"], ["import"], ["sync"], ["invite", "x"]):
        with exclusively(office.db):
            told(run("--home", office.home, *words), 1, "is locked by another program")
    whole = office.db.read_bytes()
    office.db.unlink()
    for words in (["status"], ["export"], ["sync"], ["conflicts"], ["log"]):
        told(run("--home", office.home, *words), 1, "there is no database")
    assert not office.db.exists()
    make_database(office.db, *SCHEMA)
    for words in (["status"], ["export"], ["sync"]):
        told(run("--home", office.home, *words), 1, "has no tables of satchel")
    office.db.write_bytes(b"no database" * 100)
    for words in (["status"], ["export"], ["detach"]):
        told(run("--home", office.home, *words), 1, "is not an SQLite database")
    office.db.write_bytes(whole)
    assert run("--home", office.home, "status").exit_code == 0


# -- words


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["resolve", "0123456789", "--take", "branch"], "0123456789"),
        (["resolve", "0123456789", "--seen"], "0123456789"),
        (["resolve", "0123456789"], "no way to settle it"),
        (["resolve", "0123456789", "--take", "a", "--delete"], "several ways to settle it"),
        (["resolve", "--all", "--delete"], "--take"),
        (["resolve", "--take", "branch"], "which conflict"),
        (["history", "custmers", "c1"], "custmers is not replicated"),
        (["history", "customers", "c1", "c2"], "the key of customers is id"),
        (["history", "customers"], "Missing argument"),
        (["query", "SELEC 1"], ""),
        (["query", "SELECT * FROM custmers"], ""),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else None,
)
def test_words_that_do_not_fit_are_said(office: Place, words: list[str], says: str) -> None:
    before = office.state()
    result = run("--home", office.home, *words)
    assert "Traceback" not in result.output
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert len(result.stderr.splitlines()) >= 2
    assert office.state() == before


def test_verify_of_nothing_is_said(office: Place, tmp_path: Path) -> None:
    told(run("verify", tmp_path / "none"), 2, "there is no folder")


# -- looking


@pytest.mark.parametrize("words", [*READING, *ARCHIVE], ids=" ".join)
def test_who_only_looks_takes_no_lock_and_writes_nothing(office: Place, branch: Place, words: list[str]) -> None:
    office.sql("UPDATE stock SET pieces = 1")  # pending: looking does not seal
    before = times(office.home), office.db.read_bytes(), sorted(p.name for p in office.root.iterdir())
    with HomeLock(office.home):
        plain = run("--home", office.home, *words)
        document = run("--home", office.home, *words, "--json")
    assert (plain.exit_code, document.exit_code) == (0, 0), plain.output + document.output
    json.loads(document.stdout)
    after = times(office.home), office.db.read_bytes(), sorted(p.name for p in office.root.iterdir())
    assert after == before
    assert office.node.status()["pending"] == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is read-only for root")
@pytest.mark.parametrize("words", [*READING, *ARCHIVE, *WRITING], ids=" ".join)
def test_a_read_only_home_can_be_looked_at_and_not_worked_in(office: Place, branch: Place, words: list[str]) -> None:
    places = [office.db, *sorted(office.home.rglob("*"), reverse=True), office.home, office.root]
    before = office.state()
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        result = run("--home", office.home, *words)
    finally:
        for path in reversed(places):
            path.chmod(0o755 if path.is_dir() else 0o644)
    if words in WRITING:
        told(result, 1)
    else:
        assert result.exit_code == 0, result.output
    assert office.state() == before


def test_a_second_run_after_bad_input_moves_nothing(office: Place, branch: Place) -> None:
    loose, packet = one_packet(office, branch)
    shutil.copytree(packet, loose / "copy-of-a-packet" / packet.name)
    (loose / "Thumbs.db").write_bytes(b"x")
    assert moved(branch.node.import_(loose)) == (0, 1, 0)
    assert moved(branch.node.import_(loose)) == (0, 0, 0)
