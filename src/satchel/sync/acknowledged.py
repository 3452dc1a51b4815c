"""What others have, by the best acknowledgements that are known (PROTOCOL, Acknowledgements: read for what to drop)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from satchel.model.vector import Mark

if TYPE_CHECKING:
    from satchel.replication.branches import Naming
    from satchel.sync.site import Site


def marks_of(site: Site, peer: str, naming: Naming) -> Mapping[str, Mark]:
    """What a member has, in the names that hold here; empty where nothing was heard of it."""
    ack = site.acks().get(peer)
    return naming.covered(ack.marks) if ack is not None else {}


def had_by_all(site: Site, known: Sequence[Mapping[str, Mark]]) -> dict[str, Mark]:
    """Of each origin that was applied here the last packet that all of `known` cover, without its hash; seq 0: none."""
    return {
        origin: Mark(min(marks[origin].seq if origin in marks else 0 for marks in known), "")
        for origin in site.store.vector()
    }
