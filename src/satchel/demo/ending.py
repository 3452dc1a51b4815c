"""Last part: three databases compared row by row, questions to the packets, and where to look next."""

from __future__ import annotations

from satchel.api.places import verify
from satchel.audit import open_audit
from satchel.demo.company import SITES, TABLES, read
from satchel.demo.quarrel import DISPUTED
from satchel.demo.stage import Stage
from satchel.demo.telling import Telling, expect

_QUESTIONS = (
    ("Who sent what?", "SELECT origin, count(*) AS packets, sum(rows) AS rows FROM packets GROUP BY ALL ORDER BY ALL"),
    (
        "What was changed since the beginning?",
        "SELECT table_name, op, count(*) AS rows FROM changes JOIN packets USING (origin, seq) "
        "WHERE kind = 'changes' GROUP BY ALL ORDER BY ALL",
    ),
)


def compare(stage: Stage, tell: Telling) -> dict[str, int]:
    """Rows by table, once it is certain that they are the same everywhere: values and their types."""
    tell.chapter("Three databases, compared row by row")
    counts = {}
    for table in TABLES:
        columns = [
            str(name) for (name,) in read(stage.database("office"), f"SELECT name FROM pragma_table_info('{table}')")
        ]
        exact = ", ".join(f"{name}, typeof({name})" for name in columns)
        found = {
            site: read(stage.database(site), f"SELECT {exact} FROM {table} ORDER BY {', '.join(columns)}")
            for site in SITES
        }
        for site in SITES:
            expect(found[site] == found["office"], f"the table {table} is the same at office and {site}")
        counts[table] = len(found["office"])
    tell.rows(["table", *SITES], [(table, *[f"{count:,}"] * len(SITES)) for table, count in counts.items()])
    tell.result(f"{sum(counts.values()):,} rows, each the same in all three, in value and type")
    return counts


def audit(stage: Stage, tell: Telling) -> int:
    """Checks the archive and asks it; returns the number of packets."""
    tell.chapter("The archive can be checked and asked without any database")
    archive = stage.home("office") / "packets"
    tell.command(None, "verify", archive)
    report = verify(archive)
    expect(not report["problems"], "every packet of the archive is valid")
    tell.result(f"{report['packets']} packets, {report['files']} files, {report['bytes']:,} bytes: all valid")
    with open_audit(archive) as asked:
        for question, query in (*_QUESTIONS, _story_of_a_discount()):
            tell.text(question)
            tell.command(None, "query", "--on", archive, query)
            found = asked.sql(query)
            expect(bool(found.rows), "the archive answers")
            tell.rows(found.columns, found.rows)
    return int(report["packets"])


def _story_of_a_discount() -> tuple[str, str]:
    query = f"SELECT _origin, _seq, _at, discount FROM customers_changes WHERE id = '{DISPUTED}' ORDER BY _stamp"
    return f"How did customer {DISPUTED} come to 9 %?", query


def farewell(stage: Stage, tell: Telling, seconds: float) -> None:
    """Where to look next."""
    tell.chapter("What to look at next")
    tell.text(f"All of it took {seconds:.1f} seconds and is still there; the same command plays it afresh.")
    tell.say(f"   {stage.shown(stage.home('office') / 'packets')}: the archive, plain Parquet and JSON")
    tell.say(f"   {stage.shown(stage.below)}: the databases, the share, the stick, the homes of branch and clinic")
    tell.command("office", "log")
    tell.command("office", "history", "customers", DISPUTED)
    tell.command("office", "conflicts", "--all")
    tell.text("Change something in one of the databases yourself, then sync two sites, and look again.")
