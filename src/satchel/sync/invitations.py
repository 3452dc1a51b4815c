"""Invitations as files: used once, by `join` or `rejoin`."""

from __future__ import annotations

import json
from pathlib import Path

from satchel.errors import SatchelError, UsageError
from satchel.files import FileTrouble, read_limited, replace
from satchel.model.stamp import rfc3339
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.sync.site import now_ms


def unused(file: Path) -> bytes:
    """The bytes of an invitation. UsageError: it cannot be read; SatchelError: it was used."""
    try:
        data = read_limited(file, DEFAULT_LIMITS.manifest_bytes * 2, follow_links=True)
    except FileTrouble as trouble:
        raise UsageError(
            f"the invitation {file} cannot be read: {trouble.message}", "name the file that `satchel invite` wrote"
        ) from trouble
    try:
        used = json.loads(data).get("used")
    except (ValueError, AttributeError, RecursionError):
        return data
    if used:
        raise SatchelError(f"the invitation {file} was used already: {used}", "ask for a new one with `satchel invite`")
    return data


def use_up(file: Path, node: str, warnings: list[str]) -> None:
    """An invitation is used once: its secret goes. Where that cannot be done, the warnings say so."""
    try:
        replace(file, json.dumps({"used": f"by {node} at {rfc3339(now_ms())}"}).encode("ascii"))
    except FileTrouble as trouble:
        warnings.append(f"the used invitation {file} could not be cleared ({trouble.message}); delete it by hand")
