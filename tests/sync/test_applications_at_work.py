"""Applications that write all the time to databases with own numbers, while satchel seals and applies (PROTOCOL,
Capture: applications that write while satchel applies)."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from satchel.packet import writer
from satchel.sync import sealing
from tests.property.member import scratch
from tests.sync.clerk import ROWS, SCHEMA, Clerk, Ledger
from tests.sync.schemas import network, rest
from tests.sync.sites import Place

ROOT = Path(__file__).parents[2]
CONTENT = {
    "invoices": "SELECT i.label, code, total, c.label FROM invoices i LEFT JOIN customers c ON c.id = customer",
    "lines": "SELECT l.label, i.label FROM lines l LEFT JOIN invoices i ON i.id = invoice",
    "tags": "SELECT i.label, word, t.label FROM tags t LEFT JOIN invoices i ON i.id = invoice",
}


@pytest.fixture
def root() -> Iterator[Path]:
    with scratch() as folder:
        yield Path(folder)


def sites(root: Path, journal: str) -> list[Place]:
    places = network(root, SCHEMA, "a", "b", rows=ROWS)
    for place in places:
        with closing(sqlite3.connect(place.db)) as db:
            assert db.execute(f"PRAGMA journal_mode = {journal}").fetchone() == (journal,)
    return places


def content(place: Place) -> dict[str, list[tuple[Any, ...]]]:
    assert place.rows("PRAGMA foreign_key_check") == []
    return {table: sorted(place.rows(query), key=repr) for table, query in CONTENT.items()}


def listed(place: Place) -> set[str]:
    """Labels of the rows that are kept out of the tables."""
    entries = [entry for entry in place.node.conflicts() if entry["state"] == "parked" and entry["closed"] is None]
    return {str(version["row"]["label"]) for entry in entries for version in entry["versions"]}


def must_hold(places: list[Place], ledgers: list[Ledger]) -> None:
    """Nothing is lost, nothing is doubled, every line stands under its invoice, everybody shows the same."""
    found, parked = content(places[0]), listed(places[0])
    assert content(places[1]) == found
    assert listed(places[1]) == parked
    totals = {label: total for label, _, total, _ in found["invoices"]}
    lines: dict[str, str] = dict(found["lines"])  # type: ignore[arg-type]
    assert (len(totals), len(lines)) == (len(found["invoices"]), len(found["lines"]))
    for ledger in ledgers:
        assert ledger.surprises == []
        for label, total in ledger.invoices.items():
            assert totals.get(label, total) == total, label
            assert (label in totals) != (label in parked), label
        assert totals.keys().isdisjoint(ledger.gone)
        assert lines.keys().isdisjoint(ledger.lines_gone)
    written = {label: invoice for ledger in ledgers for label, invoice in ledger.lines.items()}
    assert {label: written.get(label) for label in lines} == lines
    for label, invoice in written.items():
        assert label in lines or invoice not in totals, (label, invoice)
        assert label in lines or label in parked or any(invoice in ledger.gone for ledger in ledgers), (label, invoice)
    assert all(tagged == invoice for invoice, _, tagged in found["tags"])
    must_be_born_once(places[0].root / "share")


def must_be_born_once(share: Path) -> None:
    labels, gids = defaultdict(set), defaultdict(set)
    for part in share.rglob("*.parquet"):
        for row in pq.read_table(part).to_pylist():
            change = row["_change"]
            if change["gid"] and change["op"] != "delete":
                labels[(part.stem, change["gid"])].add(row["label"])
                gids[(part.stem, row["label"])].add(change["gid"])
    assert {key: found for key, found in (*labels.items(), *gids.items()) if len(found) > 1} == {}


# -- other processes


def hire(place: Place, seed: int, stop: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.sync.clerk", str(place.db), place.name, str(seed), str(stop)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def dismiss(clerk: subprocess.Popen[str]) -> Ledger:
    said, trouble = clerk.communicate(timeout=120)
    assert clerk.returncode == 0, trouble[-2000:]
    return Ledger(**json.loads(said))


def work_together(root: Path, journal: str, rounds: int, seed: int) -> list[Ledger]:
    places = sites(root, journal)
    stop = root / "stop"
    clerks = [hire(place, seed + number, stop) for number, place in enumerate(places)]
    try:
        for _ in range(rounds):
            for place in places:
                place.node.sync(root / "share")
    finally:
        stop.touch()
        ledgers = [dismiss(clerk) for clerk in clerks]
    rest(places)
    must_hold(places, ledgers)
    return ledgers


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_nothing_is_lost_while_two_applications_write(root: Path, journal: str) -> None:
    ledgers = work_together(root, journal, 6, 1)
    assert all(ledger.writes >= 10 and ledger.invoices for ledger in ledgers)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10, 30, 10))
@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_nothing_is_lost_while_two_applications_write_for_long(root: Path, journal: str, seed: int) -> None:
    ledgers = work_together(root, journal, 40, seed)
    print([(ledger.writes, round(ledger.longest, 2)) for ledger in ledgers])


# -- at the very moment


@contextmanager
def meanwhile(late: Callable[[], None], at: str) -> Iterator[None]:
    """`late` runs in the seal: after the changes were frozen and their parts written, or after they were recorded and
    before the log lets go of them."""
    write, publish = writer.write_packets, sealing.publish

    def write_and_work(*arguments: Any, **options: Any) -> Any:
        patch.setattr(writer, "write_packets", write)  # if it is sealed once more, then under the lock
        written = write(*arguments, **options)
        late()
        return written

    def work_and_publish(*arguments: Any) -> None:
        late()
        publish(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        if at == "frozen":
            patch.setattr(writer, "write_packets", write_and_work)
        else:
            patch.setattr(sealing, "publish", work_and_publish)
        yield


INVOICE = "INSERT INTO invoices (id, label, total) VALUES "
LATE = {
    "deleted": ("DELETE FROM invoices WHERE id = 1",),
    "taken again": ("DELETE FROM invoices WHERE id = 1", f"{INVOICE} (1, 'new', 2)"),
    "renumbered": ("UPDATE invoices SET id = 9 WHERE id = 1",),
    "changed places": ("UPDATE invoices SET id = 9 WHERE id = 1", f"{INVOICE} (1, 'new', 2)"),
}


@pytest.mark.parametrize("what", LATE)
@pytest.mark.parametrize("at", ["frozen", "recorded"])
def test_an_invoice_and_its_lines_are_what_the_application_made_of_them_while_they_were_sealed(
    root: Path, at: str, what: str
) -> None:
    a, b = places = sites(root, "wal")
    a.sql(
        f"{INVOICE} (1, 'old', 1)", "INSERT INTO lines VALUES (1, 'line', 1)", "INSERT INTO tags VALUES (1, 'x', 'y')"
    )
    with meanwhile(lambda: a.sql(*LATE[what]), at):
        a.node.export(root / "share")
    wanted = content(a)
    if "DELETE" in LATE[what][0]:
        assert wanted["lines"] == wanted["tags"] == []
    else:
        assert (wanted["lines"], wanted["tags"]) == ([("line", "old")], [("old", "x", "y")])
    rest(places)
    assert content(a) == content(b) == wanted


SWAPPED = (
    "UPDATE invoices SET id = -1 WHERE id = 1",
    "UPDATE invoices SET id = 1 WHERE id = 2",
    "UPDATE invoices SET id = 2 WHERE id = -1",
)


@pytest.mark.parametrize("round_", range(4))
def test_a_line_that_is_moved_in_the_millisecond_in_which_invoices_swap_numbers_is_moved(
    root: Path, round_: int
) -> None:
    a, b = places = sites(root, "wal")
    a.sql(f"{INVOICE} (1, 'one', 1), (2, 'two', 2), (3, 'three', 3)", "INSERT INTO lines VALUES (1, 'l', 1)")
    a.sql("INSERT INTO tags VALUES (3, 'x', 'three')")
    rest(places)
    tag = "INSERT INTO tags VALUES (1, 'y', 'two')"
    a.sql(*SWAPPED, tag, "UPDATE lines SET invoice = 1", "UPDATE lines SET invoice = 3", *SWAPPED)
    wanted = content(a)
    assert wanted["lines"] == [("l", "three")]
    assert wanted["tags"] == [("three", "x", "three"), ("two", "y", "two")]
    rest(places)
    assert content(a) == content(b) == wanted


def test_what_the_application_writes_while_a_parked_row_is_settled_stays(root: Path) -> None:
    a, b = places = sites(root, "wal")
    for place in places:
        place.sql(
            f"INSERT INTO invoices VALUES (1, '{place.name}', 'same', 1, 1)", "INSERT INTO lines VALUES (1, 'l', 1)"
        )
    rest(places)
    (parked,) = (entry["id"] for entry in a.node.conflicts() if entry["kind"] == "unique")
    seal = sealing.seal_pending

    def seal_and_work(*arguments: Any) -> Any:
        patch.setattr(sealing, "seal_pending", seal)
        sealed = seal(*arguments)
        a.sql("UPDATE invoices SET id = 9 WHERE id = 1", f"{INVOICE} (1, 'new', 2)")
        return sealed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "seal_pending", seal_and_work)
        a.node.resolve(parked, take="b")
    rest(places)
    assert content(a) == content(b)
    assert content(a)["invoices"] == [("b", "same", 1, "c1"), ("new", None, 2, None)]
    assert content(a)["lines"] == [("l", "b"), ("l", "b")]


def work_late(root: Path, at: str, seed: int, rounds: int) -> None:
    places = sites(root, "wal")
    clerks = [Clerk(place.db, place.name, 2 * seed + number) for number, place in enumerate(places)]
    for _ in range(rounds):
        for place, clerk in zip(places, clerks, strict=True):
            for _ in range(clerk.random.randrange(1, 8)):
                clerk.work()

            def late(clerk: Clerk = clerk) -> None:
                for _ in range(clerk.random.randrange(1, 6)):
                    clerk.work()

            with meanwhile(late, at):
                place.node.export(root / "share")  # a sync may write its parts while it holds the lock
            place.node.sync(root / "share")
    for clerk in clerks:
        clerk.close()
    rest(places)
    must_hold(places, [clerk.ledger for clerk in clerks])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("at", ["frozen", "recorded"])
def test_what_is_written_while_a_seal_is_under_way_is_neither_lost_nor_misread(root: Path, at: str, seed: int) -> None:
    work_late(root, at, seed, 4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 106))
@pytest.mark.parametrize("at", ["frozen", "recorded"])
def test_what_is_written_while_many_seals_are_under_way_is_neither_lost_nor_misread(
    root: Path, at: str, seed: int
) -> None:
    work_late(root, at, seed, 12)
