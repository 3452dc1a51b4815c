"""What `doctor` says of the application's schema: keys, references, triggers, what is not here (PROTOCOL, Whose key is
it?, Apply, Constraints)."""

from __future__ import annotations

from collections.abc import Iterator

from satchel.model.gids import gid_columns
from satchel.model.schema import LeftOut, Table
from satchel.sync.findings import Finding, finding
from satchel.sync.site import Site

_LOST_REFERENCE = "such numbers are not translated: at another site they name another row"


def schema_findings(site: Site) -> Iterator[Finding]:
    """All of it, keys first."""
    yield from _keys(site)
    yield from _seeming(site)
    away = {lacks.table for lacks in site.store.lacks() if lacks.columns is None}
    yield from (_left_out(entry) for entry in site.store.left_out() if entry.table not in away)
    yield from _lacks(site)
    yield from _triggers(site)


def _keys(site: Site) -> Iterator[Finding]:
    tables = site.store.tables()
    roots = gid_columns(tables)
    by_itself = {table.name for table in site.store.inspect().tables if table.scope == "local"}
    for table in tables:
        yield finding("ok", f"{table.name}: {_scope(table, roots, by_itself)}")


def _scope(table: Table, roots: dict[tuple[str, str], str], by_itself: set[str]) -> str:
    key = ", ".join(table.key)
    if table.scope == "local":
        why = "is an INTEGER PRIMARY KEY" if table.name in by_itself else "was declared so with --key-scope"
        return f"local, because {key} {why}: each site hands out its own numbers, and a row may have another one here"
    if borrowed := [
        f"{name} is the number of {roots[table.name, name]}" for name in table.key if (table.name, name) in roots
    ]:
        return f"global, and follows its parents' numbers: {', '.join(borrowed)}"
    if table.name in by_itself:
        return f"global, because --key-scope says so: rows with one {key} are one row, also if two sites made them"
    return f"global, because {key} is no number that the database hands out: rows with one {key} are one row everywhere"


def _seeming(site: Site) -> Iterator[Finding]:
    for seeming in site.store.seeming_references():
        column = f"{seeming.table}.{seeming.column}"
        yield finding(
            "warning",
            f"{column} seems to hold numbers of {seeming.parent} ({seeming.found} of {seeming.of} values are such), and"
            f" no reference says so: {_LOST_REFERENCE}",
            f"if they are: satchel tables reference {column}={seeming.parent}",
        )


def _left_out(entry: LeftOut) -> Finding:
    hint = ""
    if "which only its application knows" in entry.reason:
        hint = "its rows stay here and are not sent; all other tables are replicated, the application works as before"
    return finding("note", f"{entry.table} is left out: {entry.reason}", hint)


def _lacks(site: Site) -> Iterator[Finding]:
    for lacks in site.store.lacks():
        what = f"the table {lacks.table} is" if lacks.columns is None else f"{lacks.table} has"
        rest = "not here" if lacks.columns is None else f"no {', '.join(lacks.columns)} here"
        yield finding(
            "note",
            f"{what} {rest}: what other sites write there is kept",
            "it appears when the application's new version brings it",
        )


def _triggers(site: Site) -> Iterator[Finding]:
    settings = site.settings
    uses = site.store.triggers(settings.run_triggers, settings.skip_triggers)
    for use in uses:
        what = f"the trigger {use.trigger} of {use.table} {'runs' if use.runs else 'does not run'} for rows that arrive"
        if not use.mixed:
            yield finding("ok", f"{what}: {use.why}")
        elif use.runs:
            hint = (
                "what it writes to replicated tables is not sent and may differ between sites: better split it in two"
            )
            yield finding("warning", f"{what}: {use.why}", hint)
        else:
            yield finding("note", f"{what}: {use.why}", "split it in two, or see [triggers] in satchel.toml")
    known = {use.trigger.lower() for use in uses}
    for name in (*settings.run_triggers, *settings.skip_triggers):
        if name.lower() not in known:
            hint = "correct [triggers] in satchel.toml; only triggers of replicated tables count"
            yield finding("warning", f"satchel.toml names the trigger {name}, which is not here", hint)
