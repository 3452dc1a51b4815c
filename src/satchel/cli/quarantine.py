"""`satchel quarantine`, `satchel quarantine show`, `satchel quarantine release`, `satchel quarantine remove`."""

from __future__ import annotations

from collections.abc import Iterable

import click

from satchel.cli.command import command, group
from satchel.cli.page import Answer, Block, Data, Table, listing, optional, plural, when
from satchel.cli.session import Session
from satchel.cli.summary import DONE_IN_PART, summary_page
from satchel.errors import UsageError


@group("quarantine", "satchel quarantine", "satchel quarantine show office/7", "satchel quarantine release --all")
def run(session: Session) -> Answer:
    """List the packets that are not trusted, and why."""
    with session.node() as node:
        return Answer(node.quarantine(), page)


@command("show", "satchel quarantine show office/7", "satchel quarantine show office_7-1f2e3d4c --json")
@click.argument("id_", metavar="ID")
def show(session: Session, id_: str) -> Answer:
    """Say all that is known of one packet in quarantine.

    ID stands in `satchel quarantine`; the beginning of it will do, and so will the packet's name.
    """
    with session.node() as node:
        return Answer(node.quarantine(id_), shown)


@command("release", "satchel quarantine release office/7", "satchel quarantine release --all", writes=True)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is in quarantine.")
def release(session: Session, ids: tuple[str, ...], everything: bool, dry_run: bool) -> Answer:
    """Try again, after the cause is gone: a card came, satchel was upgraded, a limit was raised.

    What verifies now is applied; what does not stays in quarantine.
    """
    _check(ids, everything)
    with session.busy("trying again"), session.node() as node:
        data = node.release(*ids, all=everything, dry_run=dry_run)
    in_part = any(entry["outcome"] != "released" for entry in data["tried"])
    return Answer(data, released, DONE_IN_PART if in_part else 0)


@command("remove", "satchel quarantine remove office/7", "satchel quarantine remove --all --yes", writes=True)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Everything that is in quarantine.")
@click.option("--yes", is_flag=True, help="Also where no good copy has come yet.")
def remove(session: Session, ids: tuple[str, ...], everything: bool, yes: bool, dry_run: bool) -> Answer:
    """Remove packets from quarantine for good, if good copies of them are here."""
    _check(ids, everything)
    with session.node() as node:
        return Answer(node.remove_quarantined(*ids, all=everything, yes=yes, dry_run=dry_run), removed)


run.add_command(show)
run.add_command(release)
run.add_command(remove)


def _check(ids: tuple[str, ...], everything: bool) -> None:
    if bool(ids) == everything:
        raise UsageError("name either packets or --all", "`satchel quarantine` lists what there is")


def page(data: Data) -> Iterable[Block]:
    """One line per packet."""
    rows = [(q["id"], q["packet"], q["reason"], when(q["since"]), q["where"]) for q in data["quarantined"]]
    yield listing(["id", "packet", "reason", "since", "found at"], rows, "Nothing is in quarantine.")


def shown(data: Data) -> Iterable[Block]:
    """The reason, what it says of itself, the files, and what to do."""
    yield f"{data['packet']}: {data['reason']}"
    facts = [("id", data["id"]), ("since", when(data["since"])), ("found at", data["where"])]
    facts += [("file", data["file"])] if data["file"] else []
    if says := data["says"]:
        facts += [("says that it is", f"{says['packet']} of {says['network']}, made {when(says['created'])}")]
    yield Table(["", ""], facts, header=False)
    yield from optional(["file", "bytes"], [(f["file"], f["bytes"]) for f in data["files"]], "Files that are kept")
    yield _advice(data)


def _advice(data: Data) -> str:
    if data["applied"]:
        return f"A good copy is here: `satchel quarantine remove {data['id']}` clears it away."
    if data["kind"] == "packet":
        return (
            "Another copy would be no better: it is tried again by a newer satchel, or by `satchel quarantine release`."
        )
    return "As soon as a good copy comes it is taken, and this entry goes; the next acknowledgement asks for it."


def released(data: Data) -> Iterable[Block]:
    """What became of each, and what the run did."""
    if not data["tried"]:
        yield "Nothing is in quarantine."
        return
    rows = [(t["packet"], t["outcome"], t["reason"]) for t in data["tried"]]
    yield from optional(["packet", "outcome", "reason"], rows, "")
    yield from summary_page(data["dry_run"], "nothing new was applied")({**data, "quarantined": ()})


def removed(data: Data) -> Iterable[Block]:
    """How many are gone."""
    count = len(data["removed"])
    if not count:
        yield "Nothing is in quarantine."
        return
    names = ", ".join(entry["packet"] for entry in data["removed"][:4]) + (" ..." if count > 4 else "")
    done = "Dry run, nothing was changed: would have removed" if data["dry_run"] else "Removed"
    yield f"{done} {plural(count, 'packet')} from quarantine ({names})."
