"""What a report says first, in a sentence: whether the rest can be relied on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from satchel.audit.report.facts import Facts
from satchel.audit.report.words import plural, span

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    """`level`: good | care | bad; the first line is the sentence."""

    level: str
    lines: list[str]


def verdict(facts: Facts) -> Verdict:
    """Altered packets are worse than missing ones, and those than open questions."""
    problems, gaps = facts.problems, facts.gaps
    lines: list[str] = []
    if problems:
        named = list(dict.fromkeys(p["packet"] or p["file"] for p in problems))
        lines.append(f"{plural(len(named), 'packet or file does', 'packets or files do')} not verify: {_some(named)}.")
        lines.append("They are in no figure below. Ask for good copies, then make the report again.")
    if gaps:
        lines.append(f"Incomplete: {plural(_many(gaps), 'packet is', 'packets are')} missing: {_names(gaps)}.")
        lines.append("What they changed is not counted; in a share or on a stick that may be so on purpose.")
    if lines:
        return Verdict("bad", lines)
    still = sum(conflict["closed_by"] is None for conflict in facts.conflicts)
    verified = f"{plural(facts.verification['packets'], 'packet')} verified"
    whole = [f"Complete and unaltered: {verified}, none is missing."]
    if gone := facts.pruned:
        was = plural(_many(gone), "packet was", "packets were")
        whole = [f"Unaltered, but not everything: {verified}; {was} pruned here: {_names(gone)}."]
        whole.append(
            "Of what they changed only each row's last version is counted; another archive may still have all."
        )
    if not still and not facts.parked:
        return Verdict("care" if gone else "good", whole)
    parts = [plural(still, "conflict is open", "conflicts are open")] if still else []
    parts += [plural(len(facts.parked), "row has no place", "rows have no place")] if facts.parked else []
    return Verdict("care", [*whole, f"To be decided: {' and '.join(parts)}."])


def _many(gaps: Sequence[Mapping[str, Any]]) -> int:
    return sum(gap["last"] - gap["first"] + 1 for gap in gaps)


def _names(gaps: Sequence[Mapping[str, Any]]) -> str:
    return _some([span(gap) for gap in gaps])


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
