"""The origins under which this node has sealed, as its database notes them (PROTOCOL, Trouble: restored backup)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satchel.sync.site import Site


def epochs(site: Site) -> list[dict[str, Any]]:
    """[{origin, predecessor, at, because}]: the epochs that this database has opened, oldest first; `at` in
    milliseconds since 1970 UTC."""
    found: list[dict[str, Any]] = json.loads(site.notes.get("epochs", "[]"))
    return found


def predecessor(site: Site) -> str | None:
    """The origin before the present one; None: there was none."""
    return next((str(epoch["predecessor"]) for epoch in epochs(site) if epoch["origin"] == site.origin), None)
