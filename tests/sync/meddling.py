"""Somebody writes into a database past the triggers of satchel."""

from __future__ import annotations

from tests.sync.sites import Place, opened


def meddle(place: Place, *statements: str) -> None:
    with opened(place.db) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        connection.execute("BEGIN")
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        for statement in statements:
            connection.execute(statement)
        for _, text in triggers:
            connection.execute(text)
        connection.execute("COMMIT")
