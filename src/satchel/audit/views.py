"""The views of an audit: SQL from the templates in sql/, one view a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template

from satchel.audit import expressions
from satchel.audit.tables import CHANGE_FIELDS, LEDGER_NAME, MACHINERY, Named
from satchel.model.schema import Column

MACROS = ("key_of_real", "key_of_misfit", "json_of_misfit", "loose", "loose_misfit")


def parts_name(place: int) -> str:
    """The view of all rows of the table at this place, which the others stand on."""
    return f"{MACHINERY}_parts_{place}"


def shape_name(place: int, number: int) -> str:
    """What the rows of one shape of the table at this place are registered as."""
    return f"{MACHINERY}_parts_{place}_{number}"


def source_name(named: Named, place: int, *, now: bool) -> str:
    """What the versions of a table are read from. `now`: where a foundation stands for packets, it alone says which of
    their versions still stand; else it only tells of those that are not here."""
    return f"{parts_name(place)}_now" if now and named.has_base else parts_name(place)


def plain_name(number: int | str) -> str:
    """What `State.plain` of a question is registered as."""
    return f"{MACHINERY}_plain_{number}"


def special_name(number: int | str) -> str:
    """What `State.special` of a question is registered as."""
    return f"{MACHINERY}_special_{number}"


def source_statements(tables: Sequence[Named]) -> Iterator[str]:
    """CREATE statements of what all views stand on, in order. They bind names and types and read no row."""
    for macro in MACROS:
        yield _template(macro).template
    for place, named in enumerate(tables):
        yield _view(parts_name(place), _parts(named, place, now=False))
        if named.has_base:
            yield _view(source_name(named, place, now=True), _parts(named, place, now=True))


def view_statements(tables: Sequence[Named]) -> Iterator[str]:
    """CREATE statements of the views, after those of `source_statements`."""
    for place, named in enumerate(tables):
        yield _view(named.changes_view, _changes_of(named, parts_name(place)))
        yield _view(named.view, shown(named, place, place))
    long_forms = [_long_form(named, parts_name(place)) for place, named in enumerate(tables)]
    yield _view("changes", "\nUNION ALL\n".join(long_forms) or _template("no_changes").template)


def _view(name: str, query: str) -> str:
    return f"CREATE TEMP VIEW {expressions.name(name)} AS\n{query}"


def _parts(named: Named, place: int, *, now: bool) -> str:
    """All parts of a table in one shape: a number that later became a reference is text, as the references are; packets
    of a fork are told apart by the names of their branches."""
    columns = ", ".join(_typed(column) for column in named.table.columns)
    found = []
    for number, source in enumerate(named.shapes):
        if now and source.shape.kind == "covered":
            continue
        flat, change = _flat_fields(source.shape.branch), _change(source.shape.branch)
        select = f"SELECT {flat}, {columns}, {change} FROM {shape_name(place, number)} AS part"
        if source.shape.kind == "base" and not now:
            select += f" SEMI JOIN (FROM {LEDGER_NAME} WHERE NOT here) AS packet ON {_IS_OF}"
        found.append(select)
    return "\nUNION ALL\n".join(found)


_IS_OF = "packet.origin = part._change.origin AND packet.seq = part._change.seq"


def _change(branch: str) -> str:
    if not branch:
        return "_change"
    rest = ", ".join(f'"{name}" := _change."{name}"' for name in CHANGE_FIELDS if name != "origin")
    return f'struct_pack("origin" := {expressions.text(branch)}, {rest}) AS _change'


def _flat_fields(branch: str) -> str:
    """What `_change` says, as columns of their own: out of a lake each is read by itself. They come first, so that no
    column of a user's can stand in their place."""
    origin = expressions.text(branch) if branch else f"part.{flat_name('origin')}"
    fields = (f"part.{flat_name(field)} AS {flat_name(field)}" for field in CHANGE_FIELDS if field != "origin")
    return f"{origin} AS {flat_name('origin')}, {', '.join(fields)}"


def flat_name(field: str) -> str:
    """A field of `_change` as a column of a table's parts."""
    return f"{MACHINERY}_change_{field}"


def flattened(sql: str) -> str:
    """SQL on the parts of a table (`part`) that takes fields of `_change` from their own columns."""
    return _FIELD.sub(lambda found: f"part.{flat_name(found[1])}", sql)


_FIELD = re.compile(rf'\bpart\._change\."?({"|".join(CHANGE_FIELDS)})\b"?')
# Templates in which `part` is always the parts of a table.
_OF_PARTS = frozenset({"changes", "faces", "row_history", "rows_of", "table_changes", "tops", "versions"})


def dataset_view(relation: str) -> str:
    """CREATE statement of the rows of files that are registered as `<relation>_rows`, in the form of parts."""
    fields = ", ".join(f'rows._change."{field}" AS {flat_name(field)}' for field in CHANGE_FIELDS)
    return f"CREATE TEMP VIEW {relation} AS SELECT {fields}, rows.* FROM {relation}_rows AS rows"


def _typed(column: Column) -> str:
    quoted = expressions.name(column.name)
    return f"CAST({quoted} AS VARCHAR) AS {quoted}" if column.type == "string" else quoted


def _changes_of(named: Named, parts: str) -> str:
    columns = expressions.own_columns(named.table, renamed=True)
    return fill("table_changes", {"columns": columns, "parts": parts})


def shown(named: Named, place: int, number: int | str, *, now: bool = True, identified: bool = False) -> str:
    """The rows that a state shows, which is registered under a number, as the table's view has them; `identified`: in
    the shape of its packets, with `_satchel_id`."""
    key = expressions.key_id(named.table)
    columns = special_columns = expressions.shown_columns(named.table)
    if identified:
        rest = f"{expressions.own_columns(named.table, renamed=False)}, part._change AS _change"
        columns = f"{key} AS _satchel_id, {rest}"
        special_columns = f"part._satchel_id AS _satchel_id, {rest}"  # one may be shown under the key of a twin's
    return fill(
        "shown",
        {
            "columns": flattened(columns),
            "special_columns": special_columns,
            "source": source_name(named, place, now=now),
            "key": flattened(key),
            "plain": plain_name(number),
            "special": special_name(number),
        },
    )


def _long_form(named: Named, parts: str) -> str:
    table = named.table
    words = {"key": expressions.key_json(table), "row": expressions.row_json(table)}
    return fill("changes", {**words, "table": expressions.text(table.name), "parts": parts})


def fill(name: str, words: Mapping[str, str]) -> str:
    """A template of sql/ with its words filled in."""
    filled = _template(name).substitute(words)
    return flattened(filled) if name in _OF_PARTS else filled


@cache
def _template(name: str) -> Template:
    """A file of sql/ without its comments: what is filled in could end one."""
    sql = (files("satchel.audit") / "sql" / f"{name}.sql").read_text("utf-8")
    return Template(re.sub(r"^\s*--.*\n", "", sql, flags=re.MULTILINE))
