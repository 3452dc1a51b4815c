"""The views of an audit: SQL from the templates in sql/, one view a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from string import Template

from satchel.audit import expressions
from satchel.audit.tables import MACHINERY, Named

MACROS = ("key_of_real", "key_of_misfit", "json_of_misfit")


def parts_name(place: int) -> str:
    """What the rows of the table at this place are registered as."""
    return f"{MACHINERY}_parts_{place}"


def view_statements(tables: Sequence[Named]) -> Iterator[str]:
    """CREATE statements, in order. They bind names and types and read no row."""
    for macro in MACROS:
        yield _template(macro).template
    for place, named in enumerate(tables):
        parts = parts_name(place)
        yield _view(named.changes_view, _changes_of(named, parts))
        yield _view(named.view, _latest(named, parts))
    long_forms = [_long_form(named, parts_name(place)) for place, named in enumerate(tables)]
    yield _view("changes", "\nUNION ALL\n".join(long_forms) or _template("no_changes").template)


def _view(name: str, query: str) -> str:
    return f"CREATE TEMP VIEW {expressions.name(name)} AS\n{query}"


def _changes_of(named: Named, parts: str) -> str:
    columns = expressions.own_columns(named.table, renamed=True)
    return _template("table_changes").substitute(columns=columns, parts=parts)


def _latest(named: Named, parts: str) -> str:
    columns = expressions.shown_columns(named.table)
    return _template("latest").substitute(columns=columns, parts=parts, key=expressions.key_id(named.table))


def _long_form(named: Named, parts: str) -> str:
    table = named.table
    return _template("changes").substitute(
        table=expressions.text(table.name),
        key=expressions.key_json(table),
        row=expressions.row_json(table),
        parts=parts,
    )


@cache
def _template(name: str) -> Template:
    """A file of sql/ without its comments: what is filled in could end one."""
    sql = (files("satchel.audit") / "sql" / f"{name}.sql").read_text("utf-8")
    return Template(re.sub(r"^\s*--.*\n", "", sql, flags=re.MULTILINE))
