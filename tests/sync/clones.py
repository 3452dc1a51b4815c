"""A site that was cloned: its folders and its database copied whole, so that two machines write as one node."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.sync.sites import Place, differences


def clone(place: Place, name: str = "twin") -> Place:
    """The same node once more, in a folder of its own."""
    root = place.root / name
    root.mkdir()
    copy = Place(place.name, root, root / place.db.name)
    for end in ("", "-wal", "-shm"):
        if (source := Path(f"{place.db}{end}")).exists():
            shutil.copyfile(source, f"{copy.db}{end}")
    shutil.copytree(place.home, copy.home)
    settings = copy.home / "satchel.toml"
    settings.write_text(settings.read_text().replace(str(place.root), str(root)))
    return copy


def seal(place: Place, statement: str) -> list[str]:
    """An edit, sealed where nobody else sees it."""
    place.sql(statement)
    report = place.export(place.root / f"nowhere-{place.root.name}")
    shutil.rmtree(place.root / f"nowhere-{place.root.name}")
    return report.sealed


def hand_over(giver: Place, taker: Place) -> None:
    """Everything of an archive is carried to another, whatever anybody has acknowledged."""
    taker.node.import_(giver.home / "packets")


def gossip(places: Sequence[Place], rounds: int = 4) -> None:
    """Archives are carried from each to each until everybody has everything."""
    for _ in range(rounds):
        before = [place.vector() for place in places]
        for giver in places:
            for taker in places:
                if giver is not taker:
                    hand_over(giver, taker)
        for place in places:
            place.export(place.root / f"seal-{place.root.name}")
        if [place.vector() for place in places] == before:
            return
    raise AssertionError(f"never comes to rest: {[place.vector() for place in places]}")


def conflicts(place: Place) -> list[object]:
    """What is listed of open conflicts, but for the time at which it was noticed."""
    found = []
    for entry in place.node.conflicts():
        versions = [(v["origin"], v["seq"], v["deleted"], v["row"]) for v in entry["versions"]]
        found.append((entry["id"], entry["table"], entry["key"], entry["kind"], entry["columns"], sorted(versions, key=str)))
    return sorted(found, key=str)


def assert_equal(*places: Place) -> None:
    """Rows, vectors with hashes, conflicts with their ids; nothing waits."""
    first = places[0].node.status()
    for place in places:
        status = place.node.status()
        assert status["waiting"] == [], status["waiting"]
        assert status["quarantined"] == []
        assert (status["vector"], status["heads"]) == (first["vector"], first["heads"])
        assert not differences(places[0].dump(), place.dump())
        assert conflicts(place) == conflicts(places[0])
