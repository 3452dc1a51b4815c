"""The rows through Parquet by sqlite3 and pyarrow, and nothing else: no versions, no checks, no signatures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import orders
from benchmarks.clock import timed

BATCH = 64_000


def unload(path: str, file: str) -> dict[str, Any]:
    """Reads all rows and writes them as zstd Parquet, batch by batch, in the order of the table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    orders.warm(path)
    with timed() as span:
        connection = orders.open_database(path)
        cursor = connection.execute(f"SELECT {', '.join(orders.COLUMNS)} FROM orders")
        writer = None
        while rows := cursor.fetchmany(BATCH):
            batch = pa.RecordBatch.from_arrays(list(map(pa.array, zip(*rows, strict=True))), list(orders.COLUMNS))
            writer = writer or pq.ParquetWriter(file, batch.schema, compression="zstd")
            writer.write_batch(batch)
        if writer is not None:
            writer.close()
        connection.close()
    return span.as_json()


def load(path: str, file: str) -> dict[str, Any]:
    """Fills the empty table in one transaction, sorted by key before, which is faster by far where keys are
    anywhere. Sorting is timed, too."""
    import pyarrow.parquet as pq

    orders.warm(file)
    marks = ", ".join("?" * len(orders.COLUMNS))
    with timed() as span:
        connection = orders.open_database(path)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -262144")
        connection.execute("BEGIN IMMEDIATE")
        for batch in pq.read_table(file).sort_by("id").to_batches(BATCH):
            columns = (column.to_pylist() for column in batch.columns)
            connection.executemany(f"INSERT INTO orders VALUES ({marks})", zip(*columns, strict=True))
        connection.execute("COMMIT")
        connection.close()
    return {**span.as_json(), "bytes": Path(file).stat().st_size}
