"""One node under test, in the product and in the reference model."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import satchel
from satchel.packet import writer
from tests.model import reference
from tests.property.application import COLUMNS, Application, Row

KEY = "key"  # a draft's column that keeps the time of the insert, as a key column does
Dot = reference.Dot


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for one history: in memory, since flushing to a disk is most of its time."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    return tempfile.TemporaryDirectory(dir=memory if usable else None, prefix="satchel-test-")


@contextmanager
def small_packets(rows: int, meanwhile: Any = None) -> Iterator[None]:
    """Seals are cut into packets of so many rows; `meanwhile` runs while the parts are being written."""
    write = writer.write_packets

    def write_some(*arguments: Any, **options: Any) -> Any:
        written = write(*arguments, **options, max_rows=rows)
        if meanwhile is not None:
            meanwhile()
        return written

    writer.write_packets = write_some
    try:
        yield
    finally:
        writer.write_packets = write


def packets_below(folder: Path) -> Iterator[tuple[Dot, Path]]:
    """Packets with a manifest, by their folders."""
    for marker in folder.glob("**/manifest.json"):
        yield (marker.parent.parent.name, int(marker.parent.name[:10])), marker.parent


@dataclass
class Entrance:
    """A node that has joined and has not seen the inviter's packets yet."""

    rows: dict[str, Row]  # as they were at the join
    wanted: dict[str, int]  # the inviter's vector
    draft: reference.Node  # what the application did since

    def shown(self) -> dict[str, Row]:
        return {name: {c: row[c] for c in COLUMNS} for name, row in self.draft.view().items()}

    def put_on_top(self, model: reference.Node, name: str, change: reference.Pending) -> None:
        """An edit made between joining and the first import: ordinary where its author saw what the network shows,
        beside it where not."""
        before, there, now = self.rows.get(name), model.view().get(name), self.shown().get(name)
        blind = name in model.rows and not _same(before, there)
        if change.deleted and there is None:
            return
        clock = model.clock(name, change.clock >> 16)
        if change.deleted:
            model.pending[name] = reference.Pending(clock, deleted=True, blind=blind)
            return
        written = dict(change.written)
        if there is None and not change.fresh:
            assert now is not None
            written = {column: (value, change.clock) for column, value in now.items()}
        drafts = sorted({stamp for _, stamp in written.values()})
        if there is not None and change.fresh:  # what was there is deleted first
            model.pending[name] = reference.Pending(model.clock(name, drafts[0] >> 16), deleted=True)
        made = reference.Pending(0, fresh=change.fresh or there is None, blind=blind)
        for draft in drafts:
            made.clock = model.clock(name, draft >> 16)
            made.written |= {c: (value, made.clock) for c, (value, stamp) in written.items() if stamp == draft}
            model.pending[name] = made
        made.written.pop(KEY, None)


def _same(one: Row | None, two: Row | None) -> bool:
    if one is None or two is None:
        return one is two
    return all(reference.alike([one[column], two[column]]) for column in COLUMNS)


@dataclass
class Member:
    """One node: the product's home and database, and the model's node."""

    home: Path
    application: Application
    model: reference.Node
    skew: int  # milliseconds by which its clock is wrong
    clock: int = 0
    admin: bool = True
    joining: Entrance | None = None
    shelf: set[Dot] = field(default_factory=set)  # packets in its archive
    blind: set[str] = field(default_factory=set)  # rows whose pending edits did not see what is shown

    @property
    def node(self) -> satchel.Node:
        return satchel.open(self.home)

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def archive(self) -> Path:
        return self.home / "packets"

    def wrote(self, name: str, row: Row | None, clock: int) -> None:
        """The model's node does what the application did."""
        node = self.joining.draft if self.joining else self.model
        if row is None:
            node.delete(name, clock)
        else:
            node.write(name, row, clock)
        if name in self.blind and name in node.pending:
            node.pending[name].blind = True

    def archived(self) -> dict[Dot, Path]:
        """Packets in the archive."""
        return dict(packets_below(self.archive))

    def side_files(self, kind: str) -> list[Path]:
        return sorted((self.archive / kind).glob("*.json"))
