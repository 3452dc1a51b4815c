"""Epochs: a database that went backwards goes on under an origin of its own (PROTOCOL, Trouble: restored backup).

Before anything is sealed, everything that may know more of this node's packets than the database does is asked: the
witness, the archive, every exchange at hand; own packets, own acknowledgements, and what others say that they have of
it. If anything is ahead, the numbers that the database would give next are used already, and a new epoch opens.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING

from satchel.model.ids import Dot, node_of, trunk_of
from satchel.model.vector import Mark, Vector
from satchel.sync.origins import epochs
from satchel.sync.site import Site, now_ms
from satchel.sync.traces import Claim, Traces

if TYPE_CHECKING:
    from satchel.replication.order import Header

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# What a database forgets that goes on under another name: nothing of it is about that name.
FORGOTTEN = {"epochs": "[]", "heard": "[]", "acknowledged": "0", "branch": "", "digests": "{}", "equality": "{}"}
_LENGTH = 4  # random, never counted: a restored database has forgotten how far it had counted


def sign_of_restore(site: Site, traces: Traces) -> Claim | None:
    """What is ahead of the database; None: nothing."""
    vector = site.store.vector()
    # it has learned of a fork of its present origin: each branch has a name of its own by now
    branches = tuple((Dot(o, mark.seq), mark.hash) for o, mark in vector.items() if trunk_of(o) == site.origin != o)
    if branches:
        return Claim(site.origin, branches, "this home")
    pedigree = Pedigree(site, traces.predecessors, vector)
    return next((claim for claim in traces.claims if _is_ahead(site, claim, pedigree, vector)), None)


def open_epoch(site: Site, claim: Claim, traces: Traces, *, dry_run: bool) -> None:
    """What is sealed from now on has an origin of its own. A dry run only says it."""
    from satchel.stores.run import Run

    before, node = site.origin, site.settings.node
    heard = {trunk_of(origin) for origin in site.store.vector()} | {claim.sealer for claim in traces.claims}
    taken = {*heard, before, *traces.predecessors, *traces.predecessors.values(), *_folders(site)}
    origin = _fresh(node, taken)
    reason = _reason(site, claim, site.store.vector())
    line = f"{reason}; {node} goes on as {origin}"
    site.warnings.append(line)
    epoch = {"origin": origin, "predecessor": before, "at": now_ms(), "because": reason}
    facts = {
        "origin": origin,
        "epochs": json.dumps([*epochs(site), epoch]),
        "heard": json.dumps(sorted({trunk_of(name) for name in taken if node_of(name) == node})),
    }
    if dry_run:
        site.notes.update(facts)
        return
    site.note(**facts)
    site.untold = True
    site.store.record_run(Run(now_ms(), "epoch", claim.where, 0.0, {"epoch": epoch, "warnings": [line]}))


class Pedigree:
    """Which origins of this node came before which. `known`: origins whose packets are no news to this database."""

    def __init__(self, site: Site, predecessors: dict[str, str], vector: Vector) -> None:
        self.current = site.origin
        self._before = {**predecessors, **{e["origin"]: e["predecessor"] for e in epochs(site)}}
        self.known = {trunk_of(origin) for origin in vector if node_of(origin) == site.settings.node}
        self.known |= {site.settings.node, *json.loads(site.notes.get("heard", "[]"))}
        self.known |= {e["predecessor"] for e in epochs(site)}
        self.known.discard(self.current)

    def concerns(self, origin: str) -> bool:
        """Whether what was sealed under an origin may use the numbers that this database gives next: it is the present
        one, or was opened by a later state of it, or nobody can tell. What a copy of the database opened beside it, or
        what was known when the present one opened, uses none of them."""
        seen = set()
        origin = trunk_of(origin)
        while origin not in seen:
            seen.add(origin)
            if origin == self.current:
                return True
            if origin in self.known:
                return False
            origin = self._before.get(origin, origin)
        return True


def _is_ahead(site: Site, claim: Claim, pedigree: Pedigree, vector: Vector) -> bool:
    if not pedigree.concerns(claim.sealer):
        return False
    return any(_is_beyond(site, dot, digest, vector) for dot, digest in claim.packets)


def _is_beyond(site: Site, dot: Dot, digest: str, vector: Vector) -> bool:
    """Whether a packet is one that the database does not know: beyond its vector, or another one of that number."""
    mark = vector.get(dot.origin)
    if mark is None or mark.seq < dot.seq:
        return True
    if not digest or node_of(dot.origin) != site.settings.node:
        return False
    record = site.store.packet(dot)
    return record is not None and not record.hash.startswith(digest[: len(record.hash)])


def _reason(site: Site, claim: Claim, vector: Vector) -> str:
    """Why, in words."""
    before = site.origin
    news = next((dot for dot, digest in claim.packets if _is_beyond(site, dot, digest, vector)), claim.packets[0][0])
    mark = vector.get(before)
    if mark is not None and trunk_of(news.origin) == before and (news.origin != before or news.seq <= mark.seq):
        return f"a copy of this database was used, or a backup restored: {claim.where} has another {before}/{news.seq}"
    here = f"the database ends at {Dot(before, mark.seq)}" if mark else f"the database has nothing of {before}"
    return f"a backup was restored: {claim.where} knows {news}, {here}"


def _fresh(node: str, taken: Iterable[str]) -> str:
    """A name that was not used before, as far as anybody here knows."""
    while True:
        name = f"{node}.{''.join(secrets.choice(_LETTERS) for _ in range(_LENGTH))}"
        if name not in taken:
            return name


def _folders(site: Site) -> set[str]:
    root = site.home.packets / site.archive.network
    return {entry.name for entry in root.iterdir()} if root.is_dir() else set()


def with_own_past(site: Site, wanted: Vector, ready: Iterable[Header]) -> dict[str, Mark]:
    """What a joining node collects before it compares its rows: the inviter's vector, and own packets where there are
    any. It has joined once already, and was put back to before that: most of its rows stand in those."""
    found = dict(wanted)
    for header in ready:
        if node_of(header.dot.origin) == site.settings.node:
            own = {header.dot.origin: Mark(header.dot.seq, header.hash)}
            for origin, mark in {**header.context, **own}.items():
                if origin not in found or found[origin].seq < mark.seq:
                    found[origin] = mark
    return found
