"""What export, import and sync did, in a sentence and in tables of what did not go through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from satchel.cli.cell import cell
from satchel.cli.page import Answer, Block, Data, count, enumerate_some, optional, plural

DONE_IN_PART = 3
SHOWN = 10  # single rows that are named
MORE = {"parked": "that are kept out", "returned": "that come back", "renumbered": "with another number"}


def summarise(report: Data, dry_run: bool, nothing: str) -> Answer:
    """The answer of a run. Exit code 3 if something was quarantined or did not fit (INTERFACE, exit codes)."""
    in_part = bool(report.get("quarantined")) or bool(report.get("partial"))
    return Answer(report, summary_page(dry_run, nothing), DONE_IN_PART if in_part else 0)


def summary_page(dry_run: bool, nothing: str) -> Callable[[Data], Iterable[Block]]:
    """The page of a run; `nothing` is the sentence for a run that found nothing to do."""

    def page(report: Data) -> Iterable[Block]:
        yield _sentence("; ".join(_done(report)), dry_run, nothing)
        if joined := joined_rows(report.get("joined") or {}):
            yield joined
        if conflicts := count(report.get("conflicts")):
            where = "" if dry_run else "; `satchel conflicts` shows what there is to decide"
            yield f"{plural(conflicts, 'new conflict')}{where}."
        yield from (f"  {line}" for line in row_lines(report, dry_run))
        yield from kept_back(report)

    return page


def spoken(report: Data) -> str:
    """A run in one line of a log; empty if nothing happened."""
    done = list(_done(report))
    if conflicts := count(report.get("conflicts")):
        done.append(plural(conflicts, "new conflict"))
    return "; ".join(done)


def row_lines(report: Data, dry_run: bool = False) -> Iterable[str]:
    """A line for each row that left its table, came back, or got another number: at most ten of each."""
    totals = report.get("counts") or {}
    for kind, say in (("parked", parked_line), ("returned", _returned), ("renumbered", renumbered_line)):
        rows = report.get(kind) or ()
        yield from (say(row, dry_run) for row in rows[:SHOWN])
        if (more := totals.get(kind, len(rows)) - SHOWN) > 0:
            yield f"and {more:,} more {MORE[kind]}"


def parked_line(row: Data, dry_run: bool = False) -> str:
    """A row that is kept out of its table, and why."""
    verb = "leave its table" if row["left"] else "stay out of its table"
    said = f"would {verb}" if dry_run else verb.replace("leave", "leaves").replace("stay", "stays")
    return f"{_row(row)} {said}: {row['reason']}"


def _returned(row: Data, dry_run: bool) -> str:
    return f"{_row(row)} {'would come' if dry_run else 'comes'} back into its table"


def renumbered_line(row: Data, dry_run: bool = False) -> str:
    """A row whose number here is not the one that it was born with."""
    origin = str(row["gid"]).partition(":")[0]
    return f"{row['table']} {row['birth']} of {origin} {'would be' if dry_run else 'is'} number {row['number']} here"


def _row(row: Data) -> str:
    key = ", ".join("?" if value is None else cell(value) for value in row["key"])
    gid = f" ({row['gid']})" if row["gid"] and key != row["gid"] else ""
    return f"{row['table']} {key}{gid}"


def kept_back(report: Data) -> Iterable[Block]:
    """The packets that wait, and those in quarantine, if there are any."""
    waiting = [(w["packet"], w["for"]) for w in report.get("waiting") or ()]
    yield from optional(["packet", "waits for"], waiting, "Waiting")
    bad = [(q["packet"], q["reason"]) for q in report.get("quarantined") or ()]
    yield from optional(["packet", "reason"], bad, "In quarantine")


def _sentence(done: str, dry_run: bool, nothing: str) -> str:
    if dry_run:
        return f"Dry run, nothing was changed: would have {done}." if done else f"Dry run: {nothing}."
    text = done or nothing
    return f"{text[0].upper()}{text[1:]}."


def _done(report: Data) -> Iterable[str]:
    if pending := report.get("pending"):  # of a dry run
        yield f"sealed {plural(pending, 'changed row')}"
    if sealed := report.get("sealed"):
        yield f"sealed {plural(len(sealed), 'packet')} ({enumerate_some(sealed)})"
    if taken_out := report.get("taken_out"):
        yield f"taken out {plural(len(taken_out), 'packet')} ({enumerate_some(taken_out)})"
    if applied := report.get("applied"):
        yield f"applied {plural(len(applied), 'packet')} ({_rows(report.get('rows') or {})})"
    if installed := report.get("installed"):
        applied_rows = "" if report.get("applied") else f" ({_rows(report.get('rows') or {})})"
        yield f"installed {enumerate_some(installed)}{applied_rows}"
    if dropped := report.get("dropped"):
        where = f" at {report['exchange']}" if report.get("exchange") else ""
        yield f"dropped {plural(len(dropped), 'packet')}{where}"


def _rows(rows: Mapping[str, int]) -> str:
    parts = [f"{plural(number, 'row')} {what}" for what, number in rows.items() if number]
    return ", ".join(parts) or "no row here changes"


def joined_rows(joined: Mapping[str, int]) -> str:
    """What joining made of the rows that the database held; empty if it held none."""
    words = {
        "same": ("is the network's already", "are the network's already"),
        "added": ("is new to it", "are new to it"),
        "beside": (
            "differs and stands beside the network's as a conflict",
            "differ and stand beside the network's as conflicts",
        ),
    }
    parts = [f"{joined[kind]:,} {words[kind][joined[kind] != 1]}" for kind in words if joined.get(kind)]
    return f"Of the rows that were here {', '.join(parts)}." if parts else ""
