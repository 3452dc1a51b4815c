"""Everything below some paths that an audit stands on, verified, named and numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from satchel.audit.branches import dot_of
from satchel.audit.caution import cautions
from satchel.audit.counting import Counting, split
from satchel.audit.foundation import Foundation, find_foundation
from satchel.audit.gaps import Gap, find_gaps
from satchel.audit.held import Finding, Held
from satchel.audit.holdings import Holdings
from satchel.audit.lake_relations import LakeRelations, read_with_lake
from satchel.audit.ledger import Ledger, make_ledger
from satchel.audit.rulebook import Rulebook
from satchel.audit.tables import Named, gather_tables
from satchel.packet.keys import PublicKey


@dataclass(frozen=True, slots=True)
class Material:
    """`packets`: those that verified and count; `unverified`: what is in no view, each with its reason; `left_out`: how
    many parts of verified packets are in no view; `base`: the snapshot that stands for pruned packets; `lake`: files
    that are read in place of those of packets."""

    held: Holdings
    packets: Sequence[Held]
    unverified: Sequence[Finding]
    counting: Counting
    base: Foundation | None
    ledger: Ledger
    tables: Sequence[Named]
    left_out: int
    rulebook: Rulebook
    gaps: Sequence[Gap]
    warnings: Sequence[str]
    lake: LakeRelations | None = None


def gather(paths: Sequence[Path | str], root: PublicKey | None = None, lake: Path | str | None = None) -> Material:
    """Reads and verifies what lies below the paths; decodes no rows. UsageError: nothing of ours is there;
    VerificationFailed: see `read_members`."""
    held, relations = read_with_lake(paths, root, lake)
    naming = held.naming
    packets, beyond, counting = split(held.packets, naming, held.members.bans)
    here = {dot_of(packet, naming) for packet in packets}
    base, doubtful, told = find_foundation(held.places.snapshots, held.members, naming, here)
    ledger = make_ledger(packets, naming, base)
    configuration = held.members.configuration
    agreed = configuration.shared_tables() if configuration else ()
    tables, left_out = gather_tables(agreed, packets, naming, base)
    rulebook = Rulebook(configuration)
    gaps = find_gaps(ledger, counting, held.acks.values())
    unverified = [*held.unverified, *doubtful, *beyond]
    warnings = cautions(held, unverified, [*left_out, *told, *rulebook.warnings()], naming, gaps, base)
    return Material(
        held, packets, unverified, counting, base, ledger, tables, len(left_out), rulebook, gaps, warnings, relations
    )
