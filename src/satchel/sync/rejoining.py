"""A new identity for a home that was copied: another name, another key, the same database (PROTOCOL, Trouble: clone).

All that is needed is written into one file of the home first; with it the home has its new identity, and the next
command does whatever of the following a kill has left undone: card, notes, key, settings. What was sealed under the old
name stays what it is; what is pending is sealed under the new one.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from satchel import files
from satchel.errors import SatchelError, UsageError
from satchel.exchange.archive import Archive
from satchel.files import read_limited, remove_file
from satchel.packet.invitation import Invitation, make_card, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.stores.base import Store
from satchel.sync.epochs import FORGOTTEN
from satchel.sync.home import REJOINING, Home
from satchel.sync.invitations import unused, use_up
from satchel.sync.settings import Settings
from satchel.sync.site import ACTIVE, Site, now_ms

_LIMIT = DEFAULT_LIMITS.manifest_bytes * 2  # bytes


@dataclass(slots=True)
class RejoinReport:
    """`was`: the name so far; `pending`: changed rows that will be sealed under the new one."""

    home: str
    node: str
    was: str
    network: str
    pending: int
    dry_run: bool = False
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Every field by name."""
        return {name: getattr(self, name) for name in self.__slots__}


def rejoin(site: Site, file: Path, *, dry_run: bool = False) -> RejoinReport:
    """Gives this home the identity of an invitation. UsageError if the file is no invitation or its name will not do;
    SatchelError if it was used, has expired or is of another network, or if this node is still joining; nothing was
    changed then."""
    invitation = read_invitation(unused(file), now_ms())
    _check(site, invitation)
    report = RejoinReport(
        str(site.home.path), invitation.node, site.settings.node, site.settings.network, site.store.pending(), dry_run
    )
    if dry_run:
        return report
    key = PrivateKey.generate()
    plan = {
        "node": invitation.node,
        "key": _text(key.raw()),
        "files": [_text(data) for data in (*invitation.files, make_card(invitation, key, now_ms()))],
    }
    files.replace(site.home.path / REJOINING, json.dumps(plan).encode("ascii"), mode=0o600)
    finish(site.home, site.settings, site.store)
    use_up(file, invitation.node, report.warnings)
    return report


def finish(home: Home, settings: Settings, store: Store) -> Settings:
    """Brings a rejoin that was begun to its end; the settings that hold then. Again changes nothing."""
    path = home.path / REJOINING
    if not path.is_file():
        return settings
    try:
        plan = json.loads(read_limited(path, _LIMIT))
        node, key = str(plan["node"]), PrivateKey.from_raw(base64.b64decode(plan["key"]))
        documents = [base64.b64decode(text) for text in plan["files"]]
    except (ValueError, KeyError, TypeError) as problem:
        raise SatchelError(f"{path} is damaged", "put the home back from its backup") from problem
    was = [] if settings.node == node else [settings.node]
    was = list(dict.fromkeys([*json.loads(store.notes().get("was", "[]")), *was]))
    settings = replace(settings, node=node)
    Site(home, settings, store, Archive(home.packets, settings.network)).add_node_files(documents)
    store.note({**FORGOTTEN, "was": json.dumps(was), "node": node, "origin": node, "invited": "{}"})
    key.replace(home.key)
    home.rename(settings.node)
    remove_file(path)
    return settings


def agree_on_name(site: Site) -> None:
    """Home and database go by one name. A database that was put back to before a rejoin takes that of its home; its
    former name is noted as such. SatchelError: the home is the older one, and lacks the key; or the name in
    `satchel.toml` is not that of the key."""
    name, former = site.notes.get("node", site.settings.node), json.loads(site.notes.get("was", "[]"))
    node = site.settings.node
    if name == node:
        return
    if node in former:
        raise SatchelError(
            f"the home is older than its database, which goes on as {name}",
            f"put the newer home back; or move this one away and `satchel join` with an invitation for a new name: the"
            f" database {site.store.url} keeps what it has",
        )
    if site.members.key_of(node) != site.key.public:
        raise SatchelError(f"satchel.toml says {node}, the database and the key say {name}", "put the name back")
    was = json.dumps([*former, name])
    site.note(**{**FORGOTTEN, "was": was, "node": node, "origin": node, "invited": "{}"})
    site.warnings.append(f"the database was put back to when it was {name}; it goes on as {node}")


def _check(site: Site, invitation: Invitation) -> None:
    if site.notes.get("state", ACTIVE) != ACTIVE:
        raise SatchelError("this node is still joining", "import once from the exchange, then rejoin")
    if (invitation.network.id, invitation.root.text) != (site.settings.network_id, site.settings.root):
        raise SatchelError(
            f"the invitation is for another network, {invitation.network.name}",
            f"ask an admin of {site.settings.network} for one",
        )
    if invitation.node == site.settings.node or site.members.member(invitation.node) is not None:
        raise UsageError(
            f"the invitation is for {invitation.node}, and there is a node of that name",
            "ask an admin to invite a new name: `satchel invite NAME`",
        )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
