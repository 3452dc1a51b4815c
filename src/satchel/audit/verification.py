"""`satchel verify`: everything that can be checked of packets without a database (PROTOCOL, Packet format).

One packet at a time is in memory, and of its rows one batch; of a packet that was checked only its place in the chain
is kept. DuckDB is not needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.audit.branches import heads, naming_of
from satchel.audit.causes import chain_findings
from satchel.audit.held import Finding, Held, Slimmer
from satchel.audit.holdings import find_ours, keyid_of
from satchel.audit.lake_book import rows_checked
from satchel.audit.looking import Look, look_at, open_place
from satchel.audit.members import read_acks, read_members
from satchel.audit.omissions import Here, equality_findings, omission_findings, owner_of
from satchel.audit.places import Place, is_foreign
from satchel.audit.snapshots import Covered, check_snapshots
from satchel.errors import BadPacket
from satchel.files import FileTrouble
from satchel.model.progress import counted
from satchel.packet.keys import PublicKey
from satchel.packet.members import Members
from satchel.packet.verify import Parts, SignedManifest
from satchel.replication.branches import Naming


@dataclass(slots=True)
class _Report:
    """What was found so far. Sizes in bytes."""

    packets: int = 0
    files: int = 0
    size: int = 0
    problems: list[Finding] = field(default_factory=list)
    incomplete: list[Finding] = field(default_factory=list)
    missing: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    verified: list[Held] = field(default_factory=list)
    archived: set[str] = field(default_factory=set)
    checked: frozenset[str] = frozenset()  # packets whose rows were looked at before, by manifest hash
    pruned: int = 0
    covered: Covered = field(default_factory=Covered)


def verify_paths(*paths: Path | str, root: PublicKey | None = None) -> dict[str, Any]:
    """Checks every packet, card and acknowledgement below the paths (INTERFACE, verify).

    Returns {packets, pruned, snapshots, files, bytes, problems, incomplete, missing, heads, root, warnings}:
    `problems`, `incomplete` and `missing` are lists of {packet, file, reason, folder}; a packet whose manifest is there
    and a part is not stands in two. `missing`: what others have acknowledged and may still be on its way. `heads`
    {origin: {seq, hash}}, branches of a fork apart; `root`: fingerprint of the founder's key, for a person to compare
    where none is given. Signatures, chains and hashes are checked anew at every call; the rows of a packet need not be
    decoded again where a home's lake says that they were, when the very same bytes went into it (ADR 31).
    UsageError: nothing of ours is there; VerificationFailed: the founder's card is missing, or there are several.
    """
    found = find_ours(paths)
    introduced = read_members(found.nodes, root, found.limits)
    acks = read_acks(found.acks, introduced.members)
    report = _Report(files=len(found.nodes) + len(found.acks), size=introduced.size + acks.size)
    report.problems += [*introduced.problems, *acks.problems]
    report.warnings += [*introduced.warnings, *acks.warnings]
    for place in found.incomplete:
        report.incomplete.append(Finding(place.guess, "", "no manifest: it may still be arriving", str(place.folder)))
    for trouble in found.unreadable:
        report.problems.append(Finding("", "", trouble.message, str(trouble.path)))
    slimmer = Slimmer()
    report.checked = rows_checked(paths, introduced.members)
    for look in counted(look_at(found.packets, introduced.members), "verifying", "packets", len(found.packets)):
        _check_place(look, introduced.members, slimmer, report)
    report.covered = covered = check_snapshots(found.snapshots, introduced.members)
    for place in found.pruned:
        _check_pruned(place, introduced.members, slimmer, report)
    report.problems += [*covered.problems, *covered.check_links(report.verified)]
    naming = naming_of(report.verified)
    problems, warnings = chain_findings(
        report.verified, report.archived, naming, acks.newest.values(), covered.upto, introduced.members.cut
    )
    problems += equality_findings(acks.newest)
    if report.archived:  # a medium carries only what others lack
        here = Here(report.verified, covered.hashes, {place.guess for place in found.incomplete})
        omitted = omission_findings(here, acks.newest, introduced.members.cut, owner_of(paths))
        problems += omitted.problems
        report.missing += omitted.missing
    return _document(report, [*report.problems, *problems], [*report.warnings, *warnings], introduced.members, naming)


def _document(
    report: _Report, problems: list[Finding], warnings: list[str], members: Members, naming: Naming
) -> dict[str, Any]:
    return {
        "packets": report.packets,
        "pruned": report.pruned,
        "snapshots": report.covered.snapshots,
        "files": report.files + report.covered.files,
        "bytes": report.size + report.covered.size,
        "problems": [problem._asdict() for problem in problems],
        "incomplete": [finding._asdict() for finding in report.incomplete],
        "missing": [finding._asdict() for finding in report.missing],
        "heads": heads(report.verified, naming),
        "root": members.root.keyid,
        "warnings": warnings,
    }


def _check_place(look: Look, members: Members, slimmer: Slimmer, report: _Report) -> None:
    place, found, parts = look
    report.packets += 1
    opened = _check_manifest(place, found, members, slimmer, report)
    if opened is None or parts is None:
        return
    if not _in_exchange(place):
        report.archived.add(opened.manifest.origin)
    if isinstance(parts, FileTrouble):
        report.problems.append(Finding(str(opened.manifest.dot), "", parts.message, str(place.folder)))
        return
    try:
        _check_parts(place, opened, parts, report)
    except FileTrouble as trouble:
        report.problems.append(Finding(str(opened.manifest.dot), "", trouble.message, str(place.folder)))


def _check_manifest(
    place: Place, opened: SignedManifest | Finding, members: Members, slimmer: Slimmer, report: _Report
) -> SignedManifest | None:
    report.files += 1
    if isinstance(opened, Finding):
        report.problems.append(opened)
        return None
    report.size += len(opened.envelope)
    report.verified.append(slimmer.held(place.folder, opened, keyid_of(opened.manifest, members)))
    return opened


def _check_pruned(place: Place, members: Members, slimmer: Slimmer, report: _Report) -> None:
    """Of a packet whose parts were removed the manifest is left, and a snapshot that stands for it."""
    report.pruned += 1
    opened = _check_manifest(place, open_place(place, members), members, slimmer, report)
    if opened is None:
        return
    report.archived.add(opened.manifest.origin)
    if opened.hash not in report.covered.hashes.get(opened.manifest.dot, ()):
        reason = "it was pruned, and no snapshot here covers it"
        report.problems.append(Finding(str(opened.manifest.dot), place.marker, reason, str(place.folder)))


def _check_parts(place: Place, opened: SignedManifest, parts: Parts, report: _Report) -> None:
    folder, dot = str(place.folder), str(opened.manifest.dot)
    absent = {problem.file for problem in parts.incomplete if problem.reason == "missing"}
    there = [entry for entry in opened.manifest.tables if entry.file not in absent]
    report.files += len(there)
    report.size += sum(entry.bytes for entry in there)
    report.incomplete += [Finding(*problem, folder) for problem in parts.incomplete]
    report.problems += [Finding(*problem, folder) for problem in (*parts.incomplete, *parts.invalid)]
    for name in parts.extra:
        if name.lower().endswith(".parquet") and not is_foreign(name):  # a plain `*.parquet` would read it
            report.problems.append(Finding(dot, name, "the manifest does not know this file", folder))
        elif name != place.marker and not is_foreign(name):
            report.warnings.append(f"{dot}: {name} is no file of a packet ({folder})")
    if parts.valid and opened.hash not in report.checked:
        report.problems += [Finding(dot, bad.file, bad.reason, folder) for bad in _row_problems(place, opened)]


def _row_problems(place: Place, opened: SignedManifest) -> Iterator[BadPacket]:
    """What is wrong inside files that are the signed ones: counts in the footers, dots, contexts, misfits."""
    from satchel.packet.reader import VerifiedPacket

    packet = VerifiedPacket(place.folder, opened.manifest, opened.limits)
    for entry in opened.manifest.tables:
        try:
            for _ in packet.batches(entry.name):
                pass
        except BadPacket as bad:
            yield bad


def _in_exchange(place: Place) -> bool:
    """<exchange>/packets/<network>/<origin>/<packet>, with satchel.json or nodes/ beside `packets`; in an archive they
    stand beside the network's folder."""
    top = place.folder.parents[2] if len(place.folder.parents) > 2 else place.folder
    if top.name.lower() != "packets" or (top / "nodes").is_dir():
        return False
    return (top.parent / "nodes").is_dir() or (top.parent / "satchel.json").is_file()
