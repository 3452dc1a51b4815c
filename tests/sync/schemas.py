"""Sites whose application changes its schema, each at its own time, and ways to ask what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from satchel.stores.sqlite import apart
from satchel.stores.sqlite.store import SQLiteStore
from satchel.sync.report import Report
from tests.sync.sites import Place, differences, found_network, join_network, make_database, meet


def network(root: Path, schema: Sequence[str], *names: str, rows: Sequence[str] = (), **options: Any) -> list[Place]:
    """Sites at rest over `root / "share"`; the first has founded the network, with `rows`."""
    first, *others = names
    options = {"key_scope": {}, **options}
    places = [found_network(root, make_database(root / f"{first}.db", *schema, *rows), first, **options)]
    for name in others:
        places.append(join_network(places[0], name, make_database(root / f"{name}.db", *schema)))
        meet(root / "share", places)
    return places


def join(places: list[Place], name: str, *schema: str) -> Place:
    """One more site; its database has this schema."""
    root = places[0].root
    place = join_network(places[0], name, make_database(root / f"{name}.db", *schema))
    places.append(place)
    meet(root / "share", places)
    return place


def rest(places: Sequence[Place]) -> None:
    """Everybody meets at the share; afterwards nothing waits, nothing is pending and nothing is in quarantine."""
    meet(places[0].root / "share", places)
    for place in places:
        status = place.node.status()
        found = (status["waiting"], status["pending"], status["quarantined"])
        assert found == ([], 0, []), f"{place.name}: {found}"


def notice(place: Place) -> Report:
    """The next command after a change of the schema: what it says stands in its warnings, and it seals nothing."""
    report = place.node.sync(place.root / "share")
    assert report.sealed == [], (place.name, sent(place, report))
    return report


def silent(places: Sequence[Place]) -> None:
    """Nothing is said twice, and nothing is captured twice."""
    for place in places:
        report = place.node.sync(place.root / "share")
        assert (report.sealed, report.warnings) == ([], [])


def equal(places: Sequence[Place]) -> None:
    """Every site shows the same rows."""
    first, *others = places
    for other in others:
        found = differences(first.dump(), other.dump())
        assert found == {}, f"{other.name}: {found}"


def open_conflicts(place: Place) -> list[dict[str, Any]]:
    """The entries of the list that nothing has closed."""
    return [entry for entry in place.node.conflicts() if entry["closed"] is None]


def sent(place: Place, report: Report) -> list[tuple[str, str, str, tuple[str, ...] | None]]:
    """(table, key or gid, op, columns written) of every row that a run sealed."""
    found = []
    for packet in report.sealed:
        origin, _, seq = packet.partition("/")
        for part in sorted(place.home.glob(f"packets/acme/{origin}/{int(seq):010}-*/*.parquet")):
            for row in pq.read_table(part).to_pylist():
                change = row["_change"]
                key = change["gid"] or row[next(iter(row))]
                found.append((part.stem, str(key), change["op"], change["columns"] and tuple(change["columns"])))
    return found


def recomputed(place: Place) -> list[str]:
    """Rows of which the application's table shows something else than the policy makes of their versions."""
    wrong = []
    with closing(SQLiteStore(place.db)) as store:
        for name, layout in store._layouts.items():
            editor = store._row(name)
            keys = store._db.execute(f"SELECT {', '.join(layout.keys)} FROM {layout.rows}").fetchall()
            for key in keys:
                if apart.read(store._db, layout, key) is not None:
                    continue  # a constraint made something else of it
                shown, standing = editor.read(key), editor.standing(key)
                if len(standing) == 1 and (shown is None) != standing[0].deleted:
                    wrong.append(f"{name} {key}: {shown}")
                if len(standing) != 1 or shown is None or layout.away:
                    continue
                here = {layout.table.names[place] for place in layout.here}
                cells = {n: c for n, c in standing[0].cells.items() if n in here and c.dot.origin}
                wrong += [
                    f"{name} {key}.{n}: {shown[n]!r}, not {c.value!r}" for n, c in cells.items() if shown[n] != c.value
                ]
    return wrong
