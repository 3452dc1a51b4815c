"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = ("satchel", "pyarrow", "duckdb", "cryptography", "pydantic")
_ALTERNATIVES = ("apsw", "pygeodiff", "zstandard")


def describe(alternatives: Path) -> dict[str, Any]:
    """{when, cores, memory in GiB, system, python, sqlite, versions}; no name of the machine."""
    return {
        "when": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": os.cpu_count(),
        "memory": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "versions": {name: found for name in _LIBRARIES if (found := _version(name))} | _installed(alternatives),
        "load": round(os.getloadavg()[0], 1),
    }


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return ""


def _installed(alternatives: Path) -> dict[str, str]:
    """From the names of their folders: their environment is another one."""
    folders = [path.stem for path in alternatives.glob("lib/python3*/site-packages/*.dist-info")]
    found = dict(folder.split("-", 1) for folder in folders if "-" in folder)
    return {name: found[name] for name in _ALTERNATIVES if name in found}
