"""Questions to packets in SQL: DuckDB over the verified packets below some paths, without a database or a home.

The connection can open no file at all, neither to read nor to write, and loads no extension: `COPY ... TO` would write
even to paths that are only allowed for reading. What it may read reaches it through Arrow (relations.py).
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from satchel.audit.caution import missing_words
from satchel.audit.faults import translated
from satchel.audit.keys import value_of
from satchel.audit.machine import Machine
from satchel.audit.material import Material, gather
from satchel.audit.tables import LEDGER_NAME, OURS
from satchel.errors import SatchelError, UsageError, VerificationFailed
from satchel.model.value import is_clean
from satchel.packet.keys import PublicKey

if TYPE_CHECKING:
    import duckdb

# In this order: what comes last forbids to change what came before. Spilling is confined to a private folder.
_OF_EACH = (
    "python_enable_replacements = false",  # a name in SQL must not find a variable of the caller
    "TimeZone = 'UTC'",
)
_SETTINGS = (
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "enable_external_access = false",
    "lock_configuration = true",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement returned: column names, and rows as tuples; `warnings`: what is to be known of this answer."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)
    warnings: tuple[str, ...] = ()

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.rows


@dataclass(frozen=True, slots=True)
class Summary:
    """What an audit stands on. `unverified` packets are in no view; `left_out` parts of verified ones neither;
    `missing`: packets that are not here, though something shows that they exist."""

    verified: int
    unverified: int
    left_out: int
    tables: int
    missing: int = 0


class Audit:
    """A connection to verified packets. Views: one per table, `<table>_changes`, `packets`, `changes`, `acks`, `nodes`,
    `conflicts`, `gaps`, `unverified`. Functions where a table may stand: row_history, as_of, known_at, blame, diff.

    `summary` counts, `warnings` says in words what is not shown and why, `views` lists the names.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, material: Material) -> None:
        from satchel.audit.answers import Answers
        from satchel.audit.states import States

        missing = sum(gap.last - gap.first + 1 for gap in material.gaps if not gap.covered)
        counts = (len(material.packets), len(material.unverified), material.left_out, len(material.tables))
        self.summary = Summary(*counts, missing)
        self.warnings = list(material.warnings)
        self.views = (*OURS, *(view for named in material.tables for view in (named.view, named.changes_view)))
        self._material, self._lake = material, material.lake
        self._connection: duckdb.DuckDBPyConnection | None = connection
        self._second = connection.cursor()
        self._machine = Machine(self._second, self._prepare)
        self._states = States(self._machine, material)
        self._answers = Answers(self._states, material, self._evaluate, connection.register, connection.execute)
        self._spill = tempfile.mkdtemp(prefix="satchel-")
        self._clean = weakref.finalize(self, shutil.rmtree, self._spill, ignore_errors=True)

    def sql(self, text: str) -> Result:
        """Runs SQL; of several statements the last one's result. UsageError: it is no SQL, or names what is not there
        or not allowed; SatchelError: the packets cannot be read."""
        import duckdb

        if self._connection is None:
            raise UsageError("the audit is closed", "Open another one.")
        if not is_clean(text):  # DuckDB ends in a C++ error
            raise UsageError("the SQL is no UTF-8", "Write bytes as '\\xFF'::BLOB.")
        try:
            with self._machine.failing():
                answer = self._connection.execute(self._answers.rewrite(text))
                description = None if answer is None else answer.description  # None: there was no statement
                columns = tuple(str(column[0]) for column in description or ())
                rows = answer.fetchall() if columns else []
        except duckdb.Error as error:
            raise translated(error, self.views) from error
        return Result(columns, rows, tuple(self._answers.warnings))

    def close(self) -> None:
        """Lets go of the packets; again does nothing."""
        if self._connection is not None:
            self._machine.close()
            self._connection.close()
            self._connection = None
            if self._lake is not None:
                self._lake.close()
            self._clean()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _evaluate(self, arguments: str) -> tuple[Any, ...]:
        """The values of the arguments of a call: constants, or questions of their own."""
        import duckdb

        try:
            found = self._machine.table(f"SELECT {arguments}")
        except duckdb.Error as error:
            message = str(translated(error, self.views))
            hint = "Arguments are constants, a table's name in quotes among them, or questions in parentheses."
            raise UsageError(message, hint) from error
        if found.num_rows != 1:
            raise UsageError(f"{found.num_rows} rows stand where one value belongs: {arguments}", "Ask for one.")
        return tuple(map(value_of, found.columns))

    def _fill(self) -> None:
        """Locks the connection, and makes the views."""
        connection = self._connection
        assert connection is not None
        connection.execute("SET temp_directory = $folder", {"folder": self._spill})
        if self._lake is not None:
            self._lake.attach(connection)
        for each in (connection, self._second):
            for setting in _OF_EACH:
                each.execute(f"SET {setting}")
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
        self._prepare(connection)

    def _prepare(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Gives a connection what the views stand on, and the views."""
        from satchel.audit.relations import dataset_of
        from satchel.audit.views import (
            dataset_view,
            plain_name,
            shape_name,
            source_statements,
            special_name,
            view_statements,
        )

        tables, lake = self._material.tables, self._lake
        for name, rows in self._relations():
            connection.register(name, rows)
        for place, named in enumerate(tables):
            for number, source in enumerate(named.shapes):
                relation, shape = shape_name(place, number), source.shape
                if lake is not None and shape.kind != "base":
                    lake.place(connection, relation, source.table, source.files, branch=bool(shape.branch))
                else:
                    connection.register(f"{relation}_rows", dataset_of(source.table, source.files))
                    connection.execute(dataset_view(relation))
            plain, special = self._states.lazy(place)
            connection.register(plain_name(place), plain)
            connection.register(special_name(place), special)
        for statement in (*source_statements(tables), *view_statements(tables)):
            connection.execute(statement)

    def _relations(self) -> Iterator[tuple[str, Any]]:
        from satchel.audit.quarrels import CONFLICTS, conflicts_table
        from satchel.audit.relations import acks_table, gaps_table, nodes_table, packets_table, unverified_table

        material = self._material
        held = material.held
        yield "packets", packets_table(material.packets, held.naming)
        yield "acks", acks_table(held.acks)
        yield "nodes", nodes_table(held.introduced.cards, held.members)
        yield "gaps", gaps_table(material.gaps)
        yield "unverified", unverified_table(material.unverified)
        yield "conflicts", self._machine.lazy(CONFLICTS, lambda: conflicts_table(self._states, material))
        yield LEDGER_NAME, material.ledger.table


def open_audit(
    *paths: Path | str, root: PublicKey | None = None, lake: Path | str | None = None, strict: bool = False
) -> Audit:
    """An audit of the packets below the paths: archives, exchanges, sticks. `root`: the founder's key, where it is
    known from elsewhere; otherwise the one founder's card there is. `lake`: one that was made of these packets
    (satchel.audit.lake); a home's own is found. Only packets that verify are shown. `strict`: only if none is missing
    and all verify. UsageError: no packets there; VerificationFailed: no card to verify them by, or
    `strict` and not whole."""
    import duckdb

    material = gather(paths, root, lake)
    if strict:
        _require_whole(material)
    audit = Audit(duckdb.connect(":memory:"), material)
    try:
        audit._fill()
    except duckdb.Error as error:
        audit.close()
        words = str(error).splitlines()[0]
        raise SatchelError(f"the packets cannot be shown: {words}", "Read them as docs/audit describes.") from error
    return audit


def _require_whole(material: Material) -> None:
    """VerificationFailed if something is missing or does not verify."""
    hint = "Without --strict (strict=True) it is answered by what is here; the views gaps and unverified name it all."
    if any(not gap.covered for gap in material.gaps):
        raise VerificationFailed(f"{missing_words(material.gaps)}, so no answer is sure", hint)
    if material.unverified or material.left_out:
        raise VerificationFailed(f"{len(material.unverified) + material.left_out} packets are in no view", hint)
