"""What the specification's model makes of an archive in which every branch is an origin of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq

from satchel.audit.branches import dot_of
from satchel.audit.held import Held
from satchel.audit.holdings import read_holdings
from satchel.model.ids import node_of
from satchel.replication.branches import Naming
from tests.sync.clones import versions
from tests.sync.sites import Place

Rows = dict[str, dict[str, Any]]


def assert_as_the_model_says(spec: ModuleType, place: Place) -> None:
    """Siblings with their cells, and what is shown of them. The tables have no constraints; the policy is merge."""
    packets = list(_packets(spec, place.home / "packets"))
    siblings = spec.maximal(packets)
    here = {name: {tuple(v.dot): v for v in found} for name, found in versions(place).items()}
    assert here.keys() == siblings.keys()
    for name, expected in siblings.items():
        assert here[name].keys() == {version.dot for version in expected}, name
        for version in expected:
            mine = here[name][version.dot]
            assert {o: mark.seq for o, mark in mine.saw.items()} == version.saw, name
            cells = {column: (cell.value, tuple(cell.dot), cell.stamp) for column, cell in mine.cells.items()}
            assert cells == {c: (cell.value, cell.dot, cell.stamp[0]) for c, cell in version.row.items()}, name
    shown = {name: spec.resolve(found, spec.merge) for name, found in siblings.items()}
    wanted = {
        name: {column: cell.value for column, cell in outcome.cells.items()}
        for name, outcome in shown.items()
        if not outcome.deleted
    }
    assert _rows(place) == wanted


def _rows(place: Place) -> Rows:
    found = {}
    for table, names in (("customers", ("id", "name", "town")), ("stock", ("id", "pieces"))):
        for row in place.rows(f"SELECT {', '.join(names)} FROM {table}"):
            found[f"{table}/{row[:1]}"] = dict(zip(names, row, strict=True))
    return found


def _packets(spec: ModuleType, archive: Path) -> Iterator[Any]:
    held = read_holdings([archive])
    for packet in held.packets:
        dot = dot_of(packet, held.naming)
        context = {origin: mark.seq for origin, mark in held.naming.resolve(packet.context).items()}
        rows = dict(_versions(spec, packet, held.naming, context))
        yield spec.Packet(dot.origin, dot.seq, context, rows, packet.manifest.group)


def _versions(spec: ModuleType, packet: Held, naming: Naming, context: dict[str, int]) -> Iterator[tuple[str, Any]]:
    dot = tuple(dot_of(packet, naming))
    for part in packet.parts:
        for row in pq.read_table(packet.folder / part.file).to_pylist():
            change = row.pop("_change")
            node = node_of(packet.dot.origin)
            cells = {name: spec.Cell(value, dot, (change["stamp"], node)) for name, value in row.items()}
            for group in change["lineage"] or ():
                origin, seq = group["origin"], group["seq"]
                place = dot if origin is None else (naming.origin_in(packet.context, origin, seq), seq)
                for name in group["columns"]:
                    cells[name] = spec.Cell(row[name], place, (group["stamp"], node_of(place[0])))
            saw = {} if change["context"] == [] else context
            told = tuple(sorted(saw.items())), tuple(sorted(cells.items()))
            yield (
                f"{part.table.name}/{(row['id'],)}",
                spec.Version(dot, (change["stamp"], node), *told, change["op"] == "delete"),
            )
