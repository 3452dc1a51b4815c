"""The application, which knows nothing of satchel: it makes a database, and it writes."""

from __future__ import annotations

from typing import Any

from benchmarks import orders
from benchmarks.clock import timed


def create(path: str, rows: int, key: str, unique: bool = False) -> dict[str, Any]:
    """A database with so many orders."""
    with timed() as span:
        orders.create(path, rows, key, unique=unique)
    return span.as_json()


def create_empty(path: str, key: str) -> None:
    """The table without rows."""
    orders.create(path, 0, key)


def write(path: str, rows: int, changes: int, key: str, transactions: int = 1) -> dict[str, Any]:
    """The delta, in one transaction or in many: from the first BEGIN to the last COMMIT."""
    statements = orders.delta(rows, changes, key).statements
    small = orders.small_transactions(statements, transactions)
    orders.warm(path)
    connection = orders.open_database(path)
    with timed() as span:
        if transactions == 1:
            orders.write_big(connection, statements)
        else:
            orders.write_small(connection, small)
    connection.close()
    return span.as_json()


def write_rival(path: str, rows: int, changes: int, key: str) -> None:
    """What the other site did meanwhile to half as many of the same rows."""
    connection = orders.open_database(path)
    orders.write_big(connection, orders.rival(rows, changes, key))
    connection.close()


def content(path: str) -> dict[str, Any]:
    """Sums over all columns: what tells two tables apart that should be equal, in a single pass."""
    texts = (f"sum(length({name})), sum(unicode(substr({name}, -1)))" for name in ("id", "order_no", "status", "note"))
    query = f"SELECT count(*), sum(customer_id), sum(qty), sum(round(amount * 100)), {', '.join(texts)} FROM orders"
    connection = orders.open_database(path)
    sums = list(connection.execute(query).fetchone())
    connection.close()
    return {"sums": sums}
