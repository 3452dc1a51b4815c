"""Names that Windows takes for devices, whatever follows a dot: a file `con.parquet` would be the console."""

from __future__ import annotations

import re

_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE | re.DOTALL)


def is_device(name: str) -> bool:
    """Whether a file or folder of this name cannot be made everywhere."""
    return _DEVICE.fullmatch(name) is not None
