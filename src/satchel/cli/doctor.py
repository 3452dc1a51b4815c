"""`satchel doctor`."""

from __future__ import annotations

from collections.abc import Iterable

from satchel.cli.command import command
from satchel.cli.page import Answer, Block, Data, Table, plural
from satchel.cli.session import Session

FOUND_ERRORS = 1


@command("doctor", "satchel doctor", "satchel --home office doctor --json")
def run(session: Session) -> Answer:
    """Examine home, database, exchanges and clock; say what to do.

    Exit code 1 if it finds an error.
    """
    with session.busy("examining"), session.node() as node:
        report = node.doctor()
    return Answer(report, page, FOUND_ERRORS if _having(report, "error") else 0)


def page(report: Data) -> Iterable[Block]:
    """How many things need a hand, then everything that was looked at."""
    found = [plural(number, level) for level in ("error", "warning") if (number := _having(report, level))]
    yield f"{' and '.join(found)}; the hints say what to do." if found else "All is well."
    findings = [(f["level"], f["what"], f.get("hint") or "") for f in report["findings"]]
    if findings:
        yield Table(["level", "what", "hint"], findings)


def _having(report: Data, level: str) -> int:
    return sum(finding["level"] == level for finding in report["findings"])
