"""SQL for the values of a row: names and texts as literals, keys that compare as the network compares them, JSON.

Everything that comes from a packet goes through `name` or `text` before it stands in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

from satchel.audit.tables import shown_name
from satchel.model.schema import Column, Table
from satchel.model.value import EXACT_IN_JSON

GID_NAME = "_gid"
_MOST_HINTS = 32
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def name(identifier: str) -> str:
    """A quoted name."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """A quoted text."""
    return "'" + value.replace("'", "''") + "'"


def own_columns(table: Table, *, renamed: bool) -> str:
    """The table's columns; `renamed` where ours stand beside them."""
    shown = [(column, shown_name(column) if renamed else column) for column in table.names]
    return ", ".join(f"part.{name(column)} AS {name(alias)}" for column, alias in shown)


def shown_columns(table: Table) -> str:
    """The columns of a table's own view: of one whose numbers each database hands out the gid stands beside them, and
    a column of the user's with its name is renamed as in `<table>_changes`."""
    if table.scope != "local":
        return own_columns(table, renamed=False)
    shown = [(column, shown_name(column) if column.lower() == GID_NAME else column) for column in table.names]
    columns = ", ".join(f"part.{name(column)} AS {name(alias)}" for column, alias in shown)
    return f"{columns}, part._change.gid AS {GID_NAME}"


def key_id(table: Table) -> str:
    """A text that is equal for keys that are equal (satchel.model.key), and for no others."""
    if table.scope == "local":
        return "part._change.gid"
    parts = [_key_part(table.column(column)) for column in table.key]
    if len(parts) == 1:
        return parts[0]
    # the length in front keeps the parts apart
    return "concat(" + ", ".join(f"length({part}), ':', {part}" for part in parts) + ")"


def key_hint(table: Table, ids: Sequence[str]) -> str:
    """What holds for every row with one of these ids, in words that the statistics of a file answer: DuckDB passes over
    the parts of a lake that cannot hold them. `true` where there are no such words. A key that is null is a misfit."""
    if len(ids) > _MOST_HINTS or len(table.key) > 1:
        return "true"
    if table.scope == "local":
        return f"part._change.gid IN ({', '.join(map(text, ids))})" if ids else "false"
    column = table.column(table.key[0])
    value = f"part.{name(column.name)}"
    if column.type == "string" and column.collation == "BINARY":
        known = [text(id_[1:]) for id_ in ids if id_.startswith("t")]
    elif column.type == "int64":
        known = [id_[1:] for id_ in ids if id_.startswith("n") and _is_int64(id_[1:])]
    else:
        return "true"
    return f"({value} IN ({', '.join(known)}) OR {value} IS NULL)" if known else f"{value} IS NULL"


def _is_int64(digits: str) -> bool:
    return digits.removeprefix("-").isdecimal() and -(2**63) <= int(digits) < 2**63


def key_json(table: Table) -> str:
    """The key as a JSON list, in key order."""
    return f"json_array({', '.join(value_json(table.column(column)) for column in table.key)})::VARCHAR"


def row_json(table: Table) -> str:
    """The row as a JSON object."""
    fields = ", ".join(f"{text(column.name)}, {value_json(column)}" for column in table.columns)
    return f"json_object({fields})::VARCHAR"


def compared(table: Table) -> dict[str, str]:
    """The words of sql/diff.sql that a table's columns are in. The number of a local row is its author's: it is no
    difference."""
    own = table.key[0] if table.scope == "local" else ""
    names = [text("" if column.name == own else column.name) for column in table.columns]
    cells = ", ".join(f"{value_json(column)}::VARCHAR" for column in table.columns)

    def row(side: str) -> str:
        pairs = (f"{text(name)}, {side}[{place}]::JSON" for place, name in enumerate(table.names, 1))
        return f"CASE WHEN {side} IS NOT NULL THEN json_object({', '.join(pairs)})::VARCHAR END"

    return {
        "key": key_json(table),
        "cells": f"[{cells}]",
        "names": f"[{', '.join(names)}]",
        "row_before": row("old"),
        "row_after": row("new"),
    }


def misfit(column: Column, row: str = "part") -> str:
    """What stands beside a null of this column, if anything does."""
    return f'list_filter({row}._change.misfit, lambda m: m."column" = {text(column.name)})[1]'


def _key_part(column: Column) -> str:
    value = f"part.{name(column.name)}"
    usual = {
        "int64": f"'n' || {value}::VARCHAR",
        "float64": f"_satchel_key_of_real({value})",
        "string": f"'t' || {_collated(column, value)}",
        "binary": f"'b' || hex({value})",
    }[column.type]
    odd = f"_satchel_key_of_misfit({misfit(column)})"
    odd = f"CASE WHEN left({odd}, 1) IN ('t', 'u') THEN {_collated(column, odd)} ELSE {odd} END"
    return f"CASE WHEN {value} IS NOT NULL THEN {usual} ELSE {odd} END"


def _collated(column: Column, value: str) -> str:
    """One text of those that the column's collation takes for equal: ASCII only, as in SQLite."""
    if column.collation == "NOCASE":
        return f"translate({value}, {text(_UPPER)}, {text(_UPPER.lower())})"
    if column.collation == "RTRIM":
        return f"rtrim({value}, ' ')"
    return value


def value_json(column: Column, row: str = "part") -> str:
    """A value as JSON (INTERFACE)."""
    value = f"{row}.{name(column.name)}"
    usual = {
        "int64": f"CASE WHEN {value} > {EXACT_IN_JSON} OR {value} < -{EXACT_IN_JSON} "
        f"THEN to_json({value}::VARCHAR) ELSE to_json({value}) END",
        "float64": f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE to_json({value}::VARCHAR) END",
        "string": f"to_json({value})",
        "binary": f"json_object('base64', to_base64({value}))",
    }[column.type]
    if column.type == "float64" and column.affinity == "numeric":  # a whole double is the database's integer (ADR 8)
        whole = f"isfinite({value}) AND {value} = trunc({value}) AND abs({value}) <= {EXACT_IN_JSON}"
        usual = f"CASE WHEN {whole} THEN to_json({value}::BIGINT) ELSE {usual} END"
    odd = f"_satchel_json_of_misfit({misfit(column, row)})"
    return f"CASE WHEN {value} IS NOT NULL THEN {usual} WHEN {row}._change.misfit IS NOT NULL THEN {odd} END"
