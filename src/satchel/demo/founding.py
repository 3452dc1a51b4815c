"""First part: the head office founds the network, the branch joins over a share, the clinic by a stick."""

from __future__ import annotations

from satchel.api.places import init, join, open
from satchel.demo.company import TABLES, fill, make_application
from satchel.demo.stage import NETWORK, Stage
from satchel.demo.telling import Telling, expect


def play(stage: Stage, tell: Telling) -> None:
    """Founds and joins."""
    rows = _office(stage, tell)
    _branch(stage, tell, rows)
    _clinic(stage, tell, rows)


def _office(stage: Stage, tell: Telling) -> int:
    tell.chapter("The head office founds a network")
    database = stage.database("office")
    make_application(database)
    rows = fill(database)
    tell.text(
        f"A maker of prostheses. Its application has a database with {len(TABLES)} tables ({', '.join(TABLES)}) and "
        f"{rows:,} rows. It will go on writing there and will never know that satchel exists."
    )
    home = stage.home("office")
    tell.command(None, "init", home, "--db", database, "--node", "office", "--network", NETWORK)
    report = init(home, db=database, node="office", network=NETWORK)
    expect(report.rows == rows, "all rows were sealed")
    tell.result(f"{report.rows:,} rows are sealed and signed as {', '.join(report.sealed)}")
    with open(home) as office:
        for site in ("branch", "clinic"):
            tell.command("office", "invite", site, "--out", stage.invitation(site))
            office.invite(site, out=stage.invitation(site))
    tell.result("two small files, each to be carried to its site by hand: they let one node in, once")
    return rows


def _branch(stage: Stage, tell: Telling, rows: int) -> None:
    tell.chapter("The branch joins over a share")
    tell.text(
        "Office and branch see the same folder on a NAS. The branch has the application, and its tables are empty."
    )
    with open(stage.home("office")) as office:
        tell.command("office", "sync", stage.share)
        tell.report(office.sync(stage.share))
    _join(stage, tell, "branch")
    with open(stage.home("branch")) as branch:
        tell.command("branch", "sync", stage.share)
        report = branch.sync(stage.share)
        tell.report(report)
    expect(report.rows.inserted == rows, "the branch received all rows")


def _clinic(stage: Stage, tell: Telling, rows: int) -> None:
    tell.chapter("The clinic joins by a stick")
    tell.text("The clinic has no network at all. A courier carries a stick (here: a folder) there and back.")
    with open(stage.home("office")) as office:
        tell.command("office", "export", stage.stick)
        tell.report(office.export(stage.stick))
    _join(stage, tell, "clinic")
    with open(stage.home("clinic")) as clinic:
        tell.command("clinic", "sync", stage.stick)
        report = clinic.sync(stage.stick)
        tell.report(report)
    expect(report.rows.inserted == rows, "the clinic received all rows")
    with open(stage.home("office")) as office:
        tell.command("office", "sync", stage.stick)
        tell.report(office.sync(stage.stick))
    tell.text("No row travels back, only the clinic's card and its acknowledgement: now the office knows what it has.")


def _join(stage: Stage, tell: Telling, site: str) -> None:
    make_application(stage.database(site))
    tell.command(None, "join", stage.invitation(site), stage.home(site), "--db", stage.database(site))
    join(stage.invitation(site), stage.home(site), db=stage.database(site))
    tell.result(f"joined as {site} of {NETWORK}")
