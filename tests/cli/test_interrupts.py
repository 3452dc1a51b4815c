"""Ctrl-C in the middle of a command: one line, exit 130, nothing half-done, and the next run does the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satchel.cli import main
from satchel.files.faults import faults
from tests.sync.places import branch, office, share, templates
from tests.sync.sites import Place, dump, emptied, logical

__all__ = ["branch", "office", "share", "templates"]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def interrupted_at(step: str, number: int) -> Callable[[str, Path], None]:
    """Presses Ctrl-C right before the n-th such step."""
    left = [number]

    def hook(what: str, _: Path) -> None:
        if what == step:
            left[0] -= 1
            if not left[0]:
                raise KeyboardInterrupt

    return hook


def ended_early(result: Result) -> bool:
    """Whether it was interrupted; if so in one line, with the exit code of shells."""
    if result.exit_code == 0:
        return False
    assert result.exit_code == 130
    assert result.stderr.splitlines() == ["satchel: interrupted; what was whole stays, the rest was not done"]
    return True


STEPS = [("create", 1), ("create", 2), ("write", 1), ("fsync", 2), ("rename", 1), ("rename", 3), ("fsync-folder", 4)]


@pytest.mark.parametrize(("step", "number"), STEPS)
def test_an_interrupted_sync_loses_nothing_and_the_next_one_ends_it(
    office: Place, branch: Place, share: Path, step: str, number: int
) -> None:
    branch.sql("UPDATE customers SET name = 'Eve'")
    branch.node.sync(share)
    office.sql("UPDATE customers SET name = 'Rome' WHERE name = (SELECT max(name) FROM customers)")
    with faults(interrupted_at(step, number)):
        assert ended_early(run("--home", office.home, "sync", share))
    assert run("--home", office.home, "status").exit_code == 0
    for place in (office, branch, office):
        assert run("--home", place.home, "sync", share).exit_code == 0
    assert dump(office.db) == dump(branch.db)
    assert run("verify", office.home / "packets").exit_code == 0


@pytest.mark.parametrize(("step", "number"), [("create", 1), ("write", 2), ("rename", 2), ("fsync-folder", 6)])
def test_an_interrupted_init_leaves_the_database_as_it_was(
    office: Place, tmp_path: Path, step: str, number: int
) -> None:
    db = emptied(office.db, tmp_path / "new.db")
    before, home = logical(db), tmp_path / "new"
    words = ("init", home, "--db", db, "--node", "new", "--network", "fresh")
    with faults(interrupted_at(step, number)):
        assert ended_early(run(*words))
    assert logical(db) == before
    assert run(*words).exit_code == 0
    assert run("--home", home, "status").exit_code == 0
