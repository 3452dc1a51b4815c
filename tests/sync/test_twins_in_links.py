"""Two sites enter the same tag and link it: one tag is shown, and every link hangs under it, also when it is edited,
deleted, or when the tags turn out to be two (PROTOCOL, Constraints: twins)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.schemas import network, rest
from tests.sync.sites import Place

SCHEMA = (
    "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
    "CREATE TABLE link (product_id INTEGER REFERENCES product(id), tag_id INTEGER REFERENCES tag(id), note TEXT,"
    " PRIMARY KEY (product_id, tag_id))",
)
PRODUCTS = ("INSERT INTO product VALUES (1, 'one'), (2, 'two'), (3, 'three')",)
LINKS = (
    "SELECT p.name, t.name, note FROM link JOIN product p ON p.id = product_id JOIN tag t ON t.id = tag_id"
    " ORDER BY 1, 2"
)


@pytest.fixture
def places(tmp_path: Path) -> list[Place]:
    places = network(tmp_path, SCHEMA, "a", "b", rows=PRODUCTS)
    a, b = places
    a.sql("INSERT INTO tag VALUES (10, 'urgent')", "INSERT INTO link VALUES (1, 10, 'a1'), (3, 10, 'a3')")
    b.sql("INSERT INTO tag VALUES (20, 'urgent')", "INSERT INTO link VALUES (2, 20, 'b2'), (3, 20, 'b3')")
    rest(places)
    return places


def must_be_linked(places: list[Place], *links: tuple[str, str, str]) -> None:
    for place in places:
        assert place.rows(LINKS) == list(links), place.name
        assert place.rows("PRAGMA foreign_key_check") == []


def test_links_of_both_sites_hang_under_the_one_tag(places: list[Place]) -> None:
    must_be_linked(places, ("one", "urgent", "a1"), ("three", "urgent", "a3"), ("two", "urgent", "b2"))
    for place in places:
        (parked,) = place.node.conflicts()
        assert (parked["table"], parked["kind"]) == ("link", "unique")  # both sites linked the third product


def test_the_link_under_the_other_tag_can_be_edited_where_it_is_shown(places: list[Place]) -> None:
    a, _ = places
    a.sql("UPDATE link SET note = 'edited' WHERE product_id = 2")
    rest(places)
    must_be_linked(places, ("one", "urgent", "a1"), ("three", "urgent", "a3"), ("two", "urgent", "edited"))


def test_a_deleted_link_is_gone_everywhere(places: list[Place]) -> None:
    _, b = places
    b.sql("DELETE FROM link WHERE product_id = 2")
    rest(places)
    must_be_linked(places, ("one", "urgent", "a1"), ("three", "urgent", "a3"))


def test_when_the_tags_differ_each_has_its_own_links_again(places: list[Place]) -> None:
    a, _ = places
    a.sql("UPDATE tag SET name = 'important'")
    rest(places)
    must_be_linked(
        places,
        ("one", "important", "a1"),
        ("three", "important", "a3"),
        ("three", "urgent", "b3"),
        ("two", "urgent", "b2"),
    )
    assert [place.node.conflicts() for place in places] == [[], []]
