"""DuckDB's errors as one line and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from satchel.audit.lake_relations import lake_refusal
from satchel.errors import SatchelError, UsageError

if TYPE_CHECKING:
    import duckdb


def translated(error: duckdb.Error, views: Sequence[str]) -> SatchelError:
    """The error that an auditor reads."""
    import duckdb

    message = (str(error).splitlines() or [type(error).__name__])[0].strip()
    if (refused := lake_refusal(str(error))) is not None:
        return refused
    if "_satchel_answer_" in message:
        return UsageError(
            "an answer of row_history, as_of, known_at, blame or diff is a table, and stands where a table may stand",
            "Write SELECT ... FROM as_of(...).",
        )
    if isinstance(error, (duckdb.CatalogException, duckdb.BinderException)):
        return UsageError(message, f"The views are: {', '.join(views)}.")
    if isinstance(error, duckdb.PermissionException):
        return UsageError(message, "An audit reads its views; it opens no other file and writes none.")
    if isinstance(error, (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException)):
        return SatchelError(message, "Run `satchel verify` on the packets.")
    if "'pytz'" in message:
        return UsageError("times with a zone cannot be shown here", "Cast them: (...)::TIMESTAMP, or ::VARCHAR.")
    if "arrow_scan" in message or "Parquet" in message:
        return SatchelError(message, "A file changed since it was verified: run `satchel verify`.")
    return UsageError(message, "See the SQL reference of DuckDB.")
