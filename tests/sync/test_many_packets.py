"""Several packets of one site in one import: in one go where that comes to the same, else one after the other."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from satchel.stores.sqlite.apply import SQLiteApplying
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

SCHEMA = (
    "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE person (id TEXT PRIMARY KEY COLLATE NOCASE, name TEXT,"
    " city INTEGER REFERENCES city ON DELETE CASCADE, badge TEXT UNIQUE)",
)
SCOPES = {"city": "local", "person": "global"}


@pytest.fixture
def network(tmp_path: Path) -> list[Place]:
    """An office with rows, and two branches that are at rest with it."""
    cities = ", ".join(f"({n}, 'city {n}')" for n in range(1, 9))
    people = ", ".join(f"('p{n}', 'name {n}', {n % 8 + 1}, 'b{n}')" for n in range(12))
    db = make_database(tmp_path / "office.db", *SCHEMA, f"INSERT INTO city VALUES {cities}")
    make_database(db, f"INSERT INTO person VALUES {people}")
    office = found_network(tmp_path, db, key_scope=SCOPES)
    branches = [join_network(office, name, emptied(db, tmp_path / f"{name}.db")) for name in ("one", "two")]
    meet(tmp_path / "share", [office, *branches])
    return [office, *branches]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many packets were applied in one go, each time."""
    found: list[int] = []
    apply = SQLiteApplying.apply_group

    def counted(self: SQLiteApplying, packets: Any, *rest: Any, **options: Any) -> Any:
        done = apply(self, packets, *rest, **options)
        found.append(len(packets))
        return done

    monkeypatch.setattr(SQLiteApplying, "apply_group", counted)
    return found


def seal(office: Place, stick: Path, *steps: str) -> list[Path]:
    """One packet for each step; the stick as it is after each of them."""
    stick.mkdir()
    found = []
    for number, step in enumerate(steps):
        office.sql(*step.split("; "))
        office.node.export(stick)
        found.append(Path(shutil.copytree(stick, stick.parent / f"{stick.name}-{number}")))
    return found


def conflicts(place: Place) -> list[Any]:
    return sorted((c["id"], c["kind"], str(c["shown"])) for c in place.node.conflicts())


def test_packets_with_different_rows_are_applied_in_one_go(
    network: list[Place], at_once: list[int], tmp_path: Path
) -> None:
    office, one, two = network
    steps = [
        "UPDATE person SET name = 'new' WHERE id = 'p1'",
        "INSERT INTO city VALUES (20, 'capital')",
        "INSERT INTO person VALUES ('x', 'x', 20, 'bx')",
        "DELETE FROM person WHERE id = 'p2'",
    ]
    sticks = seal(office, tmp_path / "stick", *steps)
    for stick in sticks:
        two.node.import_(stick)
    assert at_once == [1, 1, 1, 1]
    report = one.node.import_(sticks[-1])
    assert at_once[4:] == [4]
    assert len(report.applied) == 4
    assert (report.rows.inserted, report.rows.updated, report.rows.deleted) == (2, 1, 1)
    assert one.dump() == two.dump() == office.dump()


def test_a_row_in_two_packets_makes_them_come_one_after_the_other(
    network: list[Place], at_once: list[int], tmp_path: Path
) -> None:
    office, one, _ = network
    steps = ["UPDATE person SET name = 'a' WHERE id = 'p1'", "UPDATE person SET name = 'b' WHERE id = 'p1'"]
    report = one.node.import_(seal(office, tmp_path / "stick", *steps)[-1])
    assert at_once == [1, 1]
    assert report.rows.updated == 2
    assert one.dump() == office.dump()


def test_a_bad_packet_among_several_is_found(network: list[Place], at_once: list[int], tmp_path: Path) -> None:
    office, one, _ = network
    steps = [f"UPDATE person SET name = 'z' WHERE id = 'p{n}'" for n in range(4)]
    stick = seal(office, tmp_path / "stick", *steps)[-1]
    third = sorted(stick.rglob("*-*/person.parquet"))[-2]
    data = bytearray(third.read_bytes())
    data[len(data) // 2] ^= 1
    third.write_bytes(data)
    at_once.clear()
    report = one.node.import_(stick)
    assert len(report.quarantined) == 1
    assert len(report.applied) == 2
    assert at_once == [2], "its copy was refused when it was collected"


def _edit(rng: random.Random, round_: int) -> str:
    """One or two statements of an application."""
    n, m, c = rng.randrange(14), rng.randrange(14), rng.randrange(1, 12)
    return rng.choice(
        [
            f"UPDATE person SET name = 'n{round_}' WHERE id = 'p{n}'",
            f"UPDATE person SET city = (SELECT max(id) FROM city) WHERE id = 'p{n}'",
            f"UPDATE person SET badge = NULL WHERE id = 'p{n}'; UPDATE OR IGNORE person SET badge = 'b{n}'"
            f" WHERE id = 'p{m}'",
            f"DELETE FROM person WHERE id = 'p{n}'",
            f"INSERT OR REPLACE INTO person VALUES ('P{n}', 'r{round_}', NULL, 'c{round_}')",
            f"DELETE FROM city WHERE id = {c}",
            f"INSERT OR IGNORE INTO city (name) VALUES ('city {c}')",
            f"UPDATE OR IGNORE city SET name = 'town {n}' WHERE id = {c}",
        ]
    )


@pytest.mark.parametrize("seed", [*range(2), *(pytest.param(n, marks=pytest.mark.slow) for n in range(2, 12))])
def test_it_comes_to_the_same_in_one_go_and_one_by_one(seed: int, network: list[Place], tmp_path: Path) -> None:
    """The branches have made the same edits (by one packet that both have), and get the office's packets."""
    office, one, two = network
    rng = random.Random(seed)
    for place in (one, two):
        place.sql(*(f"UPDATE person SET name = 'mine' WHERE id = 'p{n}'" for n in (1, 4, 7)))
    one.sql(_edit(rng, 90).split("; ")[0])
    meet(tmp_path / "aside", [one, two])
    sticks = seal(office, tmp_path / "stick", *(_edit(rng, n) for n in range(rng.randrange(2, 9))))
    for stick in sticks:
        two.node.import_(stick)
    one.node.import_(sticks[-1])
    assert one.vector() == two.vector()
    assert _shown(one) == _shown(two)
    assert conflicts(one) == conflicts(two)


def _shown(place: Place) -> list[list[tuple[Any, ...]]]:
    """The rows, numbers of cities aside: each site has its own."""
    people = "SELECT p.id, p.name, c.name, p.badge FROM person p LEFT JOIN city c ON c.id = p.city ORDER BY p.id"
    return [place.rows("SELECT name FROM city ORDER BY name"), place.rows(people)]
