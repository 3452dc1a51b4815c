"""Which tables a network replicates, and whose their keys are (PROTOCOL, Whose key is it?; INTERFACE, init)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from satchel.errors import SatchelError, UsageError
from satchel.model.gids import gid_clashes, typed
from satchel.model.schema import LeftOut, Schema, Table
from satchel.packet.configuration import Reference, with_references
from satchel.packet.options import Options, fits

REFERENCE_FORM = "TABLE.COLUMN=TABLE"


@dataclass(frozen=True, slots=True)
class Choice:
    """Tables as the network is to replicate them, in the order of the schema; what stays out; what should be told."""

    tables: tuple[Table, ...]
    references: tuple[Reference, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]


def choose(schema: Schema, options: Options, references: Sequence[str] = ()) -> Choice:
    """Chooses by globs. UsageError for a glob that fits no table, a scope that contradicts the schema or a reference
    that leads nowhere; SatchelError if nothing is left to replicate."""
    _require_fitting(schema, options)
    wanted = [table for table in schema.tables if options.takes(table.name)]
    if not wanted:
        reasons = "; ".join(f"{entry.table}: {entry.reason}" for entry in schema.left_out)
        raise SatchelError("there is no table that can be replicated", reasons or "make the application's tables first")
    named = tuple(dict.fromkeys(parse_reference(word, wanted) for word in references))
    scoped = [with_scope(table, options, named) for table in wanted]
    tables = typed(with_references(scoped, named))
    others = [LeftOut(t.name, "it was not chosen by --table") for t in schema.tables if not options.takes(t.name)]
    warnings = [*_idle(tables, named), *clashes(tables)]
    return Choice(tables, named, (*schema.left_out, *others), tuple(warnings))


def _require_fitting(schema: Schema, options: Options) -> None:
    names = [table.name for table in schema.tables] + [entry.table for entry in schema.left_out]
    globs = [*options.tables, *(glob for glob, _ in options.policies), *(glob for glob, _ in options.key_scope)]
    for glob in globs:
        if glob != "*" and not any(fits(name, glob) for name in names):
            raise UsageError(f"no table is called {glob}", f"there are: {', '.join(names) or 'none'}")


def with_scope(table: Table, options: Options, references: Iterable[Reference], *, strict: bool = True) -> Table:
    """A table of this database's schema with the scope that its key has in the network: what a glob says, else the
    schema's; a key that is itself a reference is never local. UsageError for `local` where the key is no number that
    this database hands out; with `strict` off such a key is global, as for tables that come later."""
    named = options.named_scope(table.name)
    parents = [
        reference.parent
        for reference in references
        if reference.table == table.name and not set(table.key).isdisjoint(reference.columns)
    ]
    if named == "local" and (table.scope != "local" or parents):
        if strict:
            raise UsageError(f"the key of {table.name} cannot be local: {_why_not(table, parents)}", _way_out(table))
        named = "global"
    return replace(table, scope="global" if parents else named or table.scope)


def _why_not(table: Table, parents: Sequence[str]) -> str:
    declared = [key.parent for key in table.foreign_keys if not set(table.key).isdisjoint(key.columns)]
    if found := [*parents, *declared]:
        return f"{', '.join(table.key)} refers to {found[0]}"
    return f"{', '.join(table.key)} is no INTEGER PRIMARY KEY, the number that a database hands out by itself"


def _way_out(table: Table) -> str:
    return f"leave --key-scope out for {table.name}; keys that a database hands out by itself are local without it"


def parse_reference(word: str, tables: Sequence[Table]) -> Reference:
    """`TABLE.COLUMN=TABLE`: this column holds keys of that table. UsageError unless these tables have the column and a
    parent whose key is a single integer. Names compare without case; those of tables may have dots."""
    child_word, sign, parent_word = word.rpartition("=")
    if not sign or "." not in child_word.strip(".") or not parent_word:
        raise UsageError(
            f"the reference {word!r} is not of the form {REFERENCE_FORM}", "write for instance lines.invoice=invoices"
        )
    child, column_word = _split(child_word, tables, word)
    parent = _table(parent_word, tables, word)
    column = next((name for name in child.names if name.lower() == column_word.lower()), None)
    if column is None:
        raise UsageError(
            f"the reference {word}: {child.name} has no column {column_word}", f"it has {', '.join(child.names)}"
        )
    if [parent.column(name).affinity for name in parent.key] != ["integer"]:
        raise UsageError(
            f"the reference {word}: the key of {parent.name} ({', '.join(parent.key)}) is no single integer",
            "only references to numbers need a name; keys that mean the same everywhere travel as they are",
        )
    return Reference(table=child.name, columns=(column,), parent=parent.name, parent_columns=parent.key)


def reference_word(reference: Reference) -> str:
    """A reference as it is written on the command line."""
    return f"{reference.table}.{', '.join(reference.columns)}={reference.parent}"


def _split(word: str, tables: Sequence[Table], whole: str) -> tuple[Table, str]:
    """Table and column; of several readings the one with the longest name of a table that is there."""
    places = [place for place, letter in enumerate(word) if letter == "." and place]
    for place in reversed(places):
        for table in tables:
            if table.name.lower() == word[:place].lower():
                return table, word[place + 1 :]
    return _table(word[: places[-1]], tables, whole), ""


def _table(name: str, tables: Sequence[Table], word: str) -> Table:
    for table in tables:
        if table.name.lower() == name.lower():
            return table
    names = ", ".join(table.name for table in tables)
    raise UsageError(f"the reference {word}: no table {name} is replicated", f"these are: {names}")


def _idle(tables: Sequence[Table], references: Iterable[Reference]) -> Iterator[str]:
    """References to keys that mean the same everywhere: there is nothing to translate."""
    scopes = {table.name: table.scope for table in tables}
    types = {(table.name, column.name): column.type for table in tables for column in table.columns}
    for reference in references:
        if scopes[reference.parent] == "global" and types[reference.parent, reference.parent_columns[0]] != "string":
            columns = ", ".join(reference.columns)
            yield (
                f"the reference of {reference.table}.{columns} changes nothing: keys of {reference.parent} mean the "
                "same everywhere"
            )


def clashes(tables: Sequence[Table]) -> Iterator[str]:
    """Columns that refer to the numbers of several tables."""
    for clash in gid_clashes(tables):
        others = ", ".join(clash.passed_over)
        yield f"{clash.table}.{clash.column} refers to {clash.taken} and to {others}: it is read as a {clash.taken}"
