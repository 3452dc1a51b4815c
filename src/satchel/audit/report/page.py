"""The page of a report: one file of HTML with its own style and plots, no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

from satchel.audit.report.facts import OPS, Count, Facts
from satchel.audit.report.plots import Series, bar, legend, squares, time_bars
from satchel.audit.report.verdict import verdict
from satchel.audit.report.words import plural, row_text, safe, span, when

SERIES = (Series("insert", "inserted"), Series("update", "changed"), Series("delete", "deleted"))
NOBODY = "(not known)"
MOST = 200  # lines of a list, and of conflicts; the CSV files have all
MOST_NAMES = 40  # lines of a breakdown
MOST_SITES = 60  # rows of squares
_CSP = "default-src 'none'; style-src 'unsafe-inline'"
Cell = tuple[str, str]  # class, HTML


def render(facts: Facts) -> str:
    """The whole page."""
    title = f"Changes in {facts.network or 'the packets'}, {facts.period.words}"
    style = (files("satchel.audit.report") / "page.css").read_text("utf-8")
    body = "\n".join(part for section in SECTIONS for part in section(facts))
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_CSP}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _head(facts: Facts) -> Iterator[str]:
    yield f"<h1>What was changed in {safe(facts.network or 'these packets')}</h1>"
    yield f'<p class="meta">{safe(facts.period.words)}</p>'
    said = verdict(facts)
    lines = "".join(f"<p>{safe(line)}</p>" for line in said.lines)
    yield f'<div class="verdict {said.level}" role="status">{lines}</div>'
    sites = {count.site for count in facts.cube}
    persons = {count.person for count in facts.cube if count.person is not None}
    tables = {count.table for count in facts.cube}
    still = sum(conflict["closed_by"] is None for conflict in facts.conflicts)
    figures = [
        (facts.changes, "change" if facts.changes == 1 else "changes"),
        (sum(entry["packets"] for entry in facts.packets), "packets"),
        (len(tables), "table" if len(tables) == 1 else "tables"),
        (len(sites), "site" if len(sites) == 1 else "sites"),
        (len(persons), "person" if len(persons) == 1 else "persons"),
        (still, "open conflict" if still == 1 else "open conflicts"),
    ]
    items = "".join(f"<li><b>{number:,}</b>{name}</li>" for number, name in figures)
    yield f'<ul class="figures">{items}</ul>'


def _over_time(facts: Facts) -> Iterator[str]:
    period = facts.period
    yield f"<h2>Changes per {period.unit}</h2>"
    if not facts.cube:
        yield "<p>Nothing was changed in this period.</p>"
        return
    days = period.buckets()
    places = {day: place for place, day in enumerate(days)}
    values = {op: [0] * len(days) for op in OPS}
    sites: dict[str, list[int]] = {entry["site"]: [0] * len(days) for entry in facts.packets}
    for count in facts.cube:
        place = places[period.bucket_of(count.day)]
        values[count.op][place] += count.changes
        sites.setdefault(count.site, [0] * len(days))[place] += count.changes
    yield legend(SERIES)
    yield f"<figure>{time_bars(days, period.unit, values, SERIES)}</figure>"
    shown = dict(sorted(sites.items())[:MOST_SITES])
    if len(sites) > 1:
        yield f"<h3>Which site was active when</h3><figure>{squares(days, period.unit, shown)}</figure>"
        more = f" {len(sites) - MOST_SITES:,} more sites are in the CSV." if len(sites) > MOST_SITES else ""
        yield f'<p class="dim">A square is a {period.unit}: the darker, the more changes.{more}</p>'
    if facts.untimed:
        told = plural(facts.untimed, "change has", "changes have")
        yield f'<p class="dim">{told} no known time (rows that a site brought along): counted when sealed.</p>'


def _breakdowns(facts: Facts) -> Iterator[str]:
    if facts.cube:
        yield from _breakdown("By table", "table", facts.cube, lambda count: count.table)
        yield from _breakdown("By site", "site", facts.cube, lambda count: count.site)
        if any(count.person is not None for count in facts.cube):
            yield from _breakdown("By person", "person", facts.cube, lambda count: count.person or NOBODY)
        else:
            yield "<h2>By person</h2><p>The packets name no person: no author column is configured at these sites.</p>"


def _breakdown(title: str, what: str, cube: Iterable[Count], name: Callable[[Count], str]) -> Iterator[str]:
    totals: dict[str, Counter[str]] = {}
    for count in cube:
        totals.setdefault(name(count), Counter())[count.op] += count.changes
    ranked = sorted(totals.items(), key=lambda item: (-item[1].total(), item[0]))
    shown, rest = ranked[:MOST_NAMES], ranked[MOST_NAMES:]
    if rest:
        shown.append((f"{len(rest):,} others", sum((counter for _, counter in rest), Counter())))
    top = max(counter.total() for _, counter in shown)
    rows = [
        [("w", safe(label)), ("b", bar([counter[op] for op in OPS], SERIES, top)), *_numbers(counter)]
        for label, counter in shown
    ]
    whole = sum((counter for _, counter in ranked), Counter())
    heads = [("", what), ("b", ""), *(("n", series.name) for series in SERIES), ("n", "all")]
    yield f"<h2>{title}</h2>{legend(SERIES)}"
    yield _table(heads, rows, [("", "all"), ("b", ""), *_numbers(whole)] if len(shown) > 1 else None)


def _numbers(counter: Mapping[str, int]) -> list[Cell]:
    numbers = [counter.get(op, 0) for op in OPS]
    return [("n", f"{number:,}") for number in (*numbers, sum(numbers))]


def _conflicts(facts: Facts) -> Iterator[str]:
    yield "<h2>Conflicts</h2>"
    if not facts.conflicts:
        yield "<p>No row was changed at two sites without one knowing of the other.</p>"
        return
    still = sum(conflict["closed_by"] is None for conflict in facts.conflicts)
    total = plural(len(facts.conflicts), "row was", "rows were")
    yield (
        f"<p>{total} changed at more than one site without one knowing of the other: {still:,} open,"
        f" {len(facts.conflicts) - still:,} settled. Every version is kept.</p>"
    )
    yield _table(
        [("", "since"), ("", "row"), ("", "versions"), ("", "shown by the rule"), ("", "settled")],
        [_conflict(facts, conflict) for conflict in _open_first(facts.conflicts)[:MOST]],
    )
    yield from _more(len(facts.conflicts))


def _open_first(conflicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(conflicts, key=lambda conflict: conflict["closed_by"] is not None)


def _conflict(facts: Facts, conflict: Mapping[str, Any]) -> list[Cell]:
    columns = conflict["columns"] or []
    versions = "<br>".join(_version(version, columns) for version in conflict["versions"])
    how = {"resolved": "settled", "passed-over": "passed over by a later edit"}.get(conflict["how"], conflict["how"])
    settled = "open" if conflict["closed_by"] is None else f"{how} in {conflict['closed_by']}"
    row = f"<b>{safe(conflict['table_name'])}</b> {safe(_key(conflict['key']))}"
    return [
        ("t", safe(when(conflict["opened"], facts.period))),
        ("w", f"{row}<br>{safe(', '.join(columns) or 'the whole row')}"),
        ("w", versions),
        ("w", safe(conflict["rule"])),
        ("w", safe(settled)),
    ]


def _version(version: Mapping[str, Any], columns: list[str]) -> str:
    by = f" ({safe(version['by'])})" if version["by"] else ""
    values = safe(row_text(json.loads(version["row"]), columns))
    return f"<b>{safe(version['origin'])}</b>{by}: {f'deleted ({values})' if version['op'] == 'delete' else values}"


def _key(text: str) -> str:
    return ", ".join(str(part) for part in json.loads(text))


def _parked(facts: Facts) -> Iterator[str]:
    yield "<h2>Rows that have no place</h2>"
    if facts.database:
        yield f'<p class="dim">{safe(facts.database)}</p>'
    if not facts.parked:
        yield "<p>No row is kept out of its table.</p>"
        return
    rows = [
        [("w", f"<b>{safe(row['table'])}</b> {safe(_key(row['key']))}"), ("t", safe(row["state"])),
         ("w", safe(row["why"])), ("t", safe(when(row["since"], facts.period)))]
        for row in facts.parked[:MOST]
    ]  # fmt: skip
    yield _table([("", "row"), ("", "state"), ("", "why"), ("", "since")], rows)
    yield from _more(len(facts.parked))


def _completeness(facts: Facts) -> Iterator[str]:
    yield "<h2>Can it be relied on?</h2>"
    found = facts.verification
    read = f"{plural(found['packets'], 'packet')}, {plural(found['files'], 'file')} and {found['bytes']:,} bytes"
    yield (
        f"<p>{read} were read: signatures, hashes, chains and every row. Only what verified is counted in this report."
        f" The founder's key is <code>{safe(found['root'])}</code>: compare it with one that you know.</p>"
    )
    yield "<h3>Missing packets</h3>"
    gaps = [
        [("", safe(span(g))),
         ("n", f"{g['last'] - g['first'] + 1:,}"), ("", safe(_shown_by(g)))]
        for g in facts.gaps[:MOST]
    ]  # fmt: skip
    yield (
        _table([("", "packets"), ("n", "how many"), ("", "what shows it")], gaps)
        if gaps
        else ("<p>None: no packet names, and nobody has acknowledged, one of this period that is not here.</p>")
    )
    if facts.pruned:
        gone = safe(", ".join(span(gap) for gap in facts.pruned[:MOST]))
        yield f"<p>Pruned here, so that of what they changed only each row's last version is known: {gone}.</p>"
    yield "<h3>What does not verify</h3>"
    problems = [
        [("w", safe(p["packet"])), ("w", safe(p["file"])), ("w", safe(p["reason"]))] for p in facts.problems[:MOST]
    ]
    yield (
        _table([("", "packet"), ("", "file"), ("", "reason")], problems) if problems else "<p>Everything verifies.</p>"
    )
    yield from _more(len(facts.problems))
    if facts.warnings:
        yield "<h3>Remarks</h3><ul>" + "".join(f"<li>{safe(line)}</li>" for line in facts.warnings[:MOST]) + "</ul>"


def _shown_by(gap: Mapping[str, Any]) -> str:
    who = gap["shown_by"]
    words = {
        "chain": f"{who} follows them",
        "seen": f"{who} was written by somebody who had them",
        "acknowledged": f"{who} has acknowledged them",
        "group": f"{who} belongs to one seal with them",
    }
    return words.get(gap["how"], str(who))


def _members(facts: Facts) -> Iterator[str]:
    yield "<h2>Members, and what they have acknowledged</h2>"
    heads = [("", "node"), ("", "role"), ("", "last heard"), ("n", "lacks"), ("n", "waiting"), ("n", "quarantined")]
    yield _table([*heads, ("n", "conflicts")], [_member(facts, member) for member in facts.members])
    if facts.packets:
        yield "<h3>Packets that were sealed in the period</h3>"
        columns = [("", "site"), ("n", "packets"), ("n", "rows"), ("n", "bytes"), ("", "first"), ("", "last")]
        yield _table(columns, [_sealed(facts, entry) for entry in facts.packets])


def _member(facts: Facts, member: Mapping[str, Any]) -> list[Cell]:
    numbers = (member[name] for name in ("behind", "waiting", "quarantined", "open_conflicts"))
    return [
        ("w", f"<b>{safe(member['node'])}</b>"),
        ("t", safe(member["role"])),
        ("t", safe(when(member["heard"], facts.period) or "never heard")),
        *(("n", "" if number is None else f"{number:,}") for number in numbers),
    ]


def _sealed(facts: Facts, entry: Mapping[str, Any]) -> list[Cell]:
    numbers = (entry[name] for name in ("packets", "changes", "bytes"))
    moments = (when(entry[name], facts.period) for name in ("first", "last"))
    return [
        ("w", f"<b>{safe(entry['site'])}</b>"),
        *(("n", f"{number:,}") for number in numbers),
        *(("t", safe(moment)) for moment in moments),
    ]


def _reading(facts: Facts) -> Iterator[str]:
    zone, made = safe(facts.period.zone_name), when(facts.made, facts.period)
    said = [
        f"Times are those of {zone}. A change counts on the day on which it was made, by the clock of the machine that"
        " made it; the packet that carries it may be sealed later.",
        "The site is proven by a signature. The person is what the application wrote into its author column.",
        "Repeated edits of one row between two seals are one change.",
        "The column <i>lacks</i> counts the packets here that the newest acknowledgement of a member does not cover.",
    ]
    if facts.unreal:
        told = plural(facts.unreal, "change has", "changes have")
        said.append(f"{told} a time before 1970 or after 9998, by a wrong clock: in no period.")
    yield "<h2>How to read this</h2><ul>" + "".join(f"<li>{line}</li>" for line in said) + "</ul>"
    places = safe(", ".join(facts.places))
    yield f'<p class="dim">Made from {places} by {safe(facts.software)} on {safe(made)} ({zone}).</p>'


def _more(count: int) -> Iterator[str]:
    if count > MOST:
        yield f'<p class="dim">And {count - MOST:,} more: the CSV files have all.</p>'


def _table(heads: Sequence[Cell], rows: Sequence[Sequence[Cell]], total: Sequence[Cell] | None = None) -> str:
    head = "".join(f'<th class="{css}" scope="col">{name}</th>' for css, name in heads)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    last = f'<tr class="sum">{_cells(total)}</tr>' if total else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}{last}</tbody></table>"


def _cells(row: Sequence[Cell]) -> str:
    return "".join(f'<td class="{css}">{html}</td>' if css else f"<td>{html}</td>" for css, html in row)


SECTIONS = (_head, _over_time, _breakdowns, _conflicts, _parked, _completeness, _members, _reading)
