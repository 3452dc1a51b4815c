"""Forks as a site sees them: which packets it knows, what it calls them, and what it says of it (ADR 19).

The rules are those of replication/branches.py. What the database tells apart stands in its note `branches`, written in
the transaction that renames, so that names and rows never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from satchel.model.ids import Dot, node_of, parse_dot, trunk_of
from satchel.model.vector import HASH_DIGITS, Mark, Vector
from satchel.packet.receipt import settled_nodes
from satchel.replication.branches import Branch, Link, Naming, branches_from, links_of
from satchel.replication.order import Header

if TYPE_CHECKING:
    from satchel.packet.manifest import Manifest
    from satchel.packet.verify import SignedManifest
    from satchel.sync.site import Site

NOTE = "branches"


def known_branches(site: Site) -> list[Branch]:
    """The branches that the database tells apart."""
    return branches_from(json.loads(site.notes.get(NOTE, "{}")))


def naming_of(site: Site, packets: Iterable[SignedManifest] = (), known: Iterable[Branch] | None = None) -> Naming:
    """What the packets of this site are called. `packets`: those that are here and not applied; `known`: the branches
    that the database tells apart, if they are other than its note says."""
    links = [link_of(signed) for signed in packets]

    @cache
    def hash_of(dot: Dot) -> str | None:
        record = site.store.packet(dot)
        return record.hash if record is not None else None

    return Naming(links, site.store.vector(), hash_of, known_branches(site) if known is None else known)


def link_of(signed: SignedManifest) -> Link:
    """A packet in the chain of its sequence."""
    manifest = signed.manifest
    return Link(trunk_of(manifest.origin), manifest.seq, signed.hash, manifest.previous or "")


def header_of(signed: SignedManifest, naming: Naming) -> Header:
    """What the causal order needs of a packet, in the names that hold here."""
    manifest = signed.manifest
    origin = naming.name_of(link_of(signed))
    return Header(
        Dot(origin, manifest.seq),
        signed.hash[:HASH_DIGITS],
        naming.span(origin, manifest.group),
        naming.resolve(manifest.vector),
        naming.begins(link_of(signed)),
    )


def facts_of(site: Site, naming: Naming) -> dict[str, str]:
    """What is noted with the renaming: the branches, and the one that is this node's own."""
    facts = {NOTE: json.dumps(links_of(naming.branches))}
    own, head = site.own_origin, naming.applied.get(site.own_origin)
    for renaming in naming.renamings:
        if head is not None and renaming.old == own and head.seq >= renaming.first:
            facts["branch"] = renaming.new
            break  # the latest of them: they come in descending order
    if gone := site.notes.get("missing"):
        facts["missing"] = json.dumps([str(_renamed(parse_dot(name), naming)) for name in json.loads(gone)])
    return facts


def _renamed(dot: Dot, naming: Naming) -> Dot:
    for renaming in naming.renamings:
        dot = renaming.renamed(dot)
    return dot


def wire_context(site: Site, vector: Vector) -> dict[str, Mark]:
    """The context of the next own packet: the own chain goes on under the name that its manifests have (ADR 19)."""
    found = dict(vector)
    if site.own_origin in vector:
        found[site.origin] = vector[site.own_origin]
    return found


def own_context(site: Site, vector: Vector, manifest: Manifest) -> dict[str, Mark]:
    """The context of an own packet in the names of the database, `vector` being that before the seal."""
    found = dict(vector)
    mark = manifest.vector.get(manifest.origin)
    if mark is not None:
        found[site.own_origin] = mark
    return found


def forks(site: Site) -> list[dict[str, Any]]:
    """[{origin, first, branches: [{origin, seq, hash}], settled}]: the forks that this node knows. `first`: the number
    that was used more than once; `branches` with their heads here (seq 0: nothing of it is applied yet); `settled`: so
    many of the databases that wrote as this node have another identity by now that one is left."""
    vector = site.store.vector()
    found: dict[tuple[str, int, str], list[str]] = {}
    for branch in known_branches(site):
        found.setdefault((branch.link.trunk, *branch.link.parent), []).append(branch.name)
    settled = settled_nodes([(trunk, len(names)) for (trunk, _, _), names in found.items()], site.acks().values())
    return [
        {
            "origin": trunk,
            "first": seq + 1,
            "branches": [_head(name, vector) for name in sorted(names)],
            "settled": node_of(trunk) in settled,
        }
        for (trunk, seq, _), names in sorted(found.items())
    ]


def _head(name: str, vector: Mapping[str, Mark]) -> dict[str, Any]:
    mark = vector.get(name, Mark(0, ""))
    return {"origin": name, "seq": mark.seq, "hash": mark.hash}


def fork_alarms(site: Site) -> list[str]:
    """What is to be said of the forks that nobody has settled."""
    return [_words(fork) for fork in forks(site) if not fork["settled"]]


def _words(fork: Mapping[str, Any]) -> str:
    heads = " and ".join(f"{head['origin']}/{head['seq']}" for head in fork["branches"])
    return (
        f"several databases wrote as {node_of(fork['origin'])}: {fork['origin']}/{fork['first']} was sealed more than"
        f" once, and the work of all is kept ({heads})"
    )
