"""`satchel watch`, and what is said to one that runs: `satchel watch status`, `pause`, `resume`, `stop`."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import click

from satchel.cli.command import command, group
from satchel.cli.page import Answer, Block, Data, Table, when
from satchel.cli.session import Session
from satchel.cli.watch_log import WatchLog

if TYPE_CHECKING:
    from satchel.daemon.watch import Watch

_EXAMPLES = (
    "satchel watch",
    "satchel watch --every 1 --exchange office",
    "satchel watch --jsonl",
    "satchel watch stop",
)


@group("watch", *_EXAMPLES)
@click.option("--every", metavar="MINUTES", type=click.FloatRange(min=0.02), help="Sync at least so often; usually 5.")
@click.option("--exchange", "exchanges", metavar="EXCHANGE", multiple=True, help="Only this one; may be repeated.")
@click.option("--push", is_flag=True, help="Only send what is here.")
@click.option("--pull", is_flag=True, help="Only take what is there.")
@click.option("--jsonl", is_flag=True, help="One line of JSON for each event, instead of a log for people.")
def run(session: Session, every: float | None, exchanges: tuple[str, ...], push: bool, pull: bool, jsonl: bool) -> None:
    """Keep syncing: on a schedule, and when something happens.

    Something happens when the database changes, when something arrives, when a share comes back.

    It ends with Ctrl-C, a TERM signal or `satchel watch stop`, after one more sync. `satchel sync` asks a running watch
    to do it. A share that is away, a full disk or a locked database do not end it.
    """
    if push and pull:
        raise click.UsageError("--push and --pull exclude each other.")
    direction = "push" if push else "pull" if pull else "both"
    with session.node() as node:
        log = WatchLog(session, jsonl=jsonl or session.json)
        log.listen(node)
        seconds = None if every is None else every * 60
        watch = node.watch(*exchanges, every=seconds, direction=direction)
        with _ended_by_signals(watch):
            watch.run()


@contextmanager
def _ended_by_signals(watch: Watch) -> Iterator[None]:
    """A signal ends the watch; in the middle of a round, or said twice, it interrupts it, which does no harm."""

    def stop(number: int, frame: FrameType | None) -> None:
        if watch.stop():
            raise KeyboardInterrupt

    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), stop) for name in names}
    try:
        yield
    except KeyboardInterrupt:
        return  # what was whole stays, the rest is done by the next watch
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@command("status", "satchel watch status", "satchel watch status --json")
def status(session: Session) -> Answer:
    """Say how the watch of this home is."""
    with session.node() as node:
        return Answer(node.watching(), _status_page)


@command("pause", "satchel watch pause")
def pause(session: Session) -> Answer:
    """Let the watch wait until it is resumed; `satchel sync` still works."""
    return _ask(session, "pause", "The watch is paused; `satchel watch resume` goes on.")


@command("resume", "satchel watch resume")
def resume(session: Session) -> Answer:
    """Let a paused watch go on."""
    return _ask(session, "resume", "The watch goes on.")


@command("stop", "satchel watch stop")
def stop(session: Session) -> Answer:
    """End the watch after one more sync."""
    return _ask(session, "stop", "The watch ends.")


def _ask(session: Session, what: str, said: str) -> Answer:
    with session.node() as node:
        return Answer(node.ask_watch(what), lambda _: [said])


def _status_page(data: Data) -> Iterable[Block]:
    if not data["running"]:
        yield "No watch runs in this home; `satchel watch` starts one."
        return
    state = data.get("state", "starting")
    failing = f", {data['failures']} rounds in a row failed" if data.get("failures") else ""
    yield f"A watch runs (process {data.get('pid', '?')}), {state}{failing}."
    last = data.get("last") or {}
    rows = [
        ("since", when(data.get("started"))),
        ("last sync", when(last.get("at"))),
        ("next sync", when(data.get("next")) or "when it is resumed"),
        ("syncs", data.get("rounds", 0)),
    ]
    if last.get("trouble"):
        rows.append(("trouble", last["trouble"]))
    if data.get("away"):
        rows.append(("away", ", ".join(data["away"])))
    yield Table(["what", "value"], rows, header=False)


for each in (status, pause, resume, stop):
    run.add_command(each)
