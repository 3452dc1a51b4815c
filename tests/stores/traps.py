"""A trap: a schema, rows that both sites have, and what the application does at one of them."""

from __future__ import annotations

from dataclasses import dataclass

T = "CREATE TABLE t (id TEXT PRIMARY KEY, a, b)"
ABC = "INSERT INTO t VALUES ('k1', 1, 'x'), ('k2', 2, 'y'), ('k3', 3, 'z')"


@dataclass(frozen=True)
class Trap:
    name: str
    schema: tuple[str, ...]
    before: tuple[str, ...]
    during: tuple[str, ...]
    changes: frozenset[str] | None = None
    maybe: frozenset[str] = frozenset()  # may stand in the seal as well
    foreign_keys: bool = False


def trap(
    name: str,
    schema: str | tuple[str, ...],
    before: str | tuple[str, ...],
    *during: str,
    changes: set[str] | None = None,
    maybe: set[str] = frozenset(),  # type: ignore[assignment]
    foreign_keys: bool = False,
) -> Trap:
    schema = (schema,) if isinstance(schema, str) else schema
    before = (before,) if isinstance(before, str) else before
    return Trap(
        name, schema, before, during, None if changes is None else frozenset(changes), frozenset(maybe), foreign_keys
    )


def in_one(*statements: str) -> tuple[str, ...]:
    return ("BEGIN", *statements, "COMMIT")
