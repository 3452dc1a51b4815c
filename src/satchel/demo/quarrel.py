"""Second part: everybody works alone. Of two clashes one settles itself by column, a person settles the other."""

from __future__ import annotations

from typing import Any

from satchel.api.places import open
from satchel.demo.company import Row, code, customer, read, write
from satchel.demo.stage import Stage
from satchel.demo.telling import Telling, expect

MOVED, DISPUTED = customer(7), customer(123)


def play(stage: Stage, tell: Telling) -> None:
    """Offline edits, then office and branch meet at the share."""
    _work(stage, tell)
    _meet(stage, tell)
    _settle(stage, tell)


def _work(stage: Stage, tell: Telling) -> None:
    tell.chapter("Everybody works, and nobody is connected")
    office = write(
        stage.database("office"),
        "UPDATE components SET price = round(price * 1.03, 2) WHERE code <= 'K040'",
        ("UPDATE customers SET city = 'Friedrichshafen' WHERE id = ?", (MOVED,)),
        ("UPDATE customers SET discount = 10 WHERE id = ?", (DISPUTED,)),
    )
    tell.text(
        f"Office: prices of 40 components go up, customer {MOVED} moves to Friedrichshafen, customer {DISPUTED} gets "
        f"10 % ({office} rows)."
    )
    quotes = [f"Q-B{number:03d}" for number in range(1, 26)]
    branch = write(
        stage.database("branch"),
        *(("INSERT INTO quotes VALUES (?, ?, 'open', '2026-04-01', NULL)", (q, customer(5 + n)))
          for n, q in enumerate(quotes)),
        *(("INSERT INTO quote_lines VALUES (?, ?, ?, 1, 49.5)", (q, line, code(line * 7)))
          for q in quotes for line in (1, 2, 3)),
        ("UPDATE customers SET phone = '0555-7788' WHERE id = ?", (MOVED,)),
        ("UPDATE customers SET discount = 7.5 WHERE id = ?", (DISPUTED,)),
    )  # fmt: skip
    tell.text(
        f"Branch: 25 new quotes with three lines each; {MOVED} has a new phone number; {DISPUTED} gets 7.5 % "
        f"({branch} rows)."
    )
    clinic = write(
        stage.database("clinic"),
        "UPDATE stock SET on_hand = on_hand + 5 WHERE site = 'clinic' AND component_code <= 'K030'",
        "DELETE FROM stock WHERE site = 'clinic' AND component_code > 'K110'",
        "INSERT INTO orders VALUES ('O-C001', 'Q-0002', 'new', '2026-04-01', '2026-04-20')",
    )
    tell.text(f"Clinic: a delivery is booked in, ten components are given up, one order ({clinic} rows).")


def _meet(stage: Stage, tell: Telling) -> None:
    tell.chapter("Office and branch meet at the share")
    with open(stage.home("branch")) as branch, open(stage.home("office")) as office:
        tell.command("branch", "sync", stage.share)
        tell.report(branch.sync(stage.share))
        tell.command("office", "sync", stage.share)
        report = office.sync(stage.share)
        tell.report(report)
    row = read(stage.database("office"), f"SELECT city, phone FROM customers WHERE id = '{MOVED}'")
    expect(row == [("Friedrichshafen", "0555-7788")], f"the two edits of {MOVED} were merged")
    expect(report.rows.conflicts == 1, "one conflict was opened")
    tell.text(
        f"{MOVED} was changed at both sites, in different columns: it has the city from the office and the phone "
        f"from the branch, and nobody has to do anything. {DISPUTED}'s discount was changed at both sites "
        "too: the later edit is shown, the other is kept, and somebody is asked."
    )


def _settle(stage: Stage, tell: Telling) -> None:
    tell.chapter("A person settles what is left")
    with open(stage.home("office")) as office, open(stage.home("branch")) as branch:
        tell.command("office", "conflicts")
        conflict = office.conflicts()[0]
        tell.result(f"{conflict['id']}  {conflict['table']} '{conflict['key'][0]}': {', '.join(conflict['columns'])}")
        for version in conflict["versions"]:
            tell.result(f"  {version['origin']}  {_moment(version)}  discount = {version['row']['discount']:g}")
        tell.text("They talk on the phone and agree on 9 %.")
        tell.command("office", "resolve", conflict["id"], "--set", "discount=9")
        settled = office.resolve(conflict["id"], set={"discount": "9"})
        tell.result(f"settled, as an ordinary edit: sealed {', '.join(settled['sealed'])}")
        tell.command("office", "sync", stage.share)
        tell.report(office.sync(stage.share))
        tell.command("branch", "sync", stage.share)
        tell.report(branch.sync(stage.share))
        for site, node in (("office", office), ("branch", branch)):
            expect(not node.conflicts(), f"no conflict is open at {site}")
    expect(_discount(stage, "branch") == [(9.0,)], "the branch has what was agreed on")
    tell.text("Closed at both sites: the resolution had seen both versions.")


def _moment(version: dict[str, Any]) -> str:
    return str(version["at"]).replace("T", " ").partition(".")[0] + " UTC"


def _discount(stage: Stage, site: str) -> list[Row]:
    return read(stage.database(site), f"SELECT discount FROM customers WHERE id = '{DISPUTED}'")
