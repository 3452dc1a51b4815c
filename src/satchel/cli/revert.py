"""`satchel revert`."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import click

from satchel.cli.cell import assignments, cell, quoted
from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table, enumerate_some, plural
from satchel.cli.session import Session
from satchel.cli.summary import DONE_IN_PART

SHOWN = 20  # rows on the page; --json names a thousand
WORDS = {"update": "changed back", "insert": "brought back", "delete": "deleted"}


@command(
    "revert",
    "satchel revert branch/12 --dry-run",
    "satchel revert branch/12",
    "satchel revert customers 42 --to office/3",
    writes=True,
)
@click.argument("what", metavar="PACKET | TABLE")
@click.argument("key", metavar="[KEY]...", nargs=-1)
@click.option(
    "--to", metavar="VERSION", help="Make the row what it was in this version: a packet of `satchel history`."
)
@click.option("--force", is_flag=True, help="Of a packet also what somebody has changed since.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def run(
    session: Session, what: str, key: tuple[str, ...], to: str | None, force: bool, yes: bool, dry_run: bool
) -> Answer:
    """Undo a packet, or make a row what it was.

    Makes an ordinary new change that restores earlier values: nothing is removed, `satchel history` shows both, and the
    undo can be undone. At a terminal it shows first what it will do, and asks.
    """
    with session.node() as node:
        if not (dry_run or yes or session.json) and _at_terminal(session):
            with session.busy("looking"):
                trial = node.revert(what, *key, to=to, force=force, dry_run=True)
            if not trial["rows"]:
                return _answer(trial)
            session.show(_answer(trial))
            if not click.confirm("Do it?", err=True):
                raise click.Abort
        with session.busy("reverting"):
            return _answer(node.revert(what, *key, to=to, force=force, dry_run=dry_run))


def _at_terminal(session: Session) -> bool:
    return sys.stdin.isatty() and session.streams.err.isatty()


def _answer(report: Data) -> Answer:
    return Answer(report, page, DONE_IN_PART if report["left"] else 0)


def page(data: Data) -> Iterable[Block]:
    """A sentence, a line for each row, and what is left as it is."""
    yield _sentence(data)
    if data["rows"]:
        rows = [(row["table"], _key(row), row["does"], _values(row)) for row in data["rows"][:SHOWN]]
        yield Table(["table", "key", "what", "values"], rows)
        if (more := _done(data) - SHOWN) > 0:
            yield f"and {plural(more, 'more row')}; --json names a thousand"
    if data["left"]:
        left = [(row["table"], _key(row), ", ".join(row["columns"]) or "the row", _why(row)) for row in data["left"]]
        yield Table(["table", "key", "columns", "why"], left[:SHOWN], "Left as it is")
        if (more := len(left) - SHOWN) > 0:
            yield f"and {plural(more, 'more row')}"
        yield "With --force these are undone, too."
    if data["sealed"]:
        yield "The next export or sync takes it to the others."


def _sentence(data: Data) -> str:
    packets = data["reverts"]
    of = f" {enumerate_some(packets)}" if packets else ""
    together = f" ({len(packets)} packets of one seal)" if len(packets) > 1 else ""
    counts = data["counts"]
    parts = [f"{plural(counts[does], 'row')} {words}" for does, words in WORDS.items() if counts[does]]
    if not parts:
        return "Nothing was undone." if data["left"] else "Nothing to undo: the rows are so already."
    done = ", ".join(parts)
    if data["dry_run"]:
        return f"This would undo{of}{together}: {done}." if packets else f"This would be done: {done}."
    said = f"Undid{of}{together}" if packets else "Done"
    return f"{said}: {done}; sealed as {enumerate_some(data['sealed'])}."


def _done(data: Data) -> int:
    return sum(data["counts"][does] for does in WORDS)


def _key(row: Data) -> str:
    return ", ".join(map(cell, row["key"]))


def _values(row: Data) -> str:
    """What the columns hold, and what they will; of a row that comes or goes the row."""
    if row["does"] == "update":
        pairs = ((name, row["before"].get(name), row["after"].get(name)) for name in row["columns"])
        return ", ".join(f"{cell(n)}: {quoted(old)} -> {quoted(new)}" for n, old, new in pairs)
    return assignments(row["before"] or row["after"] or {})


def _why(row: Data) -> str:
    return f"{row['why']} by {row['packet']}" if row["packet"] else str(row["why"])
