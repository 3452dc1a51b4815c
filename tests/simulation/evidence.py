"""All packets that were ever sealed, read from the folders by nothing but JSON and Parquet: what the simulation knows
without asking satchel. A packet is named by the hash of its manifest, so that forks need no names."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.simulation.till import TOKENS, Place

DIGITS = 16


@dataclass(frozen=True)
class Line:
    """One version of one row."""

    packet: str  # hash
    row: tuple[str, str]  # table, gid or key
    name: str  # as the application calls the row
    values: Mapping[str, Any]
    deleted: bool
    saw: tuple[str, ...] | None  # hashes, 16 digits: its row context; None: its packet's


@dataclass
class Evidence:
    """Packets by hash. They are taken in as soon as they are there, since media are lost."""

    manifests: dict[str, Mapping[str, Any]]
    lines: list[Line]

    @classmethod
    def empty(cls) -> Evidence:
        return cls({}, [])

    def take(self, folders: Iterable[Path]) -> None:
        """Everything whole below these folders that is not known yet."""
        for folder in folders:
            for marker in folder.rglob("manifest.json"):
                try:
                    self._read(marker)
                except (OSError, ValueError):
                    continue  # the simulation spoils media

    def _read(self, marker: Path) -> None:
        payload = base64.b64decode(json.loads(marker.read_bytes())["payload"])
        digest = hashlib.sha256(payload).hexdigest()
        if digest in self.manifests:
            return
        manifest = json.loads(payload)
        if "seq" not in manifest:
            return  # a snapshot's
        lines: list[Line] = []
        for table in manifest["tables"]:
            data = (marker.parent / table["file"]).read_bytes()
            if hashlib.sha256(data).hexdigest() != table["sha256"]:
                return
            lines += _lines(digest, table["name"], pq.read_table(marker.parent / table["file"]).to_pylist())
        self.manifests[digest] = manifest
        self.lines += lines
        self.__dict__.pop("chains", None)
        self.__dict__.pop("by_row", None)
        self.__dict__.pop("by_name", None)

    @cached_property
    def chains(self) -> dict[str, frozenset[str]]:
        """Of each packet, by 16 digits: itself and all that its origin sealed before it."""
        found: dict[str, frozenset[str]] = {}
        for digest in sorted(self.manifests, key=lambda d: int(self.manifests[d]["seq"])):
            before = self.manifests[digest]["previous"]
            chain = found.get(before[:DIGITS], frozenset()) if before else frozenset()
            found[digest[:DIGITS]] = chain | {digest}
        return found

    @cached_property
    def by_row(self) -> dict[tuple[str, str], list[Line]]:
        found: dict[tuple[str, str], list[Line]] = {}
        for line in self.lines:
            found.setdefault(line.row, []).append(line)
        return found

    @cached_property
    def by_name(self) -> dict[tuple[str, str], list[Line]]:
        found: dict[tuple[str, str], list[Line]] = {}
        for line in self.lines:
            found.setdefault((line.row[0], line.name), []).append(line)
        return found

    def knew(self, line: Line, packet: str) -> bool:
        """Whether the author of a version had applied a packet."""
        marks = line.saw
        if marks is None:
            marks = tuple(mark[1] for mark in self.manifests[line.packet]["context"].values())
        return any(packet in self.chains.get(mark, frozenset()) for mark in marks)

    def writing(self, place: Place, token: str) -> list[Line]:
        """The versions that hold a token."""
        table, row, column = place
        return [line for line in self.by_name.get((table, row), []) if line.values.get(column) == token]

    def superseded(self, place: Place, token: str) -> bool:
        """Whether somebody who had seen the token wrote something else there, or deleted the row."""
        return any(
            self.knew(other, holder.packet)
            for holder in self.writing(place, token)
            for other in self.by_row[holder.row]
            if other.deleted or other.values.get(place[2]) != token
        )


def _lines(packet: str, table: str, rows: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    name, _ = TOKENS[table]
    for row in rows:
        change = row["_change"]
        saw = None if change["context"] is None else tuple(mark["hash"] for mark in change["context"])
        values = {column: value for column, value in row.items() if column != "_change"}
        yield Line(packet, (table, change["gid"] or row[name]), row[name], values, change["op"] == "delete", saw)
