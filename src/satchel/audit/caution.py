"""What an auditor must know before believing a view: what is not shown, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from satchel.audit.held import Finding, Held
from satchel.audit.holdings import Holdings

SHOWN = 20  # of unverified packets by name; the rest is counted


def cautions(held: Holdings, left_out: Sequence[str]) -> list[str]:
    """One line each; none if everything below the paths is shown and unambiguous."""
    return [*_unverified(held.unverified), *left_out, *_forks(held.packets), *held.warnings]


def _unverified(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        verb = "packet does" if len(findings) == 1 else "packets do"
        yield f"{len(findings)} {verb} not verify and can be seen in no view"
    for finding in findings[:SHOWN]:
        where = f", {finding.file}" if finding.file else ""
        yield f"{finding.packet}{where}: {finding.reason} ({finding.folder})"
    if len(findings) > SHOWN:
        yield f"and {len(findings) - SHOWN} more; `satchel verify` names them all"


def _forks(packets: Sequence[Held]) -> Iterator[str]:
    """The views tell versions apart by origin and seq, which mean two things after a fork."""
    counts = Counter(packet.dot for packet in packets)
    forked = sorted({dot.origin for dot, count in counts.items() if count > 1})
    for origin in forked:
        first = min(dot for dot, count in counts.items() if count > 1 and dot.origin == origin)
        yield f"{origin} has two packets {first.seq}: from there on its views mix both branches"
