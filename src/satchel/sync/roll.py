"""The roll: who belongs to the network and how each stands (INTERFACE, nodes), and what a person has to see to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from satchel.errors import SatchelError
from satchel.model.ids import node_of
from satchel.model.stamp import rfc3339
from satchel.packet.said import RETIRE, REVOKE
from satchel.packet.wire import time_value
from satchel.sync.sightings import in_words
from satchel.sync.site import Site, now_ms
from satchel.sync.standing import READER, refuse_revoked

if TYPE_CHECKING:
    from satchel.packet.members import Member

_DAY_MS = 24 * 60 * 60 * 1000


def list_nodes(site: Site) -> Mapping[str, Any]:
    """{nodes: [{node, role, key, invited_by, state, this, cuts, by, heard, silent}], problems: [text]}.

    `state`: active | retired | revoked | waiting (its card is in doubt) | invited | expired; `cuts` of a revoked one:
    {origin: the last packet that counts}; `by`: who said that it left; `silent`: days without an acknowledgement, null
    where that is not long.
    """
    members = site.members
    known = {member.name for member in members.members}
    doubtful = sorted({what.removeprefix("the card of ") for what, _ in members.waiting if what.startswith("the card")})
    nodes = [_member(site, member) for member in members.members]
    nodes += [_nobody(name, "waiting") for name in doubtful if name not in known]
    for name, expires in sorted(site.invited().items()):
        if name in known or name in doubtful:
            continue
        gone = members.state(name) != "active"
        state = members.state(name) if gone else "invited" if expires >= now_ms() else "expired"
        nodes.append(_nobody(name, state, None if gone else rfc3339(expires)))
    problems = [*members.alarms, *(f"{w.what} waits for {w.needs}" for w in members.waiting)]
    problems += [f"{p.file}: {p.reason}" for p in members.problems]
    return {"nodes": nodes, "problems": problems}


def _member(site: Site, member: Member) -> dict[str, Any]:
    members, own = site.members, member.name == site.settings.node
    ack = None if own else site.acks().get(member.name)
    state = members.state(member.name)
    said = members.said_of(member.name, REVOKE if state == "revoked" else RETIRE) if state != "active" else ()
    silent = dict(silent_peers(site)).get(member.name)
    return {
        "node": member.name,
        "role": member.role,
        "key": member.key.keyid,
        "invited_by": member.inviter,
        "state": state,
        "this": own,
        "cuts": _cuts(site, member.name) if state == "revoked" else None,
        "by": sorted({statement.node for statement in said}),
        "until": None,
        "heard": ack.clock if ack else None,
        "silent": None if silent is None else silent // _DAY_MS,
    }


def _cuts(site: Site, name: str) -> dict[str, int]:
    origins = {o for marks in site.members.bans.cuts.get(name, ()) for o in marks} | set(site.store.vector())
    cuts = {origin: site.cuts.of(origin) for origin in sorted(origins) if node_of(origin) == name}
    return {origin: mark.seq for origin, mark in cuts.items() if mark is not None}


def _nobody(name: str, state: str, until: str | None = None) -> dict[str, Any]:
    """Somebody without an accepted card."""
    empty = dict.fromkeys(("role", "key", "invited_by", "cuts", "heard", "silent"))
    return {"node": name, **empty, "state": state, "this": False, "by": [], "until": until}


def silent_peers(site: Site) -> Iterator[tuple[str, int]]:
    """(peer, milliseconds since its last acknowledgement): those from whom nothing was heard for longer than the
    settings allow. Nobody is forgotten by time: a person has to retire them."""
    acks, now = site.acks(), now_ms()
    for peer in site.peers:
        silence = now - time_value(acks[peer].clock) if peer in acks else 0
        if silence and silence >= site.settings.loud_after_days * _DAY_MS:
            yield peer, silence


def troubles(site: Site) -> list[dict[str, str]]:
    """[{what, hint}]: this node was revoked, or may only read; members from whom nothing is heard."""
    found: list[dict[str, str]] = []
    try:
        refuse_revoked(site)
    except SatchelError as revoked:
        found.append({"what": revoked.message, "hint": revoked.hint})
    own, pending = site.settings.node, site.store.pending()
    if site.members.role(own) == READER and pending:
        what = f"{own} is a reader: what is changed here goes to nobody ({pending:,} changed rows)"
        found.append({"what": what, "hint": "ask an admin for an invitation as a member"})
    found += _silence(list(silent_peers(site)))
    return found


def _silence(silent: Sequence[tuple[str, int]]) -> Iterator[dict[str, str]]:
    for peer, silence in silent:
        yield {
            "what": f"nothing was heard of {peer} for {in_words(silence)}",
            "hint": f"sync with it, or if it is gone for good: satchel nodes retire {peer}",
        }
