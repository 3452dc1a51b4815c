"""Invitations as files: used once, by `join` or `rejoin`."""

from __future__ import annotations

import errno
import json
from pathlib import Path

from satchel.errors import SatchelError, UsageError
from satchel.files import FileTrouble, read_limited, replace
from satchel.model.stamp import rfc3339
from satchel.packet.limits import DEFAULT_LIMITS
from satchel.sync.site import now_ms

# What is named is no invitation; anything else is the medium's trouble.
_ANOTHER_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EINVAL, errno.EFBIG, errno.ENAMETOOLONG})


def unused(file: Path) -> bytes:
    """The bytes of an invitation. UsageError: it is no such file; SatchelError: it was used, or
    the medium cannot be read."""
    try:
        data = read_limited(file, DEFAULT_LIMITS.manifest_bytes * 2, follow_links=True)
    except FileTrouble as trouble:
        if trouble.errno not in _ANOTHER_FILE:
            raise
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
