"""What is asked most is asked of what is known: status, and a sync that finds nothing, load no library for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sync.places import branch, office, share, templates
from tests.sync.sites import Place

__all__ = ["branch", "office", "share", "templates"]

HEAVY = {"pydantic", "pydantic_core", "cryptography", "pyarrow", "duckdb", "rich", "watchdog", "logging"}


def loaded(*words: str) -> set[str]:
    script = (
        f"import sys\nfrom satchel.cli import main\ntry:\n main({list(words)!r})\nfinally:\n print('|', *sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(told.rpartition("|")[2].split())


@pytest.mark.parametrize("words", [("status",), ("sync", "share"), ("import", "share"), ("log",)])
def test_nothing_heavy_is_loaded_where_nothing_is_new(
    office: Place, branch: Place, share: Path, words: tuple[str, ...]
) -> None:
    for _ in range(2):  # the first one remembers what it verified
        branch.node.sync(share)
        office.node.sync(share)
    found = loaded("--home", str(office.home), words[0], *([str(share)] if words[1:] else []))
    assert "satchel.stores.sqlite.store" in found
    assert HEAVY & found == set()


def test_importing_the_package_and_opening_a_home_is_light(office: Place) -> None:
    script = f"import sys, satchel\nsatchel.open({str(office.home)!r})\nprint(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert {*HEAVY, "click", "sqlite3"} & set(told.split()) == set()
