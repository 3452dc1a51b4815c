"""What came to an exchange, by names alone."""

from __future__ import annotations

from pathlib import Path

from satchel.daemon.arrivals import Arrivals


def drop(place: Path, name: str, marker: bool = True) -> Path:
    folder = place / "packets" / "acme" / name
    folder.mkdir(parents=True)
    (folder / "customers.parquet").write_bytes(b"x")
    if marker:
        (folder / "manifest.json").write_bytes(b"{}")
    return folder


def test_everything_is_new_at_first_and_nothing_afterwards(tmp_path: Path) -> None:
    drop(tmp_path, "office/0000000001-aaaaaaaa")
    drop(tmp_path, "office/0000000002-aaaaaaaa")
    arrivals = Arrivals(tmp_path)
    assert [arrivals.look(), arrivals.look()] == [2, 0]


def test_a_packet_arrives_with_its_manifest(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    folder = drop(tmp_path, "office/0000000001-aaaaaaaa", marker=False)
    assert arrivals.look() == 0
    assert arrivals.arriving == {str(folder)}
    assert arrivals.look_at_arriving() == 0
    (folder / "manifest.json").write_bytes(b"{}")
    assert arrivals.look_at_arriving() == 1
    assert arrivals.look() == 0


def test_cards_and_snapshots_arrive_and_acknowledgements_do_not(tmp_path: Path) -> None:
    arrivals = Arrivals(tmp_path)
    for name in ("nodes/branch.json", "acks/branch.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"{}")
    (tmp_path / "snapshots" / "office-1700000000000").mkdir(parents=True)
    (tmp_path / "snapshots" / "office-1700000000000" / "manifest.json").write_bytes(b"{}")
    assert arrivals.look() == 2


def test_a_place_that_went_away_is_lost_and_what_was_known_of_it_stays_known(tmp_path: Path) -> None:
    place = tmp_path / "share"
    drop(place, "office/0000000001-aaaaaaaa")
    arrivals = Arrivals(place)
    assert arrivals.look() == 1
    place.rename(tmp_path / "away")
    assert arrivals.look() == 0
    assert arrivals.lost
    (tmp_path / "away").rename(place)
    assert arrivals.look() == 0
    assert not arrivals.lost


def test_what_is_removed_and_comes_again_has_arrived_again(tmp_path: Path) -> None:
    folder = drop(tmp_path, "office/0000000001-aaaaaaaa")
    arrivals = Arrivals(tmp_path)
    arrivals.look()
    (folder / "manifest.json").unlink()
    (folder / "customers.parquet").unlink()
    folder.rmdir()
    assert arrivals.look() == 0
    drop(tmp_path, "office/0000000001-aaaaaaaa")
    assert arrivals.look() == 1
