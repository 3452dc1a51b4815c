"""Names: nodes, origins, packets (PROTOCOL, Words)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

NODE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")
# A node's name, then the epoch that it opened after a restore, then the branch of a fork.
ORIGIN_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}(\.[a-z0-9]{1,12})?(~[0-9a-f]{8,64})?")
# Folders beside the packets of an archive; a network of such a name could not be told from them.
RESERVED_NETWORKS = frozenset({"acks", "nodes", "packets", "snapshots"})


NOWHERE_ORIGIN = ""  # of what was never written


class Dot(NamedTuple):
    """The name of a packet, and so of the version of every row in it."""

    origin: str
    seq: int

    def __str__(self) -> str:
        return f"{self.origin}/{self.seq}"


@lru_cache(maxsize=4096)
def node_of(origin: str) -> str:
    """The node behind an origin: its name without epoch and branch."""
    return re.split(r"[.~]", origin, maxsplit=1)[0]


def trunk_of(origin: str) -> str:
    """The origin as manifests name it: a branch of a fork was sealed under the name of its trunk."""
    return origin.partition("~")[0]


def parse_dot(text: str) -> Dot:
    """`site-a/12` as a dot; ValueError otherwise."""
    origin, _, seq = text.rpartition("/")
    if not ORIGIN_NAME.fullmatch(origin) or not re.fullmatch(r"[1-9][0-9]{0,17}", seq):
        raise ValueError(f"{text!r} is not a packet's name")
    return Dot(origin, int(seq))
