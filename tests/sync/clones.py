"""A site that was cloned: its folders and its database copied whole, so that two machines write as one node."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from satchel.stores.registry import open_store
from tests.sync.sites import Place, differences, opened, quote


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


def seal(place: Place, *statements: str) -> list[str]:
    """An edit, sealed where nobody else sees it."""
    place.sql(*statements)
    nowhere = place.root / f"nowhere-{place.root.name}"
    report = place.export(nowhere)
    shutil.rmtree(nowhere)
    return report.sealed


def hand_over(giver: Place, *takers: Place) -> None:
    """Everything of an archive is carried to others, whatever anybody has acknowledged."""
    for taker in takers:
        taker.node.import_(giver.home / "packets")


def gossip(hub: Place, *others: Place, rounds: int = 5) -> None:
    """Archives are carried to one and from there to all, until nothing moves any more."""
    places = [hub, *others]
    for _ in range(rounds):
        before = [place.vector() for place in places]
        for place in others:
            hand_over(place, hub)
        hand_over(hub, *others)
        if [place.vector() for place in places] == before:
            return
    raise AssertionError(f"never comes to rest: {[place.vector() for place in places]}")


def conflicts(place: Place) -> list[Any]:
    """What is listed of open conflicts, but for the time at which each was noticed."""
    found = []
    for entry in place.node.conflicts():
        if entry["closed"] is not None:
            continue  # passed over: who saw both versions side by side lists it
        versions = sorted(((v["origin"], v["seq"], v["deleted"], v["row"]) for v in entry["versions"]), key=str)
        found.append((entry["id"], entry["table"], entry["key"], entry["kind"], entry["columns"], versions))
    return sorted(found, key=str)


def versions(place: Place) -> dict[str, Any]:
    """Every sibling of every row with its dot, row context and lineage, as the books have them."""
    with opened(place.db) as connection:
        keys = {}
        for name, number, text in connection.execute("SELECT name, number, definition FROM _satchel_table").fetchall():
            table = json.loads(text)
            query = f"SELECT k0 FROM _satchel_row_{number} UNION SELECT k0 FROM _satchel_image_{number}"
            if table["scope"] == "global":  # rows that nobody has changed since the baseline
                query += f" UNION SELECT {quote(table['key'][0])} FROM {quote(name)}"
            keys[name] = connection.execute(query).fetchall()
    store = open_store(str(place.db), read_only=True)
    try:
        return {
            f"{name}/{key}": sorted(store.standing(name, key), key=lambda version: version.dot)
            for name, found in keys.items()
            for key in found
        }
    finally:
        store.close()


def assert_equal(*places: Place) -> None:
    """Rows, vectors with hashes, conflicts with their ids, every version in every name; nothing waits."""
    first = places[0].node.status()
    for place in places:
        status = place.node.status()
        assert status["waiting"] == []
        assert status["quarantined"] == []
        assert (status["vector"], status["heads"]) == (first["vector"], first["heads"])
        assert not differences(places[0].dump(), place.dump())
        assert conflicts(place) == conflicts(places[0])
        assert versions(place) == versions(places[0])


def branches_of(place: Place, node: str) -> Sequence[str]:
    """The origins of a node that are branches of a fork."""
    return [origin for origin in place.vector() if origin.startswith(f"{node}~")]
