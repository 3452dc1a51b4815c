"""Two databases under one name, both in use: each opens an epoch when it hears of the other, and no more after that."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sync.sites import Place, differences, meet
from tests.sync.test_rejoining import cloned


def epochs(place: Place) -> list[str]:
    return [str(epoch["origin"]) for epoch in place.node.status()["epochs"]]


@pytest.mark.parametrize(
    "relayed", [pytest.param(False, id="at one share", marks=pytest.mark.slow), pytest.param(True, id="through others")]
)
def test_clones_do_not_open_epochs_at_each_others_every_visit(
    office: Place, branch: Place, share: Path, tmp_path: Path, relayed: bool
) -> None:
    twin = cloned(branch, "twin")
    stick = tmp_path / "stick"
    stick.mkdir()
    places = [(branch, share), (twin, stick if relayed else share)]
    for number in range(5):
        for place, exchange in places:
            place.sql(f"INSERT INTO stock VALUES ('{place.name}-{number}', 1)")
            place.node.sync(exchange)
            office.node.sync(share, stick)
    for _ in range(2):
        meet(share, [office])
        for place, exchange in places:
            place.node.sync(exchange)
            office.node.sync(share, stick)
    for place, _ in places:
        assert len(epochs(place)) <= 2, epochs(place)
        assert not differences(place.dump(), office.dump())
    assert epochs(branch) != epochs(twin)
