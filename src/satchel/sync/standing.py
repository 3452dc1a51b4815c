"""What this node may do by the signed files: seal, sign, or only read (PROTOCOL, Members: roles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from satchel.errors import SatchelError, UsageError
from satchel.packet.said import REVOKE

if TYPE_CHECKING:
    from satchel.sync.site import Site

READER = "reader"


def refuse_revoked(site: Site) -> None:
    """SatchelError if this node was revoked: others refuse what it would seal from now on."""
    node = site.settings.node
    if not site.members.is_revoked(node):
        return
    said = min(site.members.said_of(node, REVOKE), key=lambda statement: statement.at)
    cut = site.members.cut(site.origin)
    counts = (
        f"of {site.origin} only the packets up to {cut.seq} count" if cut and cut.seq else "none of its packets counts"
    )
    raise SatchelError(
        f"{node} was revoked by {said.node} on {said.at[:10]}: {counts}, and it seals nothing more",
        f"its rows are all in its database; to go on, ask {said.node} for an invitation under a new name, then"
        " `satchel detach` and `satchel join`",
    )


def may_seal(site: Site) -> bool:
    """Whether what is pending becomes packets. A reader's edits stay where they are, and it is said. SatchelError if
    this node was revoked."""
    refuse_revoked(site)
    if site.members.role(site.settings.node) != READER:
        return True
    count = site.store.pending()
    if count:
        rows = "1 changed row stays" if count == 1 else f"{count:,} changed rows stay"
        words = f"{site.settings.node} is a reader: {rows} in this database only, until others change what is there"
        if words not in site.warnings:
            site.warnings.append(words)
    return False


def refuse_rows_of_reader(site: Site) -> None:
    """SatchelError if this node is a reader: it brings no rows into the network."""
    if site.members.role(site.settings.node) == READER:
        raise SatchelError(
            f"{site.settings.node} is a reader, and its database has rows that the network does not have",
            "join with a database that is empty or a copy of a member's, or ask for an invitation as a member",
        )


def require_admin(site: Site, doing: str) -> None:
    """UsageError while joining; SatchelError unless this node is an admin, or was revoked."""
    node, members = site.settings.node, site.members
    if site.joining:
        raise UsageError("this node is still joining", "import once from the exchange first")
    refuse_revoked(site)
    if members.role(node) != "admin":
        admins = ", ".join(member.name for member in members.awaited if member.role == "admin")
        raise SatchelError(f"{node} is no admin and cannot {doing}", f"do it at {admins or 'an admin'}")
