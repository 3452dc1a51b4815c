"""A clock that is ten years off, either way: what it wrote is applied, and both sides are warned."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.faults.said import said
from tests.sync.sites import Place, differences, meet

YEARS = 10 * 365 * 86_400 * 10**9 + 5 * 86_400 * 10**9


@pytest.mark.parametrize("off", [YEARS, -YEARS])
def test_a_clock_that_is_years_off_warns_both_sides_and_stops_nothing(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    plain = time.time_ns
    wrong, right = (office, branch) if off > 0 else (branch, office)

    def sync(place: Place) -> list[str]:
        with monkeypatch.context() as patch:
            if place.name == wrong.name:
                patch.setattr(time, "time_ns", lambda: plain() + off)
            found = said(place, "sync", share)
        assert found.code == 0
        return found.warnings

    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    assert sync(office) == [] or off > 0
    heard = sync(branch)
    assert any("office/2 was sealed 10 years in the future" in warning for warning in heard), heard
    told = sync(office)
    assert any("branch had office/2 10 years before it was sealed" in warning for warning in told), told
    branch.sql("UPDATE customers SET town = 'Celle' WHERE id = 'c2'")
    sync(branch)
    sync(office)
    assert differences(office.dump(), branch.dump()) == {}
    for place in (office, branch):
        assert place.vector() == {"office": 2, "branch": 1}
    assert right.node.status()["quarantined"] == []


def test_once_the_clock_is_right_and_something_new_was_sealed_nobody_is_warned(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = time.time_ns
    office.sql("UPDATE stock SET pieces = 9")
    with monkeypatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: plain() + YEARS)
        office.node.sync(share)
    assert branch.node.sync(share).warnings
    office.sql("UPDATE stock SET pieces = 10")
    meet(share, [office, branch])
    for place in (office, branch):
        assert said(place, "sync", share).warnings == []
    assert branch.rows("SELECT pieces FROM stock") == [(10,)]
