"""`satchel resolve`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, enumerate_some, plural
from satchel.cli.pair import split_pairs
from satchel.cli.session import Session
from satchel.cli.summary import DONE_IN_PART
from satchel.errors import UsageError

WAYS = "--take NODE, --set COLUMN=VALUE (or --set-json), --delete, --seen"


@command(
    "resolve",
    "satchel resolve 7f3a21bc --take branch",
    "satchel resolve 7f3a21bc --set phone=555-0199 --set-json discount=null",
    "satchel resolve 7f3a21bc --seen",
    "satchel resolve --all --take office --dry-run",
    writes=True,
)
@click.argument("conflict_id", metavar="[ID]", required=False)
@click.option("--take", metavar="NODE", help="Take the version of that node.")
@click.option("--set", "words", multiple=True, metavar="COLUMN=VALUE", help="Give a column this value; repeatable.")
@click.option(
    "--set-json", "exact", multiple=True, metavar="COLUMN=JSON",
    help='The same with an exact type: null, 7, "7", {"base64": "AA=="}; repeatable.',
)  # fmt: skip
@click.option("--delete", is_flag=True, help="Delete the row.")
@click.option("--seen", is_flag=True, help="Leave the row as it is shown; somebody has looked.")
@click.option("--all", "everything", is_flag=True, help="Every open conflict; with --take.")
def run(
    session: Session, conflict_id: str | None, take: str | None, words: tuple[str, ...], exact: tuple[str, ...],
    delete: bool, seen: bool, everything: bool, dry_run: bool,
) -> Answer:  # fmt: skip
    """Settle a conflict, as an ordinary edit.

    ID stands in `satchel conflicts`. The edit closes the conflict on every node that it reaches.
    """
    _check(conflict_id, [take is not None, bool(words or exact), delete, seen], everything, take)
    texts = split_pairs(words, "--set", "COLUMN=VALUE")
    values = _parsed(split_pairs(exact, "--set-json", "COLUMN=JSON"))
    if both := sorted(texts.keys() & values.keys()):
        raise UsageError(f"--set and --set-json both name {both[0]}", "name each column once")
    with session.node() as node:
        report = node.resolve(
            conflict_id, take=take, set=texts or None, set_json=values or None, delete=delete, seen=seen,
            all=everything, dry_run=dry_run,
        )  # fmt: skip

    def page(data: Data) -> Iterable[Block]:
        for entry in data.get("refused") or ():
            yield f"{entry['id']} stays open: {entry['reason']}"
        if data.get("seen"):
            yield f"{enumerate_some(data['seen'])}: noted that somebody has looked; every node will know."
            return
        if not data["resolved"]:
            yield "Nothing to settle: no conflict is open."
            return
        what = f"{plural(len(data['resolved']), 'conflict')} ({enumerate_some(data['resolved'])})"
        yield f"Dry run, nothing was changed: would settle {what}." if dry_run else f"Settled {what}."
        if not dry_run:
            yield "The next export or sync takes it to the others."

    return Answer(report, page, DONE_IN_PART if report.get("refused") else 0)


def _check(conflict_id: str | None, ways: list[bool], everything: bool, take: str | None) -> None:
    """One conflict or all, and exactly one way."""
    if everything and conflict_id is not None:
        raise UsageError("--all settles every conflict; an ID names one", "leave one of them away")
    if not everything and conflict_id is None:
        raise UsageError("which conflict?", "give the ID that `satchel conflicts` shows, or --all --take NODE")
    if sum(ways) != 1:
        problem = "several ways to settle it are given" if any(ways) else "no way to settle it is given"
        raise UsageError(problem, f"give exactly one of {WAYS}")
    if everything and take is None:
        raise UsageError("--all goes with --take only", "write --all --take NODE")


def _parsed(words: dict[str, str]) -> dict[str, Any]:
    values = {}
    for column, text in words.items():
        try:
            values[column] = json.loads(text, parse_constant=_no_number)
        except (ValueError, RecursionError):
            hint = f"text stands in quotes: --set-json '{column}=\"text\"'; no value is {column}=null"
            raise UsageError(f"--set-json {column}: {text!r} is not JSON", hint) from None
    return values


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
