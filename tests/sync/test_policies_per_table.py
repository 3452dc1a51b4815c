"""The network's choice of a policy, per table, travels in the signed configuration and is the same on every node."""

from __future__ import annotations

from pathlib import Path

import pytest

import satchel
from satchel.errors import UsageError
from tests.sync.sites import make_database

SCHEMA = ("CREATE TABLE prices (id TEXT PRIMARY KEY, v TEXT)", "CREATE TABLE notes (id TEXT PRIMARY KEY, v TEXT)")


def test_every_node_has_the_policy_of_each_table(tmp_path: Path) -> None:
    for name in "ab":
        make_database(tmp_path / f"{name}.db", *SCHEMA)
    policies = {"pri*": "latest", "*": "manual", "prices": "priority:a,b"}
    satchel.init(tmp_path / "a", db=tmp_path / "a.db", node="a", network="n", policies=policies)
    satchel.open(tmp_path / "a").invite("b", out=tmp_path / "b.invite")
    satchel.join(tmp_path / "b.invite", tmp_path / "b", db=tmp_path / "b.db")
    for name in "ab":
        tables = satchel.open(tmp_path / name).tables()["tables"]
        assert {t["table"]: t["policy"] for t in tables} == {"prices": "priority:a,b", "notes": "manual"}


@pytest.mark.parametrize("policies", [{"nothing": "latest"}, {"prices": "newest"}])
def test_a_policy_for_no_table_or_of_no_kind_is_refused_and_nothing_is_made(
    tmp_path: Path, policies: dict[str, str]
) -> None:
    make_database(tmp_path / "a.db", *SCHEMA)
    with pytest.raises(UsageError):
        satchel.init(tmp_path / "a", db=tmp_path / "a.db", node="a", network="n", policies=policies)
    assert not (tmp_path / "a").exists()
