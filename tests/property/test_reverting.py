"""Undo over random histories: what a packet changed is taken back exactly, and undone again exactly; others follow."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from satchel.errors import ConstraintRefused
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet

SCHEMA = (
    "CREATE TABLE groups (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, town TEXT, grp INTEGER REFERENCES groups (id))",
    "CREATE TABLE codes (a TEXT COLLATE NOCASE, b INTEGER, what, PRIMARY KEY (a, b))",
)
VALUES = ["NULL", "0", "1", "1.0", "'1'", "'x'", "'X'", "x'00'", "9007199254740993", "-0.5", "''"]


def contents(place: Place) -> list[tuple[object, ...]]:
    """The rows without numbers of this database: names are told apart by a serial of their own."""
    people = place.rows("SELECT p.name, p.town, g.name FROM people p LEFT JOIN groups g ON g.id = p.grp ORDER BY 1")
    codes = place.rows("SELECT lower(a), b, typeof(what), quote(what) FROM codes ORDER BY 1, 2")
    return [*people, *codes, *place.rows("SELECT name FROM groups ORDER BY 1")]


class Writer:
    """An application that does something at random, and never breaks a reference."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.serial = 0

    def write(self, place: Place) -> None:
        """A few statements, in one transaction."""
        for _ in range(self.random.randint(1, 6)):
            place.sql(self.statement(place))

    def statement(self, place: Place) -> str:
        self.serial += 1
        pick = self.random.choice
        group = "(SELECT id FROM groups ORDER BY random() LIMIT 1)"
        person = "id = (SELECT id FROM people ORDER BY random() LIMIT 1)"
        value, key = pick(VALUES), (pick(["'a'", "'A'", "'b'"]), self.random.randint(1, 3))
        return pick([
            f"INSERT INTO people (name, town, grp) VALUES ('p{self.serial}', 'Ulm', {group})",
            f"INSERT INTO groups (name) VALUES ('g{self.serial}')",
            f"UPDATE people SET town = 't{self.serial}' WHERE {person}",
            f"UPDATE people SET grp = {group} WHERE {person}",
            f"DELETE FROM people WHERE {person}",
            "DELETE FROM groups WHERE id NOT IN (SELECT grp FROM people WHERE grp IS NOT NULL)",
            f"INSERT OR REPLACE INTO codes VALUES ({key[0]}, {key[1]}, {value})",
            f"DELETE FROM codes WHERE a = {key[0]}",
        ])  # fmt: skip


def sites(root: Path, writer: Writer) -> tuple[list[Place], Path]:
    office = found_network(root, make_database(root / "office.db", *SCHEMA), key_scope={})
    writer.write(office)
    branch = join_network(office, "branch", emptied(office.db, root / "branch.db"))
    meet(root / "share", [office, branch])
    return [office, branch], root / "share"


@pytest.mark.parametrize("seed", range(3))
def test_the_newest_packet_is_taken_back_exactly_and_again(seed: int, tmp_path: Path) -> None:
    writer = Writer(seed)
    places, share = sites(tmp_path, writer)
    office, branch = places
    for turn in range(2):
        author, other = writer.random.sample(places, 2)
        before = contents(author)
        writer.write(author)
        after = contents(author)
        packets = author.export(share).sealed
        if not packets:
            continue
        meet(share, [other, author])
        undone = writer.random.choice(places).node if turn % 2 else other.node
        first = undone.revert(packets[-1])
        assert first["left"] == []
        meet(share, [office, branch])
        assert contents(office) == contents(branch) == before
        for packet in first["sealed"]:
            author.node.revert(packet)
        meet(share, [office, branch])
        assert contents(office) == contents(branch) == after
    assert office.node.conflicts() == branch.node.conflicts() == []


@pytest.mark.parametrize("seed", range(3))
def test_any_packet_is_taken_back_or_refused_whole(seed: int, tmp_path: Path) -> None:
    """Whatever happened since, with edits that nobody else had seen: both sites show the same, nothing dangles, and a
    dry run says what the run does."""
    writer = Writer(1000 + seed)
    places, share = sites(tmp_path, writer)
    for _ in range(3):
        for place in places:
            writer.write(place)
        meet(share, places)
    packets = [f"{name}/{seq}" for name, last in places[0].vector().items() for seq in range(1, last + 1)]
    for packet in writer.random.sample(packets[1:], min(3, len(packets) - 1)):
        place = writer.random.choice(places)
        writer.write(place)
        force = writer.random.random() < 0.3
        try:
            trial = place.node.revert(packet, force=force, dry_run=True)
        except ConstraintRefused:
            before = place.dump()
            with pytest.raises(ConstraintRefused):
                place.node.revert(packet, force=force)
            assert place.dump() == before
            continue
        done = place.node.revert(packet, force=force)
        assert (done["rows"], done["left"], done["counts"]) == (trial["rows"], trial["left"], trial["counts"])
        assert place.rows("SELECT * FROM pragma_foreign_key_check") == []
        meet(share, places)
        assert contents(places[0]) == contents(places[1])
