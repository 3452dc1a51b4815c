"""The limits of a home whose archive is audited: what it may read there, an audit of it reads, too."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

from satchel.files import FileTrouble, read_limited
from satchel.packet.limits import DEFAULT_LIMITS, Limits

SETTINGS_NAME = "satchel.toml"
_MAX_BYTES = 1 << 20


def limits_of(paths: Sequence[Path]) -> Limits:
    """Of `[limits]` in the home that the one path is, or is the archive of; else, and where the file is none, the
    defaults: what is wrong with it `satchel doctor` says."""
    if len(paths) != 1:
        return DEFAULT_LIMITS
    home = paths[0] if (paths[0] / SETTINGS_NAME).is_file() else paths[0].parent
    if paths[0] not in (home, home / "packets") or not (home / SETTINGS_NAME).is_file():
        return DEFAULT_LIMITS
    try:
        raw = tomllib.loads(read_limited(home / SETTINGS_NAME, _MAX_BYTES).decode())
        section = raw.get("limits", {})
        return Limits.of(section) if isinstance(section, dict) else DEFAULT_LIMITS
    except (FileTrouble, ValueError):
        return DEFAULT_LIMITS
