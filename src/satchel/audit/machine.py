"""What an audit reckons with besides the connection that is asked: a connection of its own to the same packets.

Rules that no SQL repeats (policies, constraints) run in Python. A view gets at them through `Lazy`: an Arrow table that
is made when a query first reads it, in DuckDB's thread, by questions to this second connection.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from satchel.errors import SatchelError

if TYPE_CHECKING:
    import duckdb


class Lazy:
    """An Arrow table of a known schema that is made when it is first read; afterwards it is kept."""

    def __init__(self, schema: pa.Schema, make: Callable[[], pa.Table], failed: Callable[[SatchelError], None]) -> None:
        self.schema = schema
        self._make, self._failed = make, failed
        self._made: pa.Table | None = None

    def __arrow_c_schema__(self) -> Any:
        """The schema, for which nothing is read."""
        return self.schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """The rows."""
        return self.table().__arrow_c_stream__()

    def table(self) -> pa.Table:
        """The rows, made now if nobody has asked yet."""
        if self._made is None:
            try:
                self._made = self._make()
            except SatchelError as error:
                self._failed(error)
                raise
        return self._made


class Machine:
    """The second connection; `prepare` fills it when it is first used. One question at a time."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, prepare: Callable[[duckdb.DuckDBPyConnection], None]
    ) -> None:
        self.lock = threading.RLock()
        self.failed: SatchelError | None = None
        self._connection, self._prepare = connection, prepare
        self._prepared = False

    @contextmanager
    def failing(self) -> Iterator[None]:
        """An error of ours that DuckDB met while it read a `Lazy` comes out as itself."""
        try:
            yield
        except Exception as error:
            found, self.failed = self.failed, None
            if found is not None and found is not error:
                raise found from error
            raise

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Open, with everything that the views stand on."""
        if not self._prepared:
            self._prepared = True
            self._prepare(self._connection)
        return self._connection

    def lazy(self, schema: pa.Schema, make: Callable[[], pa.Table]) -> Lazy:
        """A table that is made by questions to this connection when it is read."""

        def failed(error: SatchelError) -> None:
            self.failed = error

        return Lazy(schema, make, failed)

    def run(self, sql: str) -> None:
        """A statement without result."""
        with self.lock:
            self.connection.execute(sql).fetchall()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a question."""
        with self.lock:
            found: list[tuple[Any, ...]] = self.connection.execute(sql).fetchall()
            return found

    def table(self, sql: str) -> pa.Table:
        """The answer as Arrow."""
        with self.lock:
            return self.connection.sql(sql).to_arrow_table()

    def put(self, name: str, rows: pa.Table) -> None:
        """A table that the next questions may use; replaces one of that name."""
        with self.lock:
            self.connection.register(name, rows)

    def drop(self, names: Sequence[str]) -> None:
        """Lets go of temporary tables."""
        for name in names:
            self.run(f"DROP TABLE IF EXISTS {name}")

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()
