"""What lies below the paths of an audit, verified: members, packets, acknowledgements (PROTOCOL, Packet format)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from satchel.audit.branches import link_of
from satchel.audit.held import Finding, Held, Slimmer
from satchel.audit.looking import open_place
from satchel.audit.members import Introduced, read_acks, read_members
from satchel.audit.memory import Memory
from satchel.audit.places import Found, Place, find_places
from satchel.errors import UsageError
from satchel.files import FileTrouble
from satchel.model.ids import node_of
from satchel.model.progress import counted
from satchel.packet.ack import Ack
from satchel.packet.keys import PublicKey
from satchel.packet.manifest import Manifest
from satchel.packet.members import Members
from satchel.packet.problem import Problem
from satchel.packet.verify import verify_parts
from satchel.replication.branches import Link, Naming


@dataclass
class Holdings:
    """Verified packets, each once, by origin and seq; `unverified` are the others, each with its reason. `links`: every
    packet that a member signed, in its chain."""

    introduced: Introduced
    packets: list[Held]
    unverified: list[Finding]
    acks: dict[str, Ack]
    warnings: list[str]
    links: list[Link] = field(default_factory=list)
    places: Found = field(default_factory=Found)

    @cached_property
    def naming(self) -> Naming:
        """What the packets are called."""
        return Naming(self.links, {}, lambda dot: None)

    @property
    def members(self) -> Members:
        """Who belongs to the network."""
        return self.introduced.members


def read_holdings(
    paths: Iterable[Path | str],
    root: PublicKey | None = None,
    table: str | None = None,
    memory: Memory | None = None,
) -> Holdings:
    """Verifies everything below the paths: signatures, network, sizes and hashes; decodes no Parquet. `table`: only
    packets with rows of this table, and only its files; `memory`: what verified before and was not touched since is
    taken as it was, and what verifies now is remembered. UsageError: nothing of ours is there; VerificationFailed: see
    `read_members`."""
    found = find_ours(paths)
    introduced = read_members(found.nodes, root, found.limits)
    if memory is not None:
        memory.begin(introduced.files, introduced.members.root.keyid)
    packets: dict[str, Held] = {}
    unverified = [Finding(place.guess, "", "incomplete: no manifest", str(place.folder)) for place in found.incomplete]
    slimmer = Slimmer()
    links = list(_pruned_links(found, introduced.members))
    for place in counted(found.packets, "verifying", "packets", len(found.packets)):
        if memory is not None and (known := memory.recall(place)) is not None:
            links.append(link_of(known.signed))
            if (asked := known.of_table(table)) is not None:
                packets.setdefault(known.hash, asked)
            continue
        before = memory.marks(place, ()) if memory is not None else {}
        opened = open_place(place, introduced.members)
        if isinstance(opened, Finding):
            unverified.append(opened)
            continue
        links.append(link_of(opened))
        if opened.hash not in packets and (manifest := _concerned(opened.manifest, table)):
            marks = memory.marks(place, manifest.sizes) | before if memory is not None else {}
            problem = _first_problem(place, manifest)
            if problem is None:
                held = slimmer.held(place.folder, opened, keyid_of(manifest, introduced.members))
                packets[opened.hash] = held.of_table(table) or held
                if memory is not None and table is None:
                    memory.learn(held, marks)
            else:
                unverified.append(Finding(*problem, str(place.folder)))
    acks = read_acks(found.acks, introduced.members)
    warnings = [*introduced.warnings, *acks.warnings, *(trouble.message for trouble in found.unreadable)]
    warnings += [f"{problem.file}: {problem.reason}" for problem in (*introduced.problems, *acks.problems)]
    ordered = sorted(packets.values(), key=lambda packet: (packet.dot, packet.hash))
    return Holdings(introduced, ordered, unverified, acks.newest, warnings, links, found)


def _pruned_links(found: Found, members: Members) -> Iterator[Link]:
    """The chain of packets of which only the manifest is left."""
    opened = (open_place(place, members) for place in found.pruned)
    return (link_of(signed) for signed in opened if not isinstance(signed, Finding))


def find_ours(paths: Iterable[Path | str]) -> Found:
    """What lies below the paths. UsageError: nothing of ours."""
    places = [Path(path) for path in paths]
    found = find_places(places)
    if found.is_empty:
        names = ", ".join(map(str, places))
        raise UsageError(f"no packet lies below {names}", "Name an archive, an exchange or a stick.")
    return found


def keyid_of(manifest: Manifest, members: Members) -> str:
    """Fingerprint of the key that signed a verified manifest: its node's."""
    key = members.key_of(node_of(manifest.origin))
    return "" if key is None else key.keyid


def _concerned(manifest: Manifest, table: str | None) -> Manifest | None:
    """The manifest with the tables that are asked for."""
    if table is None:
        return manifest
    entries = tuple(entry for entry in manifest.tables if entry.name == table)
    return manifest.model_copy(update={"tables": entries}) if entries else None


def _first_problem(place: Place, manifest: Manifest) -> Problem | None:
    try:
        parts = verify_parts(place.folder, manifest)
    except FileTrouble as trouble:
        return Problem(str(manifest.dot), "", trouble.message)
    return next(iter((*parts.invalid, *parts.incomplete)), None)
