"""Examining a home: what is wrong, and what to do, one line each (INTERFACE, doctor)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from satchel.errors import SatchelError
from satchel.exchange.folder import open_exchange
from satchel.packet.wire import time_value
from satchel.sync.branches import fork_alarms
from satchel.sync.cuts import REVOKED
from satchel.sync.exchange_settings import REMOVABLE
from satchel.sync.findings import Finding, finding
from satchel.sync.home import Home
from satchel.sync.opening import reading
from satchel.sync.schema_findings import schema_findings
from satchel.sync.site import Site, now_ms
from satchel.sync.status import status

_FREE = 100 << 20  # bytes that a home should have free
_DAY_MS = 24 * 60 * 60 * 1000


def examine(path: Path) -> dict[str, Any]:
    """{findings: [{level: ok | note | warning | error, what, hint}]}. NoHome if there is no home."""
    home = Home.at(path)
    findings: list[Finding] = []
    try:
        with reading(path) as site:
            findings += _look(site)
    except SatchelError as problem:
        findings.append(finding("error", problem.message, problem.hint))
    findings += _home(home)
    return {"findings": findings}


def _look(site: Site) -> Iterator[Finding]:
    found = status(site)
    yield finding(
        "ok", f"the database {site.store.url} is replicated as {site.settings.node} in {site.settings.network}"
    )
    try:
        site.key.sign(b"")
        if site.members.key_of(site.settings.node) != site.key.public:
            yield finding("error", "the key is not the one on this node's card", "put the key of this home back")
    except SatchelError as problem:
        yield finding("error", problem.message, problem.hint)
    alarms = fork_alarms(site)
    for alarm in alarms:
        yield finding(
            "warning", alarm, "find the copies, and give each but one a new name: `satchel invite`, `satchel rejoin`"
        )
    for warning in found["warnings"]:
        if warning not in alarms:
            yield finding("warning", warning, "see `satchel nodes` and `satchel status`")
    yield from schema_findings(site)
    yield from _troubles(found)
    yield from _exchanges(site)
    yield from _clocks(site)


def _troubles(found: dict[str, Any]) -> Iterator[Finding]:
    if found["state"] == "joining":
        yield finding("note", "this node is joining", "import once from the exchange of whoever invited it")
    for epoch in found["epochs"][-1:]:
        words = f"it seals as {epoch['origin']} since {epoch['at']}: {epoch['because']}"
        yield finding("note", words, "nothing is to be done; what was sent before comes back by itself")
    if lost := found["missing"]:
        words = f"packets that are not in the archive: {len(lost)}, {lost[0]} among them"
        yield finding("warning", words, "sync with whoever has them; they are asked for")
    for entry in found["overdue"]:
        yield finding("warning", entry["what"], entry["hint"])
    for entry in found["waiting"]:
        yield finding(
            "note", f"{entry['packet']} waits for {entry['for']}", "it comes with the next stick, or ask its site"
        )
    for entry in found["quarantined"]:
        level = "note" if entry["reason"].startswith(REVOKED) else "warning"
        yield finding(level, f"{entry['packet']} is in quarantine: {entry['reason']}", _cure(entry))
    if found["conflicts"]["open"]:
        yield finding("note", f"{found['conflicts']['open']} conflicts are open", "see `satchel conflicts`")
    if parked := found["conflicts"]["parked"]:
        yield finding("note", f"rows that are kept out of their tables: {parked}", "see `satchel conflicts`")


def _cure(entry: dict[str, str]) -> str:
    if entry["reason"].startswith(REVOKED):
        return f"nothing is to be done; `satchel quarantine show {entry['id']}` says what is in it"
    return f"its origin sends it again; `satchel quarantine show {entry['id']}` says more"


def _exchanges(site: Site) -> Iterator[Finding]:
    for name, settings in site.settings.exchanges.items():
        if settings.kind == REMOVABLE and settings.folder(site.home.path) is None:
            yield finding("ok", f"the exchange {name}, {settings}, is not plugged in now")
            continue
        try:
            folder = site.home.exchange(site.settings, name)
            open_exchange(folder, site.settings.network_id).listing()
        except SatchelError as problem:
            yield finding("warning", f"exchange {name}: {problem.message}", problem.hint)
        else:
            yield finding("ok", f"the exchange {name} ({folder}) can be reached")


def _clocks(site: Site) -> Iterator[Finding]:
    for node, ack in site.acks().items():
        ahead = time_value(ack.clock) - now_ms()
        if node != site.settings.node and ahead > _DAY_MS:
            days = ahead // _DAY_MS
            yield finding(
                "warning", f"the clock of {node} is {days} days ahead of this one", "set the clock that is wrong"
            )


def _home(home: Home) -> Iterator[Finding]:
    free = shutil.disk_usage(home.path).free
    if free < _FREE:
        yield finding("warning", f"only {free >> 20} MB are free on the disk of {home.path}", "free some space")
    for folder in (home.packets, home.inbox, home.outbox):
        if not folder.is_dir():
            yield finding(
                "error", f"{folder} is missing", "make the folder again; what was in it comes back with the next import"
            )
