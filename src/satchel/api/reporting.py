"""The report of a period: packets asked by the audit, and what only a database knows from the home, if there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel import __version__
from satchel.errors import SatchelError, UsageError
from satchel.files import make_folders, replace, wall

if TYPE_CHECKING:
    from satchel.audit.report.facts import Facts

PAGE = "report.html"
_NO_HOME = "What a database keeps out of its tables is known to its home alone: this is what the packets tell."


def report(
    *paths: str | Path,
    out: str | Path,
    start: str | None = None,
    end: str | None = None,
    zone: str | None = None,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Writes the report of a period of what lies below the paths: a home, an archive, an exchange, a stick.

    `out`: a folder for report.html and the CSV files, or one file that ends in .html or .csv (the changes). `start`,
    `end`: moments with a zone, or days and times of `zone`; a day at the end is included; None: all that there is.
    {network, from, to, verdict, level, changes, packets, conflicts, open_conflicts, parked, gaps, problems, files,
    dry_run, warnings}. UsageError; VerificationFailed: nothing to verify the packets by.
    """
    places = [Path(path) for path in paths]
    target = Path(out)
    with wall(places[0] if places else target):
        _check_target(target, places)
        facts = _facts(places, (start, end, zone))
        written = _files(facts, target)
        if not dry_run:
            for path, data in written.items():
                make_folders(path.parent)
                replace(path, data)
    return _summary(facts, [str(path) for path in written], dry_run=dry_run)


def _facts(places: Sequence[Path], span: tuple[str | None, str | None, str | None]) -> Facts:
    from satchel.audit.report.facts import gather
    from satchel.audit.session import open_audit
    from satchel.audit.verification import verify_paths

    parked, database = _parked(places)
    with open_audit(*places) as audit:
        return gather(
            audit,
            verify_paths(*places),
            places=[str(place) for place in places],
            span=span,
            software=f"satchel {__version__}",
            parked=parked,
            database=database,
        )


def _parked(places: Sequence[Path]) -> tuple[Sequence[Mapping[str, Any]] | None, str]:
    """The entries of the home's list of conflicts; None and why, where there is no home or its database is not at
    hand."""
    homes = [place for place in places if (place / "satchel.toml").is_file()]
    if len(homes) != 1:
        return None, _NO_HOME
    from satchel.sync.opening import reading
    from satchel.sync.settling import list_conflicts

    try:
        with reading(homes[0]) as site:
            return list_conflicts(site, closed=False), ""
    except SatchelError as trouble:
        return None, f"The database of this home could not be asked ({trouble.message}): this is what the packets tell."


def _check_target(target: Path, places: Sequence[Path]) -> None:
    """An archive and an exchange are left as they are."""
    for place in places:
        kept = place / "packets" if (place / "satchel.toml").is_file() else place
        if target.resolve().is_relative_to(kept.resolve()):
            raise UsageError(f"{target} is inside of {kept}", "write the report somewhere else, with --out DIR")
    if target.suffix and target.suffix.lower() not in (".html", ".htm", ".csv") and not target.is_dir():
        raise UsageError(f"{target} is no kind of report", "name a folder, or a file that ends in .html or .csv")
    if not target.suffix and target.is_file():
        raise UsageError(f"{target} is a file", "name a folder, or a file that ends in .html or .csv")


def _files(facts: Facts, target: Path) -> dict[Path, bytes]:
    from satchel.audit.report.page import render
    from satchel.audit.report.tables import CHANGES, csv_files

    kind = "" if target.is_dir() else target.suffix.lower()
    if kind == ".csv":
        return {target: csv_files(facts)[CHANGES]}
    page = render(facts).encode("utf-8")
    if kind:
        return {target: page}
    return {target / PAGE: page, **{target / name: data for name, data in csv_files(facts).items()}}


def _summary(facts: Facts, written: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    from satchel.audit.report.verdict import verdict

    said = verdict(facts)
    return {
        "network": facts.network,
        "period": facts.period.words,
        "from": facts.period.start.isoformat(),
        "to": facts.period.end.isoformat(),
        "verdict": said.lines,
        "level": said.level,
        "changes": facts.changes,
        "packets": sum(entry["packets"] for entry in facts.packets),
        "conflicts": len(facts.conflicts),
        "open_conflicts": sum(entry["closed_by"] is None for entry in facts.conflicts),
        "parked": len(facts.parked),
        "gaps": [{name: gap[name] for name in ("origin", "first", "last", "how", "shown_by")} for gap in facts.gaps],
        "problems": [dict(problem) for problem in facts.problems],
        "files": list(written),
        "dry_run": dry_run,
        "warnings": facts.warnings,
    }
