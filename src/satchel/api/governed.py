"""What a node can do about its network: who belongs, what is replicated, what may be forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.sync.opening import reading, working

if TYPE_CHECKING:
    from satchel.sync.configuring import ConfigurationReport
    from satchel.sync.leaving import LeavingReport
    from satchel.sync.membership import InviteReport
    from satchel.sync.pruning import PruneReport
    from satchel.sync.rejoining import RejoinReport
    from satchel.sync.snapshotting import SnapshotReport


class Governed:
    """A part of `Node`."""

    home: Path

    def invite(
        self, name: str, *, out: str | Path | None = None, role: str = "member", days: int = 30, dry_run: bool = False
    ) -> InviteReport:
        """Writes an invitation for one node (`NAME.invite` unless `out` is named)."""
        from satchel.sync import membership

        with working(self.home, dry_run=dry_run) as site:
            path = Path(out) if out is not None else None
            return membership.invite(site, name, out=path, role=role, days=days, dry_run=dry_run)

    def rejoin(self, invitation: str | Path, *, dry_run: bool = False) -> RejoinReport:
        """Gives a home that was copied a new name and key, those of an invitation; its database stays as it is."""
        from satchel.sync import rejoining

        with working(self.home, dry_run=dry_run) as site:
            return rejoining.rejoin(site, Path(invitation), dry_run=dry_run)

    def snapshot(self, directory: str | Path | None = None, *, dry_run: bool = False) -> SnapshotReport:
        """Makes the state for late joiners, in the archive and in a folder; an admin's."""
        from satchel.sync import snapshotting

        with working(self.home, dry_run=dry_run) as site:
            return snapshotting.snapshot(site, None if directory is None else Path(directory), dry_run=dry_run)

    def prune(self, *, keep_days: int | None = None, deleted: bool = False, dry_run: bool = False) -> PruneReport:
        """Removes from the archive what everybody has and a snapshot stands for."""
        from satchel.sync import pruning

        with working(self.home, dry_run=dry_run) as site:
            keep_days = site.settings.keep_days if keep_days is None else keep_days
            return pruning.prune(site, keep_days=keep_days, deleted=deleted, dry_run=dry_run)

    def retire(self, name: str, *, dry_run: bool = False) -> LeavingReport:
        """Nobody waits for a node any more; what it sealed counts. An admin's word, or that of the node itself."""
        from satchel.sync import leaving

        with working(self.home, dry_run=dry_run) as site:
            return leaving.retire(site, name, dry_run=dry_run)

    def revoke(self, name: str, *, at: Sequence[str] = (), dry_run: bool = False) -> LeavingReport:
        """Nothing more of a node counts than what is applied here, or up to the packets `at` (`12` or `name/12`)."""
        from satchel.sync import leaving

        with working(self.home, dry_run=dry_run) as site:
            return leaving.revoke(site, name, at, dry_run=dry_run)

    def add_tables(self, *globs: str, dry_run: bool = False) -> ConfigurationReport:
        """Replicates more tables: an admin's change of the configuration."""
        from satchel.sync import configuring

        with working(self.home, dry_run=dry_run) as site:
            return configuring.add_tables(site, globs, dry_run=dry_run)

    def set_policy(self, glob: str, policy: str, *, dry_run: bool = False) -> ConfigurationReport:
        """Another conflict policy for the tables of these names: an admin's change of the configuration."""
        from satchel.sync import configuring

        with working(self.home, dry_run=dry_run) as site:
            return configuring.set_policy(site, glob, policy, dry_run=dry_run)

    def add_references(self, *references: str, dry_run: bool = False) -> ConfigurationReport:
        """Names references that the schema does not declare, TABLE.COLUMN=TABLE: an admin's change."""
        from satchel.sync import configuring

        with working(self.home, dry_run=dry_run) as site:
            return configuring.add_references(site, references, dry_run=dry_run)

    def nodes(self) -> Mapping[str, Any]:
        """{nodes: [{node, role, key, invited_by, state, this, cuts, by, until, heard, silent}], problems: [text]};
        `state`: active | retired | revoked | waiting | invited | expired."""
        from satchel.sync import roll

        with reading(self.home) as site:
            return roll.list_nodes(site)

    def tables(self) -> Mapping[str, Any]:
        """{tables: [{table, key, scope, policy, columns}], left_out: [{table, reason}],
        references: [TABLE.COLUMN=TABLE], schema: follow | report}."""
        from satchel.sync import membership

        with reading(self.home) as site:
            return membership.list_tables(site)
