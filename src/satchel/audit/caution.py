"""What an auditor must know before believing a view: what is not shown, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from satchel.audit.branches import warned
from satchel.audit.held import Finding
from satchel.audit.holdings import Holdings
from satchel.replication.branches import Naming

SHOWN = 20  # of unverified packets by name; the rest is counted


def cautions(held: Holdings, left_out: Sequence[str], naming: Naming) -> list[str]:
    """One line each; none if everything below the paths is shown and unambiguous."""
    return [*_unverified(held.unverified), *left_out, *warned(naming), *held.warnings]


def _unverified(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        verb = "packet does" if len(findings) == 1 else "packets do"
        yield f"{len(findings)} {verb} not verify and can be seen in no view"
    for finding in findings[:SHOWN]:
        where = f", {finding.file}" if finding.file else ""
        yield f"{finding.packet}{where}: {finding.reason} ({finding.folder})"
    if len(findings) > SHOWN:
        yield f"and {len(findings) - SHOWN} more; `satchel verify` names them all"
