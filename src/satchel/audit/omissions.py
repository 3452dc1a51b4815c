"""What somebody acknowledged and is not here: packets withheld, or the tail of a chain cut off (PROTOCOL,
Acknowledgements). Also what acknowledgements say against each other.

A stick carries only what others lack: that a packet is not on it means nothing. An archive keeps everything, so there
it is a problem. In a home it is one where its own node has acknowledged the packet, or sealed it; what only others have
may still be on its way.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from satchel.audit.held import Finding, Held
from satchel.errors import SatchelError
from satchel.files import read_limited
from satchel.model.ids import Dot, node_of, trunk_of
from satchel.model.vector import HASH_DIGITS
from satchel.packet.ack import Ack
from satchel.packet.equal import differing, in_words
from satchel.replication.cuts import Cut, is_beyond

_SETTINGS = "satchel.toml"
_LIMIT = 1 << 20  # bytes of settings


class Omissions(NamedTuple):
    """`problems`: something is missing or contradicts; `missing`: others have it, and it may still be on its way."""

    problems: list[Finding]
    missing: list[Finding]


def owner_of(paths: Iterable[Path | str]) -> str | None:
    """The node whose home is looked at, or whose archive within its home; None: none, or several."""
    owners = {owner for path in map(Path, paths) for owner in (_owner(path), _owner(path.parent)) if owner}
    return owners.pop() if len(owners) == 1 else None


def _owner(home: Path) -> str | None:
    if not (home / "packets").is_dir() or not (home / _SETTINGS).is_file():
        return None
    try:
        name = tomllib.loads(read_limited(home / _SETTINGS, _LIMIT).decode()).get("node", {}).get("name")
    except (SatchelError, ValueError, AttributeError):
        return None
    return name if isinstance(name, str) else None


class Here(NamedTuple):
    """What is here: verified `packets`; what snapshots stand for, by manifest hash (`covered`); the names of folders
    that are not whole (`arriving`)."""

    packets: Sequence[Held]
    covered: Mapping[Dot, set[str]]
    arriving: Collection[str] = ()

    def hashes(self) -> dict[str, dict[int, set[str]]]:
        """First digits of the manifest hashes by origin, as it is signed, and seq."""
        known: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for packet in self.packets:
            known[packet.dot.origin][packet.dot.seq].add(packet.hash[:HASH_DIGITS])
        for dot, hashes in self.covered.items():
            known[dot.origin][dot.seq] |= {digest[:HASH_DIGITS] for digest in hashes}
        return known

    def last(self) -> dict[str, int]:
        """The last packet of each origin that is here, or that one here had seen: those are named as its gaps."""
        found: dict[str, int] = defaultdict(int)
        marks = [(trunk_of(name), mark.seq) for packet in self.packets for name, mark in packet.context.items()]
        for origin, seq in [*(packet.dot for packet in self.packets), *self.covered, *marks]:
            found[origin] = max(found[origin], seq)
        return found


def omission_findings(here: Here, acks: Mapping[str, Ack], cut: Cut, owner: str | None) -> Omissions:
    """Compares what was acknowledged with what is here. `cut`: the last packet that counts of an origin of a revoked
    node; `owner`: see `owner_of`."""
    result = Omissions([], [])
    known, last = here.hashes(), here.last()
    beyond: dict[str, dict[str, int]] = defaultdict(dict)  # origin -> who -> the last that it has
    for node, ack in sorted(acks.items()):
        for name, mark in ack.marks.items():
            origin = trunk_of(name)
            there = known[origin].get(mark.seq) if origin in known else None
            if is_beyond(name, mark.seq, cut):
                continue
            if there is None and mark.seq > last.get(origin, 0):
                beyond[origin][node] = mark.seq
            elif there is not None and mark.hash not in there:
                reason = f"{node} has acknowledged another packet {origin}/{mark.seq}, with the hash {mark.hash}"
                result.problems.append(Finding(f"{origin}/{mark.seq}", "", reason))
    for origin, by in sorted(beyond.items()):
        first, final = last.get(origin, 0) + 1, max(by.values())
        arriving = all(f"{origin}/{seq}" in here.arriving for seq in range(first, final + 1))
        must_be = owner is None or owner in by or node_of(origin) == owner
        (result.problems if must_be and not arriving else result.missing).append(_absent(origin, first, final, by))
    return result


def _absent(origin: str, first: int, final: int, by: Mapping[str, int]) -> Finding:
    upto = f", with all to {origin}/{final}" if final > first else ""
    names = " and ".join(f"{node} up to {origin}/{seq}" for node, seq in sorted(by.items()))
    return Finding(f"{origin}/{first}", "", f"not here{upto}: acknowledged by {names}")


def equality_findings(acks: Mapping[str, Ack]) -> list[Finding]:
    """Nodes that had the same packets and tell of different rows (PROTOCOL, Equality)."""
    told = {node: ack.digests.model_dump(mode="json") for node, ack in sorted(acks.items()) if ack.digests is not None}
    found = []
    for (one, mine), (other, theirs) in combinations(told.items(), 2):
        if differs := differing(mine, theirs):
            reason = f"{one} and {other} had the same packets and not the same rows: {in_words(differs)}"
            found.append(Finding("", f"acks/{other}.json", reason))
    return found
