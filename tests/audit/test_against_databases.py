"""What an audit shows is what the databases show that applied the same packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel.audit.session import open_audit
from tests.audit.shops import Shops, shown


def compare(shops: Shops, name: str, *warnings: str) -> None:
    with open_audit(shops.root / name) as audit:
        assert len(audit.warnings) == len(warnings), audit.warnings
        assert all(words in found for words, found in zip(warnings, audit.warnings, strict=True))
        assert shown(audit) == shops.live(name)
        listed = audit.sql("SELECT id FROM conflicts WHERE closed_by IS NULL ORDER BY id").rows
    open_ones = [entry["id"] for entry in shops.nodes[name].conflicts() if entry["closed"] is None]
    assert [id_ for (id_,) in listed] == sorted(open_ones)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [109])  # a row is shown under the key of its parent's twin
def test_an_audit_shows_what_the_databases_show(tmp_path: Path, seed: int) -> None:
    shops = Shops(tmp_path, seed)
    shops.run(20)
    shops.sync("south")
    compare(shops, "south")
    shops.settle()
    compare(shops, "office")


@pytest.mark.slow
def test_a_snapshot_stands_for_packets_that_were_pruned(tmp_path: Path) -> None:
    shops = Shops(tmp_path, 5)
    shops.run(12)
    shops.settle()
    shops.nodes["office"].snapshot()
    shops.settle()
    assert shops.nodes["office"].prune().packets
    shops.run(6)
    shops.sync("office")
    compare(shops, "office", "some packets were pruned")
    with open_audit(tmp_path / "office") as audit:
        assert audit.sql("SELECT count(*) > 0 FROM gaps WHERE covered").rows == [(True,)]
        past = audit.sql("FROM as_of('plain', '2020-01-01T00:00Z')")
    assert past.rows == []
    assert any("were pruned" in warning for warning in past.warnings)


@pytest.mark.slow
def test_what_lies_beyond_a_cut_does_not_count(tmp_path: Path) -> None:
    shops = Shops(tmp_path, 6)
    shops.settle()
    shops.nodes["office"].revoke("north")
    shops.edit("north", 20)
    shops.sync("north")
    shops.run(4, ("office", "south"))
    for name in ("office", "south", "office"):
        shops.sync(name)
    compare(shops, "office")
    with open_audit(shops.share) as audit:
        found = audit.sql("SELECT DISTINCT reason FROM unverified").rows
        assert found == [("beyond a cut: north was revoked",)]
        assert shown(audit) == shops.live("office")
