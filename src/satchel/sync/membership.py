"""Members: inviting, and listing who belongs (PROTOCOL, Members and configuration)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.errors import UsageError
from satchel.files import replace
from satchel.model.devices import is_device
from satchel.model.ids import NODE_NAME
from satchel.model.stamp import rfc3339
from satchel.packet.invitation import make_invitation
from satchel.packet.options import FOLLOW, REPORT
from satchel.sync import sealing
from satchel.sync.choosing import reference_word
from satchel.sync.site import Site, now_ms
from satchel.sync.visit import Tour, look

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class InviteReport:
    """An invitation that was written."""

    path: str
    node: str
    role: str
    expires: str
    sealed: list[str]
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def invite(site: Site, name: str, *, out: Path | None, role: str, days: int, dry_run: bool = False) -> InviteReport:
    """Writes an invitation for one node; seals first, so that it carries a vector. UsageError: the name is taken."""
    if not NODE_NAME.fullmatch(name) or is_device(name):
        raise UsageError(
            f"{name!r} cannot be the name of a node", "use a-z, 0-9 and -, at most 31 of them, no - in front"
        )
    if days < 1:
        raise UsageError("an invitation holds for a day at least", "name more --days")
    if site.joining:
        raise UsageError("this node is still joining", "import once from the exchange, then invite")
    path = out or Path(f"{name}.invite")
    if path.exists():
        raise UsageError(f"{path} exists already", "name another file with --out")
    now = now_ms()
    expires = now + days * DAY_MS
    look(site, Tour(()), dry_run=dry_run)
    sealed = [] if dry_run else sealing.seal_pending(site)
    files = list(site.node_files().values())
    data = make_invitation(
        site.key, site.members, name, role, now=now, expires=expires, files=files, vector=site.store.vector()
    )
    if not dry_run:
        replace(path, data, mode=0o600)
        site.note(invited=json.dumps({**site.invited(), name: expires}))
    dots = [str(packet.dot) for packet in sealed]
    return InviteReport(str(path), name, role, rfc3339(expires), dots, dry_run, site.warnings)


def list_tables(site: Site) -> Mapping[str, Any]:
    """{tables: [{table, key, scope, policy, columns}], left_out: [{table, reason}], references: [TABLE.COLUMN=TABLE],
    schema: follow | report}."""
    configuration = site.configuration
    tables = [
        {
            "table": table.name,
            "key": list(table.key),
            "scope": table.scope,
            "policy": configuration.policy_of(table.name),
            "columns": list(table.names),
        }
        for table in site.store.tables()
    ]
    left_out = [{"table": entry.table, "reason": entry.reason} for entry in site.store.left_out()]
    references = [reference_word(reference) for reference in configuration.references]
    return {
        "tables": tables,
        "left_out": left_out,
        "references": references,
        "schema": FOLLOW if configuration.options.follows else REPORT,
    }
