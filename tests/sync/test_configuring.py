"""An admin changes the configuration: more tables, references that no schema declares; every node takes it over."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from satchel.errors import SatchelError, UsageError
from satchel.model.schema import Table
from satchel.packet.configuration import Configuration
from satchel.packet.envelope import read_envelope
from satchel.stores.sqlite.store import SQLiteStore
from satchel.sync.opening import working
from tests.sync.sites import Place, found_network, join_network, make_database, meet

SCHEMA = (
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, total REAL)",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, about INTEGER)",
    "CREATE TABLE drafts (id INTEGER PRIMARY KEY, text TEXT)",
    "CREATE TABLE keyless (text TEXT)",
)
Adopted = list[tuple[str, list[str]]]


@pytest.fixture
def adopted(monkeypatch: pytest.MonkeyPatch) -> Adopted:
    """What databases were asked to follow: (database, tables)."""
    calls: Adopted = []

    def adopt(store: SQLiteStore, tables: Sequence[Table]) -> Sequence[str]:
        calls.append((Path(store.url).stem, [table.name for table in tables]))
        return ["drafts is replicated from now on"]

    monkeypatch.setattr(SQLiteStore, "adopt", adopt, raising=False)
    return calls


@pytest.fixture
def office(tmp_path: Path) -> Place:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    return found_network(tmp_path, db, tables=["invoices", "notes"])


@pytest.fixture
def branch(office: Place, tmp_path: Path) -> Place:
    return join_network(office, "branch", make_database(tmp_path / "branch.db", *SCHEMA))


def configurations(place: Place) -> list[Configuration]:
    files = sorted((place.home / "packets" / "nodes").glob("config-*.json"))
    return [Configuration.parse(read_envelope(file.read_bytes()).payload) for file in files]


def test_a_table_that_is_added_stands_in_the_next_version(office: Place, adopted: Adopted) -> None:
    report = office.node.add_tables("draft*").as_json()
    assert (report["version"], report["tables"], report["warnings"]) == (
        2, ["drafts"], ["drafts is replicated from now on"]
    )  # fmt: skip
    first, second = configurations(office)
    assert (first.version, second.version, second.signer) == (1, 2, "office")
    assert int(second.stamp) > int(first.stamp)
    assert sorted(second.tables) == ["drafts", "invoices", "notes"]
    assert second.tables["drafts"].scope == "global", "as --key-scope said"
    assert second.options.tables == ("invoices", "notes", "draft*")
    assert {name: second.tables[name] for name in first.tables} == first.tables
    assert adopted == [("office", ["drafts", "invoices", "notes"])]


def test_a_configuration_is_taken_over_once(office: Place, adopted: Adopted) -> None:
    office.node.add_tables("drafts")
    office.node.export()
    assert len(adopted) == 1


def test_a_command_after_a_kill_takes_it_over(office: Place, adopted: Adopted) -> None:
    office.node.add_tables("drafts")
    with working(office.home) as site:
        site.note(configuration="an older one")
    office.node.export()
    assert [name for name, _ in adopted] == ["office", "office"]


def test_other_nodes_take_it_over_when_it_reaches_them(office: Place, branch: Place, adopted: Adopted) -> None:
    share = office.root / "share"
    meet(share, [office, branch])
    assert adopted == []
    office.node.add_tables("drafts")
    office.node.sync(share)
    report = branch.node.sync(share, dry_run=True)
    assert [name for name, _ in adopted] == ["office"], "a dry run changes nothing"
    report = branch.node.sync(share)
    assert [name for name, _ in adopted] == ["office", "branch"]
    assert "drafts is replicated from now on" in report.warnings
    meet(share, [office, branch])
    assert len(adopted) == 2


def test_a_node_that_joins_later_begins_with_it(office: Place, tmp_path: Path, adopted: Adopted) -> None:
    office.node.add_tables("drafts")
    clinic = join_network(office, "clinic", make_database(tmp_path / "clinic.db", *SCHEMA))
    assert [t["table"] for t in clinic.node.tables()["tables"]] == ["drafts", "invoices", "notes"]
    clinic.node.export()
    assert [name for name, _ in adopted] == ["office"]


def test_what_was_pending_is_sealed_under_the_version_that_it_was_written_under(
    office: Place, adopted: Adopted
) -> None:
    office.sql("INSERT INTO invoices VALUES (1, 2.5)")
    assert office.node.add_tables("drafts").sealed == ["office/1"]
    [manifest] = (office.home / "packets" / "acme" / "office").glob("*1-*/manifest.json")
    assert json.loads(read_envelope(manifest.read_bytes()).payload)["configuration"] == 1


def test_a_dry_run_of_a_change_changes_nothing(office: Place, adopted: Adopted) -> None:
    office.sql("INSERT INTO invoices VALUES (1, 2.5)")
    before = office.state()
    assert office.node.add_tables("drafts", dry_run=True).version == 2
    assert office.state() == before
    assert adopted == []


@pytest.mark.parametrize(
    ("globs", "says"),
    [
        (["letters"], "no table is called letters"),
        (["inv*"], "invoices is replicated already"),
        (["keyless"], "keyless cannot be replicated: it has no primary key"),
        (["drafts", "letters"], "no table is called letters"),
    ],
)
def test_what_cannot_be_added_is_said_and_nothing_is_signed(office: Place, globs: list[str], says: str) -> None:
    with pytest.raises(SatchelError, match=says) as caught:
        office.node.add_tables(*globs)
    assert caught.value.hint
    assert len(configurations(office)) == 1


def test_only_an_admin_changes_the_configuration(office: Place, branch: Place) -> None:
    with pytest.raises(UsageError, match="still joining"):
        branch.node.add_tables("drafts")
    meet(office.root / "share", [office, branch])
    with pytest.raises(SatchelError, match="branch is no admin") as caught:
        branch.node.add_tables("drafts")
    assert caught.value.hint == "do it at office"
    with pytest.raises(SatchelError, match="branch is no admin"):
        branch.node.add_references("notes.about=invoices")
    assert len(configurations(branch)) == 1


def test_a_network_of_all_tables_stays_one(tmp_path: Path, adopted: Adopted) -> None:
    office = found_network(tmp_path, make_database(tmp_path / "office.db", *SCHEMA[:2]), policies={"*": "manual"})
    office.sql(SCHEMA[2])
    with pytest.raises(UsageError, match="drafts is replicated already"):
        office.node.add_tables("drafts")
    first, newest = configurations(office)  # the admin's node signs by itself what its database has gained
    assert [table.name for table in first.shared_tables()] == ["invoices", "notes"]
    assert sorted(table.name for table in newest.shared_tables()) == ["drafts", "invoices", "notes"]
    assert newest.options.tables == ()
    assert newest.policy_of("drafts") == "manual"


def test_a_reference_is_named_later(office: Place, adopted: Adopted) -> None:
    report = office.node.add_references("NOTES.about=invoices")
    assert (report.version, report.references) == (2, ["notes.about=invoices"])
    assert office.node.tables()["references"] == ["notes.about=invoices"]
    assert len(adopted) == 1
    with pytest.raises(UsageError, match="known already"):
        office.node.add_references("notes.about=invoices")


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("notes.about", "is not of the form"),
        ("notes.about=drafts", "no table drafts is replicated"),
        ("notes.id=invoices", "another identity"),
    ],
)
def test_a_reference_that_cannot_be_named_is_said(office: Place, word: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        office.node.add_references(word)
    assert len(configurations(office)) == 1


def test_whatever_else_a_configuration_says_is_kept(office: Place, adopted: Adopted) -> None:
    """Fields of a newer minor version, of the document, of a table, of a column and of the options."""
    with working(office.home) as site:
        fields: dict[str, Any] = json.loads(site.configuration.to_bytes())
        fields |= {"version": 2, "later": 1}
        fields["options"]["later"] = 2
        fields["tables"]["notes"]["later"] = 3
        fields["tables"]["notes"]["columns"][1]["later"] = 4
        site.add_node_files([Configuration.parse(json.dumps(fields).encode()).seal(site.key)])
    office.node.add_tables("drafts")
    newest = json.loads(configurations(office)[-1].to_bytes())
    assert newest["version"] == 3
    assert (newest["later"], newest["options"]["later"]) == (1, 2)
    assert newest["tables"]["notes"]["later"] == 3
    assert newest["tables"]["notes"]["columns"][1]["later"] == 4


def test_the_options_of_init_are_kept_for_later_tables(tmp_path: Path) -> None:
    db = make_database(tmp_path / "office.db", *SCHEMA)
    wish: dict[str, Any] = {"references": ["notes.about=invoices"], "schema": "follow", "policies": {"no*": "latest"}}
    office = found_network(tmp_path, db, tables=["invoices", "no*"], **wish)
    [found] = configurations(office)
    assert found.options.tables == ("invoices", "no*")
    assert found.options.key_scope == (("*", "global"),)
    assert found.options.policies == (("no*", "latest"),)
    assert found.options.follows
    shown = office.node.tables()
    assert (shown["references"], shown["schema"]) == (["notes.about=invoices"], "follow")
