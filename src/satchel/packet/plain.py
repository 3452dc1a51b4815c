"""Who belongs to the network, as it was decided, in words that JSON has: what a run remembers for the next (ADR 28).

It is read back without a check: whoever remembers it vouches for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from satchel.packet.agreed import Agreed
from satchel.packet.bans import Bans
from satchel.packet.keys import PublicKey
from satchel.packet.members import Member, Members
from satchel.packet.problem import Problem, Waiting
from satchel.packet.said import Said
from satchel.packet.wire import from_wire, to_wire

if TYPE_CHECKING:
    from satchel.packet.limits import Limits


def digest_of(file: bytes) -> str:
    """What a signed file is known by: its sha256, hex."""
    return hashlib.sha256(file).hexdigest()


def members_to_plain(members: Members) -> dict[str, Any]:
    """What was decided; not under which limits."""
    return {
        "network": [members.network_id, members.network_name],
        "root": members.root.text,
        "members": [[m.name, m.role, m.key.text, m.inviter] for m in members.members],
        "configurations": [[c.file_name, c.version, c.follows, digest_of(c.file)] for c in members.configurations],
        "statements": [[s.kind, s.node, s.at, s.about, s.conflict] for s in members.statements],
        "waiting": members.waiting,
        "problems": members.problems,
        "alarms": members.alarms,
        "refused": members.refused_keys,
        "cuts": {node: [to_wire(marks) for marks in said] for node, said in members.bans.cuts.items()},
        "documents": {node: sorted(digests) for node, digests in members.bans.documents.items()},
    }


def members_from_plain(plain: Mapping[str, Any], files: Mapping[str, bytes], limits: Limits) -> Members:
    """The same again; `files` of `nodes/` by digest. KeyError, TypeError or ValueError if it is something else."""
    network_id, network_name = plain["network"]
    cuts = {node: tuple(from_wire(marks) for marks in said) for node, said in plain["cuts"].items()}
    return Members(
        network_id,
        network_name,
        PublicKey.parse(plain["root"]),
        tuple(Member(name, role, PublicKey.parse(key), inviter) for name, role, key, inviter in plain["members"]),
        tuple(
            Agreed(name, version, follows, files[digest]) for name, version, follows, digest in plain["configurations"]
        ),
        tuple(Said(*said) for said in plain["statements"]),
        tuple(Waiting(*entry) for entry in plain["waiting"]),
        tuple(Problem(*entry) for entry in plain["problems"]),
        tuple(plain["alarms"]),
        dict(plain["refused"]),
        Bans(cuts, {node: frozenset(digests) for node, digests in plain["documents"].items()}),
        limits,
    )
