"""Members who leave: retired, so that nobody waits for them, or revoked, so that nothing more of them counts (PROTOCOL,
Members; ADR 20)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from satchel.errors import UsageError
from satchel.model.ids import Dot, node_of, parse_dot
from satchel.model.vector import HASH_DIGITS, Mark
from satchel.packet.bans import NOTHING
from satchel.packet.revoking import documents_of
from satchel.packet.statement import make_retirement, make_revocation
from satchel.replication.stable import Heard, decide_stable
from satchel.stores.run import Run
from satchel.sync import sealing
from satchel.sync.acknowledging import acknowledge
from satchel.sync.branches import naming_of
from satchel.sync.quarantine import Quarantine
from satchel.sync.report import Report
from satchel.sync.site import Site, now_ms
from satchel.sync.standing import refuse_revoked, require_admin
from satchel.sync.status import standing_waits
from satchel.sync.taking_out import obey
from satchel.sync.visit import Tour, look

_SEE = "see `satchel nodes`"


@dataclass(slots=True)
class LeavingReport:
    """`state`: retired | revoked; `cuts`: up to which packet each origin of a revoked node counts; `taken_out`: packets
    that were applied here and count no more."""

    node: str
    state: str
    cuts: dict[str, int] = field(default_factory=dict)
    taken_out: list[str] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    sealed: list[str] = field(default_factory=list)
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def retire(site: Site, name: str, *, dry_run: bool = False) -> LeavingReport:
    """Nobody waits for a node any more; what it has sealed counts whenever it turns up. An admin may say so of every
    node, each node of itself. UsageError: no such node, or it has left already."""
    own = name == site.settings.node
    if own:
        refuse_revoked(site)
    else:
        require_admin(site, f"retire {name}")
    _require_known(site, name)
    if site.members.state(name) != "active":
        raise UsageError(f"{name} is {site.members.state(name)} already", _SEE)
    _require_one_admin_left(site, name)
    report = LeavingReport(name, "retired", dry_run=dry_run)
    if not dry_run:
        statement = make_retirement(site.key, site.network, site.settings.node, name, now_ms())
        report.sealed = _say(site, statement)
    report.warnings += site.warnings
    _log(site, f"retire {name}", report)
    return report


def revoke(site: Site, name: str, at: Sequence[str] = (), *, dry_run: bool = False) -> LeavingReport:
    """Nothing more of a node counts than what this node has applied of it, or up to the packets `at`: a number of its
    present sequence, or `origin/number` for each. UsageError: no such node, or a cut that is not to be made."""
    require_admin(site, f"revoke {name}")
    if name == site.settings.node:
        raise UsageError(f"{name} cannot revoke itself", "do it at another admin's node, or retire it")
    _require_known(site, name)
    cuts = _cuts(site, name, at)
    report = LeavingReport(name, "revoked", {origin: mark.seq for origin, mark in cuts.items()}, dry_run=dry_run)
    key = site.members.key_of(name)
    documents = documents_of(site.node_files().values(), name, key) if key is not None else []
    statement = make_revocation(site.key, site.network, site.settings.node, name, cuts, documents, now_ms())
    done = Report()
    site.dry_run = dry_run
    if dry_run:
        site.add_node_files([statement])
    else:
        report.sealed = _say(site, statement)
    quarantine = Quarantine(site.home.quarantine, now_ms(), dry_run=dry_run)
    obey(site, done, quarantine, dry_run=dry_run)
    if done.taken_out and not dry_run:
        acknowledge(site, standing_waits(site, quarantine))
    report.taken_out = done.taken_out
    report.rows = {"inserted": done.rows.inserted, "updated": done.rows.updated, "deleted": done.rows.deleted}
    report.sealed += done.sealed
    report.warnings += site.warnings
    _log(site, f"revoke {name}", report)
    return report


def _log(site: Site, command: str, report: LeavingReport) -> None:
    if not report.dry_run:
        site.store.record_run(Run(now_ms(), command, "", 0.0, report.as_json()))


def _say(site: Site, statement: bytes) -> list[str]:
    """Signs it into `nodes/`; what is pending was written before."""
    look(site, Tour(()))
    sealed = sealing.seal_pending(site)
    site.add_node_files([statement])
    return [str(packet.dot) for packet in sealed]


def _require_known(site: Site, name: str) -> None:
    doubtful = any(what == f"the card of {name}" for what, _ in site.members.waiting)
    if site.members.member(name) is None and not doubtful and name not in site.invited():
        known = ", ".join(member.name for member in site.members.members)
        raise UsageError(f"there is no node {name}", f"nodes are {known}")


def _require_one_admin_left(site: Site, name: str) -> None:
    admins = {member.name for member in site.members.awaited if member.role == "admin"}
    if admins == {name}:
        raise UsageError(
            f"{name} is the last admin: nobody could invite or change anything any more",
            "invite another admin first: `satchel invite NAME --role admin`",
        )


# -- where it is cut


def _cuts(site: Site, name: str, at: Sequence[str]) -> dict[str, Mark]:
    """The last packet of each origin that counts. One that is not named is cut where this node is."""
    vector = site.store.vector()
    cuts = {origin: mark for origin, mark in vector.items() if node_of(origin) == name}
    for word in at:
        dot = _cut_at(name, cuts, word)
        cuts[dot.origin] = _mark(site, dot)
        _require_unstable(site, name, dot)
    return cuts


def _cut_at(name: str, origins: Mapping[str, Mark], word: str) -> Dot:
    if re.fullmatch(r"[0-9]{1,15}", word):
        if len(origins) > 1:
            raise UsageError(
                f"{name} has sealed under several names: {', '.join(sorted(origins))}",
                f"say which one: --at {min(origins)}/{word}",
            )
        return Dot(next(iter(origins), name), int(word))
    try:
        dot = Dot(word.removesuffix("/0"), 0) if word.endswith("/0") else parse_dot(word)
    except ValueError as problem:
        raise UsageError(f"{word!r} is no packet", f"write --at 12 or --at {name}/12") from problem
    if node_of(dot.origin) != name:
        raise UsageError(f"{dot} is no packet of {name}", f"origins of it are {', '.join(sorted(origins)) or 'none'}")
    return dot


def _mark(site: Site, dot: Dot) -> Mark:
    """A cut lies on the end of a group that was applied here; at 0 nothing counts."""
    first = site.store.packet(Dot(dot.origin, 1))
    if first is not None and first.kind == "baseline" and dot.seq < first.group[1]:
        raise UsageError("the founder's first rows cannot be revoked", f"cut at {first.group[1]} or later")
    if not dot.seq:
        return NOTHING
    record = site.store.packet(dot)
    if record is None:
        raise UsageError(f"{dot} has not been applied here", "cut at a packet that `satchel status` shows as applied")
    begin, end = record.group
    if end != dot.seq:
        raise UsageError(
            f"{dot} is in the middle of {begin} to {end}, which were sealed together", f"cut at {begin - 1} or {end}"
        )
    return Mark(dot.seq, record.hash[:HASH_DIGITS])


def _require_unstable(site: Site, name: str, dot: Dot) -> None:
    """What all others have applied and built on may be pruned already: it cannot be taken out any more."""
    acks = site.acks()
    others = (member.name for member in site.members.awaited if member.name not in (name, site.settings.node))
    naming = naming_of(site)
    heard = [Heard(other, naming.covered(acks[other].marks) if other in acks else None) for other in others]
    stable = decide_stable(site.store.vector(), heard).upto.get(dot.origin, 0) if heard else 0
    if dot.seq < stable:
        raise UsageError(
            f"{dot} is too early: {dot.origin}/{stable} is stable, everybody has it",
            f"cut at {stable} or later, and mend what came before by hand: `satchel history`",
        )
