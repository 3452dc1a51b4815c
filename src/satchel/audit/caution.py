"""What an auditor must know before believing a view: what is not shown, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from satchel.audit.branches import warned
from satchel.audit.foundation import Foundation
from satchel.audit.gaps import ACKNOWLEDGED, Gap
from satchel.audit.held import Finding
from satchel.audit.holdings import Holdings
from satchel.model.stamp import rfc3339
from satchel.replication.branches import Naming

SHOWN = 20  # of unverified packets, and of gaps, by name; the rest is counted


def cautions(
    held: Holdings,
    unverified: Sequence[Finding],
    left_out: Sequence[str],
    naming: Naming,
    gaps: Sequence[Gap],
    base: Foundation | None,
) -> list[str]:
    """One line each; none if everything below the paths is shown and unambiguous, and nothing is missing."""
    missing = [gap for gap in gaps if not gap.covered]
    return [
        *_missing(missing),
        *_unverified(unverified, len(held.packets)),
        *left_out,
        *_pruned(base),
        *warned(naming),
        *held.warnings,
    ]


def missing_words(gaps: Sequence[Gap]) -> str:
    """How many packets are missing, and the first of them."""
    missing = [gap for gap in gaps if not gap.covered]
    count = sum(gap.last - gap.first + 1 for gap in missing)
    names = ", ".join(map(str, missing[:3])) + (" ..." if len(missing) > 3 else "")
    return f"{count} {'packet is' if count == 1 else 'packets are'} missing ({names})"


def _missing(gaps: Sequence[Gap]) -> Iterator[str]:
    if gaps:
        them = "it" if sum(gap.last - gap.first + 1 for gap in gaps) == 1 else "them"
        words = f"every answer is by what is here, and may be another with {them}; see the view gaps"
        yield f"{missing_words(gaps)}: {words}"
    for gap in gaps[:SHOWN]:
        shown = f"the acknowledgement of {gap.shown_by}" if gap.how == ACKNOWLEDGED else gap.shown_by
        verb = "is" if gap.first == gap.last else "are"
        yield f"{gap} {verb} missing, as {shown} shows"
    if len(gaps) > SHOWN:
        yield f"and {len(gaps) - SHOWN} more gaps"


def _pruned(base: Foundation | None) -> Iterator[str]:
    if base is not None:
        when = rfc3339(base.created)
        yield f"some packets were pruned: {base.name} of {when} stands for them, and what was before it is not known"


def _unverified(findings: Sequence[Finding], verified: int) -> Iterator[str]:
    if findings:
        verb = "packet does" if len(findings) == 1 else "packets do"
        yield f"{len(findings)} {verb} not verify (or not count) and can be seen in no view; {verified} verified"
    for finding in findings[:SHOWN]:
        where = f", {finding.file}" if finding.file else ""
        yield f"{finding.packet}{where}: {finding.reason} ({finding.folder})"
    if len(findings) > SHOWN:
        yield f"and {len(findings) - SHOWN} more; `satchel verify` names them all"
