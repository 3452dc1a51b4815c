"""`satchel lake`: a few large Parquet files per table and month, derived from an archive of many packets (ADR 31).

Packets stay as they are. Only packets that verify go in, and only new ones are read; what went in stands in the book
with the hash of its manifest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from satchel.audit.held import Finding, Held
from satchel.audit.holdings import Holdings, read_holdings
from satchel.audit.lake_book import BOOK_NAME, LakeBook, LakeFile, settle, size_of, stat_of
from satchel.audit.memory import Memory
from satchel.errors import BadPacket, SatchelError, UsageError
from satchel.files import make_folders, names_in, remove_folder, stands
from satchel.files.lock import locked
from satchel.model.ids import Dot
from satchel.model.progress import Stage, stage
from satchel.model.schema import Table
from satchel.packet.keys import PublicKey

LOCK_NAME = "lake.lock"
MEMORY_NAME = "verified.json"
_ROUND_PACKETS = 2_000
_ROUND_BYTES = 192 << 20  # of rows in memory


@dataclass(slots=True)
class LakeReport:
    """What was done, or would be. Counts of packets, rows and files; `bytes` of all files; `left_out`: packets that do
    not verify, or whose rows are not as they must be."""

    lake: str
    packets: int = 0
    added: int = 0
    removed: int = 0
    rows: int = 0
    files: int = 0
    written: int = 0
    bytes: int = 0
    tables: dict[str, int] = field(default_factory=dict)
    left_out: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The fields, `left_out` as in `verify`."""
        names = ("lake", "packets", "added", "removed", "rows", "files", "written", "bytes", "tables", "warnings")
        return {name: getattr(self, name) for name in names} | {"left_out": [f._asdict() for f in self.left_out]}


def make_lake(
    lake: Path | str,
    paths: Sequence[Path | str],
    *,
    root: PublicKey | None = None,
    fresh: bool = False,
    dry_run: bool = False,
) -> LakeReport:
    """Makes the lake, or brings it up to date with the packets below the paths. `fresh`: from the beginning.

    UsageError: no packets there; the folder is neither empty nor a lake, lies among the packets, is one of another
    network, or another satchel is at it; VerificationFailed: no card to verify by; SatchelError, FileTrouble.
    """
    folder = Path(lake)
    _check_place(folder, [Path(path) for path in paths])
    memory = Memory.load(folder / MEMORY_NAME) if stands(folder / BOOK_NAME) and not fresh else Memory()
    held = read_holdings(paths, root, memory=memory)
    if not held.packets and not held.unverified:
        raise UsageError(f"no packet lies below {', '.join(map(str, paths))}", "Name an archive with packets.")
    if dry_run:
        return _update(folder, held, fresh=fresh, dry_run=True)
    make_folders(folder)
    with locked(folder / LOCK_NAME) as mine:
        if not mine:
            raise UsageError(f"another satchel is writing to {folder}", "Wait until it is done.")
        report = _update(folder, held, fresh=fresh, dry_run=False)
        memory.save(folder / MEMORY_NAME)
    return report


def open_book(folder: Path, held: Holdings) -> LakeBook:
    """The book of a lake without what was changed behind its back; a new one if there is none. UsageError: it is one
    of another network."""
    network, root = held.members.network.id, held.members.root.keyid
    book = LakeBook.load(folder)
    if book is None:
        return LakeBook(network, root)
    if (book.network, book.root) != (network, root):
        raise UsageError(f"{folder} is a lake of another network", "Name another folder.")
    book.forget(changed_files(folder, book))
    return book


def changed_files(folder: Path, book: LakeBook) -> list[LakeFile]:
    """Files that are not the ones that were written: they count no more."""
    return [file for file in book.files if stat_of(folder / file.path) != file.stat]


def _check_place(folder: Path, sources: Sequence[Path]) -> None:
    hint = "Name an empty folder, or one that does not exist yet."
    if stands(folder) and not folder.is_dir():
        raise UsageError(f"{folder} is no folder", hint)
    there = {name for name in (names_in(folder) if folder.is_dir() else ()) if not name.startswith(".")}
    if there and BOOK_NAME not in there and there != {LOCK_NAME}:
        raise UsageError(f"{folder} is not empty, and no lake", hint)
    own = folder.resolve()
    for source in sources:
        below = source / "packets" if (source / "satchel.toml").is_file() else source
        if own == below.resolve() or below.resolve() in own.parents:
            raise UsageError(
                f"{folder} lies among the packets", "A lake stands beside an archive, not in it: name another folder."
            )


def _update(folder: Path, held: Holdings, *, fresh: bool, dry_run: bool) -> LakeReport:
    if stands(folder / BOOK_NAME) and not dry_run and not fresh:
        book = LakeBook.load(folder)
        if book is not None:
            settle(folder, book)
    book = LakeBook(held.members.network.id, held.members.root.keyid) if fresh else open_book(folder, held)
    report = LakeReport(str(folder), left_out=list(held.unverified), warnings=list(held.warnings))
    before = {digest for digest, _, _ in book.packets}
    new = [packet for packet in held.packets if packet.hash not in book.known]
    report.removed = len(before - {packet.hash for packet in held.packets})
    if dry_run:
        report.packets, report.added = len(before) + len(new), len(new)
        report.rows = sum(part.rows for packet in new for part in packet.parts) + sum(f.rows for f in book.files)
        report.files = len(book.files)
        return report
    if fresh:
        book.save(folder)
        settle(folder, book)
    _Filler(folder, book, held, report).fill(new)
    _refused(book, held, report)
    report.packets, report.added = len(book.packets), len(book.packets) - len(before)
    report.rows, report.files, report.bytes = sum(f.rows for f in book.files), len(book.files), size_of(folder, book)
    for file in book.files:
        report.tables[file.table] = report.tables.get(file.table, 0) + file.rows
    _remove_empty(folder)
    return report


def _refused(book: LakeBook, held: Holdings, report: LakeReport) -> None:
    for packet in held.packets:
        if packet.hash in book.refused:
            report.left_out.append(Finding(str(packet.dot), "", book.refused[packet.hash], str(packet.folder)))


@dataclass(slots=True)
class _Filler:
    """Brings packets in by rounds: after each, what was read stands in the book, and an interruption loses no more
    than the round."""

    folder: Path
    book: LakeBook
    held: Holdings
    report: LakeReport

    def fill(self, packets: list[Held]) -> None:
        rest = sorted(packets, key=lambda packet: (packet.manifest.created, packet.dot))
        done = 0
        with stage("compacting", "packets", len(rest)) as under_way:
            while done < len(rest):
                done += self._round(rest[done:], under_way)
                self._compact()

    def _round(self, packets: list[Held], under_way: Stage) -> int:
        gatherer = self._gatherer()
        taken = 0
        for packet in packets[:_ROUND_PACKETS]:
            try:
                gatherer.take(packet, len(self.book.packets), self.held.members)
            except BadPacket as bad:
                if bad.copy:
                    raise SatchelError(f"{packet.dot}: {bad.reason}", "Run the command again.") from bad
                self.book.refused[packet.hash] = f"{bad.file}: {bad.reason}" if bad.file else bad.reason
            else:
                self.book.packets.append((packet.hash, *packet.dot))
            taken += 1
            under_way.advance()
            if gatherer.memory > _ROUND_BYTES:
                break
        gatherer.flush()
        self._keep(gatherer.written, gone=[])
        return taken

    def _compact(self) -> None:
        """Small files become larger ones, until no four of a size are left."""
        from satchel.audit.lake_gather import Series, tiers

        while True:
            gatherer, gone = self._gatherer(), list[LakeFile]()
            tables = self._tables()
            groups: dict[Series, list[LakeFile]] = defaultdict(list)
            for file in self.book.files:
                if (table := tables.get((file.table, file.shape))) is not None:
                    groups[Series(table, file.shape, file.period)].append(file)
            for series, files in groups.items():
                for small in tiers(files):
                    gatherer.merge(series, small)
                    gone += small
            if not gone:
                return
            self._keep(gatherer.written, gone)

    def _keep(self, written: list[LakeFile], gone: list[LakeFile]) -> None:
        removed = set(gone)
        self.book.files = [file for file in self.book.files if file not in removed] + written
        self.report.written += len(written)
        self.book.save(self.folder)
        settle(self.folder, self.book)

    def _gatherer(self) -> Any:
        from satchel.audit.lake_gather import Gatherer

        return Gatherer(self.folder, {file.table: file.path.partition("/")[0] for file in self.book.files})

    def _tables(self) -> dict[tuple[str, str], Table]:
        """Tables by name and shape, as the packets have them."""
        from satchel.packet.table import fingerprint

        found = {part.table for packet in self.held.packets for part in packet.parts}
        return {(table.name, fingerprint(table)): table for table in found}


def _remove_empty(folder: Path) -> None:
    """Folders of months without files any more."""
    for month in folder.glob("*/[0-9][0-9][0-9][0-9]-[0-9][0-9]"):
        if not names_in(month):
            remove_folder(month)


def dots_of(book: LakeBook) -> list[Dot]:
    """The packets of a lake by name."""
    return [Dot(origin, seq) for _, origin, seq in book.packets]
