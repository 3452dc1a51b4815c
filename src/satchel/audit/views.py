"""The views of an audit: SQL from the templates in sql/, one view a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from string import Template

from satchel.audit import expressions
from satchel.audit.tables import CHANGE_FIELDS, MACHINERY, Named
from satchel.model.schema import Column

MACROS = ("key_of_real", "key_of_misfit", "json_of_misfit")


def parts_name(place: int) -> str:
    """The view of all rows of the table at this place, which the others stand on."""
    return f"{MACHINERY}_parts_{place}"


def shape_name(place: int, number: int) -> str:
    """What the rows of one shape of the table at this place are registered as."""
    return f"{MACHINERY}_parts_{place}_{number}"


def view_statements(tables: Sequence[Named]) -> Iterator[str]:
    """CREATE statements, in order. They bind names and types and read no row."""
    for macro in MACROS:
        yield _template(macro).template
    for place, named in enumerate(tables):
        parts = parts_name(place)
        yield _view(parts, _parts(named, place))
        yield _view(named.changes_view, _changes_of(named, parts))
        yield _view(named.view, _latest(named, parts))
    long_forms = [_long_form(named, parts_name(place)) for place, named in enumerate(tables)]
    yield _view("changes", "\nUNION ALL\n".join(long_forms) or _template("no_changes").template)


def _view(name: str, query: str) -> str:
    return f"CREATE TEMP VIEW {expressions.name(name)} AS\n{query}"


def _parts(named: Named, place: int) -> str:
    """All parts of a table in one shape: a number that later became a reference is text, as the references are; packets
    of a fork are told apart by the names of their branches."""
    columns = ", ".join(_typed(column) for column in named.table.columns)
    return "\nUNION ALL\n".join(
        f"SELECT {columns}, {_change(branch)} FROM {shape_name(place, number)}"
        for number, (_, _, branch) in enumerate(named.shapes)
    )


def _change(branch: str) -> str:
    if not branch:
        return "_change"
    rest = ", ".join(f'"{name}" := _change."{name}"' for name in CHANGE_FIELDS if name != "origin")
    return f'struct_pack("origin" := {expressions.text(branch)}, {rest}) AS _change'


def _typed(column: Column) -> str:
    quoted = expressions.name(column.name)
    return f"CAST({quoted} AS VARCHAR) AS {quoted}" if column.type == "string" else quoted


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
