"""The worked histories of docs/conflicts.md are played with the product, line by line."""

from __future__ import annotations

import re
import shlex
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

import satchel
from tests.docs.pages import TOP

SITES = ("office", "branch")
PAGE = (TOP / "docs" / "conflicts.md").read_text(encoding="utf-8")
TITLE = re.compile(r"^### (.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: what each site does, then what each shows, then the conflicts that are open."""

    time: str
    does: dict[str, str]
    shows: dict[str, str]
    open: str


def histories() -> dict[str, list[Line]]:
    """The tables below the headings."""
    parts = TITLE.split(PAGE)[1:]
    found = {}
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
        found[title] = [
            Line(r[0], dict(zip(SITES, r[1:3], strict=True)), dict(zip(SITES, r[3:5], strict=True)), r[5])
            for r in rows[2:]
        ]
    return found


class World:
    """Two sites with one customer, and the share between them."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for site in SITES:
            self._sql(site, "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT, phone TEXT, city TEXT)")
        self._sql("office", "INSERT INTO customers VALUES ('c1', 'Ann', '111', 'Rome')")
        self.share = place / "share"
        self.share.mkdir()
        satchel.init(place / "office", db=place / "office.db", node="office", network="acme")
        satchel.open(place / "office").invite("branch", out=place / "branch.invite")
        satchel.join(place / "branch.invite", place / "branch", db=place / "branch.db")
        self.nodes = {site: satchel.open(place / site) for site in SITES}
        for site in ("office", "branch", "office"):
            self.nodes[site].sync(self.share)

    def _sql(self, site: str, text: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.place / f"{site}.db")) as db, db:
            return db.execute(text).fetchall()

    def do(self, site: str, words: str) -> None:
        time.sleep(0.003)  # edits of one millisecond would be ordered by name
        node = self.nodes[site]
        if words == "sync":
            node.sync(self.share)
        elif words == "delete":
            self._sql(site, "DELETE FROM customers")
        elif words.startswith("resolve "):
            _, way, *value = shlex.split(words)
            (conflict,) = node.conflicts()
            node.resolve(conflict["id"], **{way.removeprefix("--"): value[0] if value else True})
        else:
            column, value_text = words.split(" = ")
            self._sql(site, f"UPDATE customers SET {column} = '{value_text}'")

    def shows(self, site: str) -> str:
        rows = self._sql(site, "SELECT name, phone, city FROM customers")
        return ", ".join(rows[0]) if rows else "(none)"

    def open(self) -> str:
        found = {site: [", ".join(c["columns"]) for c in node.conflicts()] for site, node in self.nodes.items()}
        return "; ".join(f"{site}: {columns[0]}" for site, columns in found.items() if columns)


def test_there_are_three_histories_and_each_ends_with_equal_rows() -> None:
    found = histories()
    assert list(found) == ["Different columns", "The same column", "A delete against an update"]
    for lines in found.values():
        last = lines[-1]
        assert last.shows["office"] == last.shows["branch"] and last.open == ""


@pytest.mark.parametrize("title", histories())
def test_a_history_goes_as_the_page_tells(title: str, tmp_path: Path) -> None:
    world = World(tmp_path)
    for line in histories()[title]:
        for site in SITES:
            if line.does[site]:
                world.do(site, line.does[site])
        assert {site: world.shows(site) for site in SITES} == line.shows, line.time
        assert world.open() == line.open, line.time
