"""What people get wrong at `init`, in a home and in words: two clear lines, the right exit code, nothing changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from satchel.stores.registry import open_store
from satchel.sync import founding
from satchel.sync.lock import HomeLock
from tests.cli.real import BAD_NAMES, Result, exclusively, impatient, must_be_refused, must_say, run
from tests.sync.sites import SCHEMA, Place, copied, make_database, times


def init(root: Path, db: Path, *words: object) -> Result:
    named = {"--node": "office", "--network": "acme"}
    rest = [part for name, value in named.items() if name not in words for part in (name, value)]
    return run("init", root / "home", "--db", db, *rest, *words)


def must_refuse_init(root: Path, db: Path, code: int, says: str, *words: object) -> None:
    before = db.read_bytes() if db.is_file() else None
    must_say(init(root, db, *words), code, says)
    assert not (root / "home").exists()
    assert (db.read_bytes() if db.is_file() else None) == before


def test_init_wants_a_database_that_is_there(tmp_path: Path) -> None:
    must_refuse_init(tmp_path, tmp_path / "none.db", 1, "there is no database")
    must_refuse_init(tmp_path, tmp_path, 1, "there is no database")


@pytest.mark.parametrize("content", [b"name,town\nAda,Ulm\n", b"SQLite format 3\0" + bytes(4080), b"\0" * 4096])
def test_init_wants_a_file_that_is_a_database(tmp_path: Path, content: bytes) -> None:
    db = tmp_path / "customers.csv"
    db.write_bytes(content)
    must_refuse_init(tmp_path, db, 1, "is not an SQLite database")


def test_an_empty_file_is_a_database_without_tables(tmp_path: Path) -> None:
    db = tmp_path / "empty.db"
    db.touch()
    must_refuse_init(tmp_path, db, 1, "no table that can be replicated")


def test_a_database_whose_tables_have_no_key_cannot_be_replicated(tmp_path: Path) -> None:
    db = make_database(tmp_path / "keyless.db", "CREATE TABLE readings (at TEXT, degrees REAL)")
    must_refuse_init(tmp_path, db, 1, "no table that can be replicated")
    assert "readings" in init(tmp_path, db).stderr, "it is said which, and why"


def test_init_says_that_the_database_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(founding, "open_store", partial(open_store, timeout=0.05))
    db = make_database(tmp_path / "office.db", *SCHEMA)
    with exclusively(db):
        must_refuse_init(tmp_path, db, 1, "is locked by another program")
    assert init(tmp_path, db).exit_code == 0, "and works when it is free"


def test_init_does_not_touch_a_home_that_exists(office: Place) -> None:
    other = make_database(office.root / "other.db", *SCHEMA)
    before = office.state(), other.read_bytes()
    must_say(run("init", office.home, "--db", other, "--node", "x", "--network", "y"), 1, "is a home already")
    assert (office.state(), other.read_bytes()) == before


def test_init_wants_a_folder_for_the_home(tmp_path: Path) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    (tmp_path / "home").write_text("a letter")
    must_say(init(tmp_path, db), 1, "is no folder")
    assert (tmp_path / "home").read_text() == "a letter"


def test_a_database_is_in_one_home_only(office: Place) -> None:
    before = office.state()
    must_say(init(office.root, office.db), 1, "is replicated already")
    assert not (office.root / "home").exists()
    assert office.state() == before


@pytest.mark.parametrize("option", ["--node", "--network"])
@pytest.mark.parametrize("name", BAD_NAMES)
def test_init_says_which_names_are_allowed(tmp_path: Path, option: str, name: str) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    must_refuse_init(tmp_path, db, 2, "cannot be the name of", option, name)


@pytest.mark.parametrize("name", ["nodes", "acks", "packets", "snapshots"])
def test_a_network_is_not_called_like_a_folder_of_the_exchange(tmp_path: Path, name: str) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    result = init(tmp_path, db, "--network", name)
    if result.exit_code == 0:
        pytest.skip(f"{name} is no reserved name")
    must_say(result, 2, "cannot be called")
    assert not (tmp_path / "home").exists()


NUMBERED = (
    "CREATE TABLE numbered (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE details (id INTEGER PRIMARY KEY REFERENCES numbered, text TEXT)",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER)",
    "CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--policy", "newest"], 2, "newest"),
        (["--policy", "priority:"], 2, "priority"),
        (["--policy", "no_such_module:function"], 1, "no_such_module"),
        (["--table", "custmers"], 2, "no table is called custmers"),
        (["--key-scope", "custmers=global"], 2, "no table is called custmers"),
        (["--key-scope", "*=planetary"], 2, "planetary is no key scope"),
        (["--key-scope", "*=local"], 2, "the key of customers cannot be local: id is no INTEGER PRIMARY KEY"),
        (["--key-scope", "details=local"], 2, "the key of details cannot be local: id refers to numbered"),
        (
            ["--key-scope", "n*=local", "--reference", "numbered.id=stock"],
            2,
            "the key of stock (id) is no single integer",
        ),
        (["--key-scope", "notes=local", "--reference", "notes.id=numbered"], 2, "id refers to numbered"),
        (["--reference", "notes"], 2, "is not of the form TABLE.COLUMN=TABLE"),
        (["--reference", "notes=numbered"], 2, "is not of the form TABLE.COLUMN=TABLE"),
        (["--reference", "notes.about="], 2, "is not of the form TABLE.COLUMN=TABLE"),
        (["--reference", ".about=numbered"], 2, "is not of the form TABLE.COLUMN=TABLE"),
        (["--reference", "letters.about=numbered"], 2, "no table letters is replicated"),
        (["--reference", "notes.about=letters"], 2, "no table letters is replicated"),
        (["--table", "notes", "--reference", "notes.about=numbered"], 2, "no table numbered is replicated"),
        (["--reference", "notes.of=numbered"], 2, "notes has no column of"),
        (["--reference", "notes.=numbered"], 2, "is not of the form TABLE.COLUMN=TABLE"),
        (["--reference", "notes.about=customers"], 2, "the key of customers (id) is no single integer"),
        (["--reference", "notes.about=pairs"], 2, "the key of pairs (a, b) is no single integer"),
        (["--schema", "guess"], 2, "guess is no way to treat a changed schema"),
    ],
)
def test_init_says_which_word_does_not_fit(tmp_path: Path, words: list[str], code: int, says: str) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA, *NUMBERED)
    must_refuse_init(tmp_path, db, code, says, *words)


@pytest.mark.parametrize("url", ["postgresql://host/shop", "mysql://host/shop"])
def test_init_says_which_databases_it_knows(tmp_path: Path, url: str) -> None:
    result = run("init", tmp_path / "home", "--db", url, "--node", "office", "--network", "acme")
    must_say(result, 2 if url.startswith("mysql") else 1)
    assert not (tmp_path / "home").exists()


# -- homes


READING = [["status"], ["conflicts"], ["history", "customers", "c1"], ["log"], ["nodes"], ["tables"], ["doctor"]]
WRITING = [["export"], ["import"], ["sync"], ["invite", "x"], ["resolve", "0123456789", "--seen"], ["detach"]]
ARCHIVE = [["verify"], ["query", "SELECT count(*) FROM customers"]]


@pytest.mark.parametrize("words", [*READING, *WRITING, *ARCHIVE], ids=" ".join)
def test_no_home_is_exit_10(tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    must_say(run("--home", folder, *words), 10, "home")
    must_say(run("--home", folder / "none", *words), 10, "home")
    monkeypatch.chdir(folder)
    must_say(run(*words), 10, "no home here")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_a_home_in_use_is_exit_11(office: Place, words: list[str]) -> None:
    with HomeLock(office.home):
        must_be_refused(office, 11, "another satchel works in", *words)


@pytest.mark.parametrize("words", [["export"], ["import"], ["sync"], ["invite", "x"]], ids=" ".join)
@pytest.mark.parametrize("key", [None, b"", b"no key", bytes(200)])
def test_a_key_that_is_missing_or_no_key_is_exit_12(office: Place, words: list[str], key: bytes | None) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    (office.home / "node.key").unlink()
    if key is not None:
        (office.home / "node.key").write_bytes(key)
    before = office.dump(), office.vector(), office.state()[1]
    must_say(run("--home", office.home, *words), 12, "key")
    assert (office.dump(), office.vector(), office.state()[1]) == before
    assert office.node.status()["pending"] == 1, "the edit is still to be sealed"


def test_the_key_of_another_node_is_exit_12(office: Place, branch: Place) -> None:
    office.sql("UPDATE stock SET pieces = 1")
    copied(branch.home / "node.key", office.home / "node.key")
    before = office.dump(), office.vector(), office.state()[1]
    must_say(run("--home", office.home, "export"), 12, "key")
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
            must_say(result, 1, "satchel.toml")


def test_a_database_that_is_gone_locked_or_another_is_said(office: Place, tmp_path: Path) -> None:
    impatient(office)
    for words in (["export"], ["import"], ["sync"], ["invite", "x"]):
        with exclusively(office.db):
            must_say(run("--home", office.home, *words), 1, "is locked by another program")
    whole = office.db.read_bytes()
    office.db.unlink()
    for words in (["status"], ["export"], ["sync"], ["conflicts"], ["log"]):
        must_say(run("--home", office.home, *words), 1, "there is no database")
    assert not office.db.exists()
    make_database(office.db, *SCHEMA)
    for words in (["status"], ["export"], ["sync"]):
        must_say(run("--home", office.home, *words), 1, "has no tables of satchel")
    office.db.write_bytes(b"no database" * 100)
    for words in (["status"], ["export"], ["detach"]):
        must_say(run("--home", office.home, *words), 1, "is not an SQLite database")
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
    must_say(run("verify", tmp_path / "none"), 2, "there is no folder")


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


@contextmanager
def nobody(folder: Path) -> Iterator[None]:
    """For root nothing is read-only: it becomes a user who owns nothing, for whom the way to the folder is open."""
    if os.geteuid() != 0:
        yield
        return
    for parent in folder.parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are another matter there")
@pytest.mark.parametrize("words", [*READING, *ARCHIVE, *WRITING], ids=" ".join)
def test_a_read_only_home_can_be_looked_at_and_not_worked_in(office: Place, branch: Place, words: list[str]) -> None:
    places = [office.db, *sorted(office.home.rglob("*"), reverse=True), office.home, office.root]
    before = office.state()
    for path in places:
        path.chmod(0o555 if path.is_dir() else 0o444)
    run("--home", branch.home, *words)  # loads what the command needs, which not everybody may read
    try:
        with nobody(office.root):
            result = run("--home", office.home, *words)
    finally:
        for path in reversed(places):
            path.chmod(0o755 if path.is_dir() else 0o644)
    if words in WRITING:
        must_say(result, 1)
    else:
        assert result.exit_code == 0, result.output
    assert office.state() == before
