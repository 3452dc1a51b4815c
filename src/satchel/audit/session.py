"""Questions to packets in SQL: DuckDB over the verified packets below some paths, without a database or a home.

The connection can open no file at all, neither to read nor to write, and loads no extension: `COPY ... TO` would write
even to paths that are only allowed for reading. What it may read reaches it through Arrow (relations.py).
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from satchel.audit.caution import cautions
from satchel.audit.lake_relations import LakeRelations, lake_refusal, read_with_lake
from satchel.audit.tables import CONTEXTS_NAME, OURS, Named, gather_tables
from satchel.errors import SatchelError, UsageError
from satchel.model.value import is_clean
from satchel.packet.keys import PublicKey

if TYPE_CHECKING:
    import duckdb

# In this order: what comes last forbids to change what came before. Spilling is confined to a private folder.
_SETTINGS = (
    "autoinstall_known_extensions = false",
    "autoload_known_extensions = false",
    "python_enable_replacements = false",  # a name in SQL must not find a variable of the caller
    "TimeZone = 'UTC'",
    "enable_external_access = false",
    "lock_configuration = true",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement returned: column names, and rows as tuples."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows."""
        return self.rows


@dataclass(frozen=True, slots=True)
class Summary:
    """What an audit stands on. `unverified` packets are in no view; `left_out` parts of verified ones neither."""

    verified: int
    unverified: int
    left_out: int
    tables: int


class Audit:
    """A connection to verified packets. Views: one per table, `<table>_changes`, `packets`, `changes`, `acks`, `nodes`.

    `summary` counts, `warnings` says in words what is not shown and why, `views` lists the names.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        summary: Summary,
        warnings: list[str],
        lake: LakeRelations | None = None,
    ) -> None:
        self.summary = summary
        self.warnings = warnings
        self.views: tuple[str, ...] = ()
        self._connection: duckdb.DuckDBPyConnection | None = connection
        self._lake = lake
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
            answer = self._connection.execute(text)
            description = None if answer is None else answer.description  # None: there was no statement
            columns = tuple(str(column[0]) for column in description or ())
            return Result(columns, answer.fetchall() if columns else [])
        except duckdb.Error as error:
            raise self._translated(error) from error

    def close(self) -> None:
        """Lets go of the packets; again does nothing."""
        if self._connection is not None:
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

    def _fill(self, tables: list[Named], registered: dict[str, Any]) -> None:
        """Registers what the views stand on, makes them, and locks the connection."""
        from satchel.audit.relations import dataset_of
        from satchel.audit.views import shape_name, view_statements

        connection = self._connection
        assert connection is not None
        connection.execute("SET temp_directory = $folder", {"folder": self._spill})
        if self._lake is not None:
            self._lake.attach(connection)
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
        for name, rows in registered.items():
            connection.register(name, rows)
        for place, named in enumerate(tables):
            for number, (shape, files, branch) in enumerate(named.shapes):
                relation = shape_name(place, number)
                if self._lake is not None:
                    self._lake.place(connection, relation, shape, files, branch=bool(branch))
                else:
                    connection.register(relation, dataset_of(shape, files))
        for statement in view_statements(tables):
            connection.execute(statement)
        views = [view for named in tables for view in (named.view, named.changes_view)]
        self.views = (*OURS, *views)

    def _translated(self, error: duckdb.Error) -> SatchelError:
        import duckdb

        message = (str(error).splitlines() or [type(error).__name__])[0].strip()
        if (refused := lake_refusal(str(error))) is not None:
            return refused
        if isinstance(error, (duckdb.CatalogException, duckdb.BinderException)):
            return UsageError(message, f"The views are: {', '.join(self.views)}.")
        if isinstance(error, duckdb.PermissionException):
            return UsageError(message, "An audit reads its views; it opens no other file and writes none.")
        if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException)):
            return SatchelError(message, "Run `satchel verify` on the packets.")
        if "'pytz'" in message:
            return UsageError("times with a zone cannot be shown here", "Cast them: (...)::TIMESTAMP, or ::VARCHAR.")
        if "arrow_scan" in message or "Parquet" in message:
            return SatchelError(message, "A file changed since it was verified: run `satchel verify`.")
        return UsageError(message, "See the SQL reference of DuckDB.")


def open_audit(*paths: Path | str, root: PublicKey | None = None, lake: Path | str | None = None) -> Audit:
    """An audit of the packets below the paths: archives, exchanges, sticks. `root`: the founder's key, where it is
    known from elsewhere; otherwise the one founder's card there is. `lake`: one that was made of these packets
    (satchel.audit.lake); a home's own is found. Only packets that verify are shown. UsageError: no packets there;
    VerificationFailed: no card to verify them by."""
    import duckdb

    from satchel.audit.relations import acks_table, contexts_table, nodes_table, packets_table

    held, relations = read_with_lake(paths, root, lake)
    configuration = held.members.configuration
    naming = held.naming
    agreed = configuration.shared_tables() if configuration else ()
    tables, left_out = gather_tables(agreed, held.packets, naming)
    summary = Summary(len(held.packets), len(held.unverified), len(left_out), len(tables))
    audit = Audit(duckdb.connect(":memory:"), summary, cautions(held, left_out, naming), relations)
    registered = {
        "packets": packets_table(held.packets, naming),
        "acks": acks_table(held.acks),
        "nodes": nodes_table(held.introduced.cards, held.members),
        CONTEXTS_NAME: contexts_table(held.packets, naming),
    }
    try:
        audit._fill(tables, registered)
    except duckdb.Error as error:
        audit.close()
        words = str(error).splitlines()[0]
        raise SatchelError(f"the packets cannot be shown: {words}", "Read them as docs/audit describes.") from error
    return audit
