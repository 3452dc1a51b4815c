"""Forks in an archive: what its packets are called, and what is to be said of it (PROTOCOL, Trouble: clone, fork)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from satchel.audit.held import Finding, Held
from satchel.model.ids import Dot, node_of, trunk_of
from satchel.packet.ack import Ack
from satchel.packet.manifest import MANIFEST_NAME
from satchel.packet.receipt import settled_nodes
from satchel.packet.verify import SignedManifest
from satchel.replication.branches import Branch, Link, Naming


def naming_of(packets: Iterable[Held]) -> Naming:
    """The names of verified packets: those that every node gives them that knows the same ones."""
    return Naming([link_of(packet.signed) for packet in packets], {}, lambda dot: None)


def dot_of(packet: Held, naming: Naming) -> Dot:
    """A packet by the name that holds."""
    return Dot(naming.name_of(link_of(packet.signed)), packet.dot.seq)


def link_of(signed: SignedManifest) -> Link:
    """A packet in the chain of its sequence."""
    manifest = signed.manifest
    return Link(trunk_of(manifest.origin), manifest.seq, signed.hash, manifest.previous or "")


def heads(packets: Sequence[Held], naming: Naming) -> dict[str, dict[str, object]]:
    """The last packet of each origin, branches apart: {origin: {seq, hash}}."""
    found: dict[str, dict[str, object]] = {}
    for dot, digest in sorted((dot_of(packet, naming), packet.hash) for packet in packets):
        found[dot.origin] = {"seq": dot.seq, "hash": digest}
    return found


def fork_findings(
    packets: Sequence[Held], naming: Naming, acks: Iterable[Ack]
) -> tuple[list[Finding], list[str], set[str]]:
    """One problem for each fork, with its heads; a warning where all but one of the databases have another identity.
    Also the origins that were explained so."""
    problems: list[Finding] = []
    warnings: list[str] = []
    ends = heads(packets, naming)
    forks = _forks(naming)
    settled = settled_nodes([(branches[0].link.trunk, len(branches)) for branches in forks], acks)
    for branches in forks:
        trunk, first = branches[0].link.trunk, branches[0].link.seq
        tips = " and ".join(f"{b.name}/{ends[b.name]['seq']} ({str(ends[b.name]['hash'])[:16]})" for b in branches)
        reason = f"fork: {len(branches)} valid manifests have this number; the branches end at {tips}"
        if node_of(trunk) in settled:
            warnings.append(f"{Dot(trunk, first)}: {reason}; one of the databases has another identity by now")
        else:
            problems.append(Finding(str(Dot(trunk, first)), MANIFEST_NAME, reason))
    return problems, warnings, {branches[0].link.trunk for branches in forks}


def _forks(naming: Naming) -> list[list[Branch]]:
    """The branches that begin behind one packet, together."""
    found: dict[tuple[str, int, str], list[Branch]] = defaultdict(list)
    for name in sorted(naming.branches):
        branch = naming.branches[name]
        found[branch.link.trunk, *branch.link.parent].append(branch)
    return [found[key] for key in sorted(found)]


def warned(naming: Naming) -> Iterator[str]:
    """One line for each fork."""
    for branches in _forks(naming):
        names = " and ".join(branch.name for branch in branches)
        link = branches[0].link
        yield f"{link.trunk} was sealed more than once from {link.seq} on: its branches stand apart, as {names}"
