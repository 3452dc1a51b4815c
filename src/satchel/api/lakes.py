"""A lake of an archive, for programs and for the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from satchel.files import wall


def lake(
    directory: str | Path,
    *paths: str | Path,
    fresh: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Derives large Parquet files per table and month from the packets below the paths, or brings those that are there
    up to date: {lake, packets, added, removed, rows, files, written, bytes, tables, left_out, warnings}.

    `fresh`: from the beginning. UsageError: no packets, or a directory that is not empty and no lake, or lies among the
    packets; VerificationFailed: no card to verify by.
    """
    from satchel.audit.lake import make_lake

    with wall(Path(directory)):
        return make_lake(directory, paths, fresh=fresh, dry_run=dry_run).as_json()
