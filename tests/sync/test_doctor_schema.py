"""`doctor` explains keys and triggers, and warns of what will go wrong later."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel.errors import SatchelError
from tests.sync.sites import Place, emptied, found_network, join_network, make_database, meet, opened

SHOP = (
    "CREATE TABLE invoices (number INTEGER PRIMARY KEY, customer TEXT)",
    "CREATE TABLE details (invoice INTEGER PRIMARY KEY REFERENCES invoices, remark TEXT)",
    "CREATE TABLE articles (code TEXT PRIMARY KEY, price REAL)",
    "CREATE TABLE rates (year INTEGER PRIMARY KEY, rate REAL)",
    "CREATE TABLE reminders (id TEXT PRIMARY KEY, invoice_number INTEGER, pieces INTEGER, InvoiceID INT, id_invoice)",
    "CREATE TABLE search (what TEXT)",
    "CREATE TABLE journal (id INTEGER PRIMARY KEY, what TEXT)",
    "INSERT INTO invoices VALUES (412, 'Ann'), (413, 'Ben')",
    "INSERT INTO reminders VALUES ('r1', 412, 412, 1, NULL), ('r2', 413, 413, 2, NULL)",
)
TRIGGERS = (
    "CREATE TRIGGER index_it AFTER INSERT ON articles BEGIN INSERT INTO search VALUES (NEW.code); END",
    "CREATE TRIGGER journal_it AFTER INSERT ON articles BEGIN INSERT INTO journal (what) VALUES (NEW.code); END",
    "CREATE TRIGGER both AFTER UPDATE ON articles BEGIN INSERT INTO search VALUES ('u');"
    " INSERT INTO journal (what) VALUES ('u'); END",
    "CREATE TRIGGER guard BEFORE UPDATE ON articles WHEN NEW.price < 0 BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE TRIGGER own AFTER DELETE ON articles BEGIN INSERT INTO search VALUES (my_sound(OLD.code)); END",
)


def shop(tmp_path: Path, *more: str) -> Place:
    db = make_database(tmp_path / "a.db", *SHOP, *more)
    return found_network(tmp_path, db, tables=("[!s]*",), key_scope={"rates": "global"})


def findings(place: Place, level: str) -> dict[str, str]:
    """What was found of a level, with the hints."""
    return {found["what"]: found["hint"] for found in place.node.doctor()["findings"] if found["level"] == level}


def test_it_explains_the_key_of_every_table_in_a_line(tmp_path: Path) -> None:
    said = " ".join(findings(shop(tmp_path), "ok"))
    assert "invoices: local, because number is an INTEGER PRIMARY KEY: each site hands out its own numbers" in said
    assert "details: global, and follows its parents' numbers: invoice is the number of invoices" in said
    assert "articles: global, because code is no number that the database hands out" in said
    assert "rates: global, because --key-scope says so" in said


def test_it_warns_of_numbers_outside_of_declared_references(tmp_path: Path) -> None:
    place = shop(tmp_path)
    (what, hint), *more = findings(place, "warning").items()
    assert not more  # pieces are called otherwise; the values of InvoiceID are no invoices; id_invoice is empty
    assert what.startswith("reminders.invoice_number seems to hold numbers of invoices (2 of 2 values are such)")
    assert hint == "if they are: satchel tables reference reminders.invoice_number=invoices"
    place.node.add_references("reminders.invoice_number=invoices")
    assert not findings(place, "warning")


def test_it_says_which_triggers_run_for_rows_that_arrive(tmp_path: Path) -> None:
    place = shop(tmp_path, *TRIGGERS)
    told = {
        what.partition(" for rows")[0]: what.partition(": ")[2]
        for what in findings(place, "ok")
        if what.startswith("the trigger")
    }
    assert told == {
        "the trigger index_it of articles runs": "search must follow here",
        "the trigger journal_it of articles does not run": "what it writes to journal arrives as rows",
        "the trigger guard of articles does not run": (
            "it writes nothing: what it checks was checked where the row is from"
        ),
        "the trigger own of articles does not run": "only its application knows the function my_sound",
    }
    (mixed,) = [what for what in findings(place, "note") if what.startswith("the trigger")]
    said, why = mixed.split(": ")
    assert said == "the trigger both of articles does not run for rows that arrive"
    assert why == "it writes to replicated tables (journal) and to others (search)"


def settings(place: Place, text: str) -> None:
    path = place.home / "satchel.toml"
    path.write_text(path.read_text() + text)


def test_a_person_may_say_otherwise(tmp_path: Path) -> None:
    acts = "INSERT INTO search VALUES ('u'); UPDATE rates SET rate = 2;"
    mixed = f"CREATE TRIGGER both AFTER UPDATE ON articles BEGIN {acts} END"
    office = shop(tmp_path, TRIGGERS[0], TRIGGERS[3], mixed)
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "b.db"))
    share = tmp_path / "share"
    meet(share, [office, branch])
    settings(branch, '\n[triggers]\nrun = ["BOTH", "guard", "gone"]\nskip = ["index_it"]\n')
    office.sql("INSERT INTO articles VALUES ('a1', 5)")
    meet(share, [office, branch])
    assert branch.rows("SELECT what FROM search") == []
    office.sql("UPDATE articles SET price = 6")
    meet(share, [office, branch])
    assert branch.rows("SELECT what FROM search") == [("u",)]
    assert "the trigger index_it of articles does not run for rows that arrive: satchel.toml says so" in findings(
        branch, "ok"
    )
    warned = findings(branch, "warning")
    assert "the trigger both of articles runs for rows that arrive: satchel.toml says so" in warned
    assert "satchel.toml names the trigger gone, which is not here" in warned
    assert len(warned) == 2 + 1  # and the reference that nobody has named


@pytest.mark.parametrize("text", ["triggers = 5", '[triggers]\nrun = "x"', "[triggers]\nskip = [1]"])
def test_trigger_settings_that_are_none_are_said_to_be(tmp_path: Path, text: str) -> None:
    place = shop(tmp_path)
    path = place.home / "satchel.toml"
    path.write_text(f"{text}\n{path.read_text()}")
    with pytest.raises(SatchelError, match="triggers"):
        place.node.sync(tmp_path / "share")


@pytest.mark.parametrize("mode", ["delete", "wal"])
@pytest.mark.parametrize("column", ["w TEXT CHECK (my_sound(w) > 0)", "w TEXT COLLATE my_order UNIQUE"])
def test_an_unknown_collation_or_function_is_named_with_what_still_works(
    tmp_path: Path, column: str, mode: str
) -> None:
    """Founding copies a database in rollback-journal mode, and that has to work without the application's words."""
    db = make_database(tmp_path / "a.db", *SHOP)
    with opened(db) as application:
        application.execute(f"PRAGMA journal_mode = {mode}")
        application.create_function("my_sound", 1, len, deterministic=True)
        application.create_collation("my_order", lambda one, two: (one > two) - (one < two))
        application.execute(f"CREATE TABLE words (id TEXT PRIMARY KEY, {column})")
        application.execute("INSERT INTO words VALUES ('1', 'one'), ('2', 'two')")
    place = found_network(tmp_path, db, key_scope={})
    (hint,) = [hint for what, hint in findings(place, "note").items() if what.startswith("words is left out")]
    assert (
        hint == "its rows stay here and are not sent; all other tables are replicated, the application works as before"
    )
    place.sql("UPDATE invoices SET customer = 'Cid'")
    assert place.export(tmp_path / "stick").sealed == ["office/2"]


def test_what_is_not_here_is_named(tmp_path: Path) -> None:
    office = shop(tmp_path)
    branch = join_network(office, "branch", emptied(office.db, tmp_path / "b.db"))
    share = tmp_path / "share"
    meet(share, [office, branch])
    office.sql("ALTER TABLE articles ADD COLUMN unit TEXT", "UPDATE rates SET rate = 1")
    office.sql("INSERT INTO articles VALUES ('a1', 5, 'kg')")
    branch.sql("DROP TABLE rates")
    meet(share, [office, branch])
    told = set(findings(branch, "note"))
    assert "articles has no unit here: what other sites write there is kept" in told
    assert "the table rates is not here: what other sites write there is kept" in told
