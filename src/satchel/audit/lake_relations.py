"""A lake in place of the packets that went into it: what the views of an audit stand on where there is one (ADR 31).

Of each table the rows come from the lake's files as far as they hold packets that verified now, and from the packets'
own files for the rest: packets that came later, and branches of a fork, which have other names here than in the rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from satchel.audit.expressions import name, text
from satchel.audit.held import Held
from satchel.audit.holdings import Holdings, read_holdings
from satchel.audit.lake import MEMORY_NAME, open_book
from satchel.audit.lake_book import BOOK_NAME, LakeBook, LakeFile, find_lake
from satchel.audit.lake_names import FLAT, PACKET_COLUMN, lake_name
from satchel.audit.memory import Memory
from satchel.audit.tables import CHANGE_FIELDS
from satchel.errors import UsageError
from satchel.files import FileTrouble, stands
from satchel.model.schema import Table
from satchel.packet.keys import PublicKey
from satchel.packet.table import fingerprint

if TYPE_CHECKING:
    from satchel.audit.lake_files import LakeFiles

REST = "rest"  # of a relation: what the lake does not have
_SQL_TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "VARCHAR", "binary": "BLOB"}


@dataclass(frozen=True, slots=True)
class Covered:
    """A file of a lake that holds rows that are asked for. `table`: its columns; `without`: packets in it that are
    not to be shown."""

    file: LakeFile
    table: Table
    without: frozenset[str]


@dataclass
class LakeRelations:
    """An opened lake, and the packets that verified."""

    folder: Path
    book: LakeBook
    packets: Sequence[Held]
    files: LakeFiles | None = None
    _names: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, held: Holdings) -> LakeRelations:
        """The lake in a folder, without files that were changed. UsageError: it is of another network; SatchelError."""
        return cls(folder, open_book(folder, held), held.packets)

    def attach(self, connection: Any) -> None:
        """Lets a connection see the files that it will be told of, and no others. Before it is locked."""
        from satchel.audit.lake_files import SCHEME, LakeFiles

        self.files = LakeFiles()
        connection.register_filesystem(self.files)
        connection.execute(f"SET allowed_directories = ['{SCHEME}://']")

    def close(self) -> None:
        """Lets go of the files."""
        if self.files is not None:
            self.files.close_all()

    def split(self, table: Table, files: Sequence[Path], *, branch: bool) -> tuple[list[Covered], list[Path]]:
        """What the lake has of these parts of a table, and the parts that it does not have. `branch`: they are of one
        side of a fork."""
        if branch:
            return [], list(files)
        wanted = {self._packet_of[file] for file in files}
        types = {column.name: column.type for column in table.columns}
        covered: list[Covered] = []
        found: set[str] = set()
        for file in self.book.files:
            shape = self._shapes.get((file.table, file.shape)) if file.table == table.name else None
            if shape is None or any(types.get(column.name) != column.type for column in shape.columns):
                continue
            inside = {self.book.packets[place][0] for place in file.packets}
            if not inside.isdisjoint(wanted):
                covered.append(Covered(file, shape, frozenset(inside - wanted)))
                found |= inside & wanted
        return covered, [file for file in files if self._packet_of[file] not in found]

    def place(self, connection: Any, relation: str, table: Table, files: Sequence[Path], *, branch: bool) -> None:
        """Makes `relation`: the rows of these parts, from the lake as far as it has them."""
        from satchel.audit.relations import dataset_of
        from satchel.audit.views import dataset_view

        covered, rest = self.split(table, files, branch=branch)
        if rest or not covered:
            connection.register(f"{relation}_{REST}_rows", dataset_of(table, rest))
            connection.execute(dataset_view(f"{relation}_{REST}"))
        query = self.query(table, covered) or f"SELECT * FROM {relation}_{REST}"
        if rest and covered:
            query += f"\nUNION ALL BY NAME\nSELECT * FROM {relation}_{REST}"
        connection.execute(f"CREATE TEMP VIEW {relation} AS {query}")

    def covering(self, table: str, packets: Collection[str]) -> tuple[list[Covered], set[str]]:
        """Files with rows of a table of these packets (manifest hashes), and which of the packets the lake has."""
        covered: list[Covered] = []
        for file in self.book.files:
            shape = self._shapes.get((file.table, file.shape)) if file.table == table else None
            inside = {self.book.packets[place][0] for place in file.packets} if shape is not None else set()
            if shape is not None and not inside.isdisjoint(packets):
                covered.append(Covered(file, shape, frozenset(inside.difference(packets))))
        there = {digest for digest, _, _ in self.book.packets}
        return covered, there.intersection(packets)

    def query(self, table: Table, covered: Sequence[Covered]) -> str:
        """SQL for these rows in the form of a part: the table's columns and `_change`. Files are named as `files` has
        them."""
        return "\nUNION ALL BY NAME\n".join(self._selects(table, covered))

    def _selects(self, table: Table, covered: Sequence[Covered]) -> Iterator[str]:
        groups: dict[tuple[str, frozenset[str]], list[Covered]] = {}
        for entry in covered:
            groups.setdefault((entry.file.shape, entry.without), []).append(entry)
        for (_, without), entries in groups.items():
            there = set(entries[0].table.names)
            columns = ", ".join(
                f"{name(lake_name(column.name))} AS {name(column.name)}"
                if column.name in there
                else f"NULL::{_SQL_TYPES[column.type]} AS {name(column.name)}"
                for column in table.columns
            )
            paths = ", ".join(text(self._opened(entry.file)) for entry in entries)
            condition = f" WHERE {PACKET_COLUMN} NOT IN ({', '.join(map(text, sorted(without)))})" if without else ""
            yield f"SELECT {_fields()}, {columns}, {_change()} FROM read_parquet([{paths}]){condition}"

    def _opened(self, file: LakeFile) -> str:
        assert self.files is not None
        if file.path not in self._names:
            self._names[file.path] = self.files.add(self.folder / file.path)
        return self._names[file.path]

    @cached_property
    def _packet_of(self) -> dict[Path, str]:
        return {packet.folder / part.file: packet.hash for packet in self.packets for part in packet.parts}

    @cached_property
    def _shapes(self) -> dict[tuple[str, str], Table]:
        tables = {part.table for packet in self.packets for part in packet.parts}
        return {(table.name, fingerprint(table)): table for table in tables}


def _fields() -> str:
    from satchel.audit.views import flat_name

    return ", ".join(f"{name(flat)} AS {flat_name(field)}" for field, flat in zip(CHANGE_FIELDS, FLAT, strict=True))


def _change() -> str:
    fields = (f"{name(field)} := {name(flat)}" for field, flat in zip(CHANGE_FIELDS, FLAT, strict=True))
    return f"struct_pack({', '.join(fields)}) AS _change"


def lake_refusal(message: str) -> UsageError | None:
    """What a lake's files say to somebody who writes to them or asks for others; DuckDB 2.0 shows a whole traceback of
    Python. None: the error is not theirs."""
    if "PermissionError: a lake is only read" not in message and "FileNotFoundError: satchel-lake" not in message:
        return None
    return UsageError("a lake's files are only read, by the views", "An audit writes no file and opens no other.")


def read_with_lake(
    paths: Sequence[Path | str], root: PublicKey | None, lake: Path | str | None, table: str | None = None
) -> tuple[Holdings, LakeRelations | None]:
    """What lies below the paths, verified, and the lake where there is one: what its memory knows is not hashed again,
    and what verified now is remembered where the lake can be written to. UsageError: `lake` is none, or one of another
    network; as `read_holdings`, also for `table`."""
    folder = Path(lake) if lake is not None else find_lake(paths)
    if folder is None:
        return read_holdings(paths, root, table), None
    if not stands(folder / BOOK_NAME):
        raise UsageError(f"{folder} is no lake", f"Make one with `satchel lake {folder}`.")
    memory = Memory.load(folder / MEMORY_NAME)
    held = read_holdings(paths, root, memory=memory)  # all of it, so that it is remembered whole
    held.packets = [asked for packet in held.packets if (asked := packet.of_table(table)) is not None]
    with suppress(FileTrouble):  # a lake on a read-only medium serves as it is
        memory.save(folder / MEMORY_NAME)
    return held, LakeRelations.open(folder, held)
