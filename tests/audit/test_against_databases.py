"""What an audit shows is what the databases show that applied the same packets."""

from __future__ import annotations

from pathlib import Path

import pytest

from satchel.audit.session import open_audit
from tests.audit.shops import Shops, shown


def compare(shops: Shops, name: str) -> None:
    with open_audit(shops.root / name) as audit:
        assert audit.warnings == []
        assert shown(audit) == shops.live(name)
        listed = audit.sql("SELECT id FROM conflicts WHERE closed_by IS NULL ORDER BY id").rows
    open_ones = [entry["id"] for entry in shops.nodes[name].conflicts() if entry["closed"] is None]
    assert [id_ for (id_,) in listed] == sorted(open_ones)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 4))
def test_an_audit_shows_what_the_databases_show(tmp_path: Path, seed: int) -> None:
    shops = Shops(tmp_path, seed)
    shops.run(12)
    shops.sync("south")
    compare(shops, "south")
    shops.settle()
    compare(shops, "office")
