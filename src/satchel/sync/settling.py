"""Conflicts: listing and settling them (PROTOCOL, Conflict policies; INTERFACE, conflicts and resolve)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from satchel.errors import ConstraintRefused, UsageError
from satchel.model.admission import FOREIGN_KEY
from satchel.model.ids import node_of
from satchel.model.stamp import rfc3339
from satchel.model.value import Value, to_json
from satchel.model.version import Version
from satchel.packet.statement import make_seen
from satchel.stores.counts import RowCounts
from satchel.stores.records import ConflictRecord, RowEdit
from satchel.sync import sealing
from satchel.sync.hidden import Hidden
from satchel.sync.identities import Identities
from satchel.sync.site import Site, now_ms
from satchel.sync.visit import Tour, look

EDIT = "edit"  # kind of an entry: versions that stand side by side


def list_conflicts(site: Site, *, closed: bool) -> list[dict[str, Any]]:
    """The entries of INTERFACE, conflicts, and of each: `state` edit | parked | refused (by this database only) | noted
    (shown, but not as it was written), `reason`, `against` [{table, key, gid, nodes}]."""
    identities = Identities(site.store)
    return [_entry(site, identities, record) for record in site.store.conflicts(closed)]


def _entry(site: Site, identities: Identities, record: ConflictRecord) -> dict[str, Any]:
    closed_by = None
    if record.closed_by is not None:
        closed_by = dict(record.closed_by)
    return {
        "id": record.id,
        "table": record.table,
        **identities.names(record.table, record.key),
        "kind": record.kind,
        "columns": list(record.columns),
        "policy": site.configuration.policy_of(record.table),
        "opened": rfc3339(record.opened),
        "closed": None if record.closed is None else rfc3339(record.closed),
        "closed_by": closed_by,
        "reviewed": record.reviewed,
        "reason": identities.in_words(record.reason),
        "state": record.apart or "edit",
        "against": _against(site, identities, record) if record.apart == "parked" and record.closed is None else [],
        "shown": _row(site, record.table, record.shown),
        # oldest first, on every node alike
        "versions": [
            _version(site, record.table, version)
            for version in sorted(record.versions, key=lambda version: version.rank)
        ],
    }


def _against(site: Site, identities: Identities, record: ConflictRecord) -> list[dict[str, Any]]:
    """[{table, key, gid, nodes}]: the rows that keep a parked one out, and who has versions of them."""
    found = []
    for table, key in site.store.blockers(record.table, record.key):
        nodes = {node_of(version.dot.origin): None for version in site.store.standing(table, key)}
        found.append({"table": table, **identities.names(table, key), "nodes": list(nodes)})
    return found


def _row(site: Site, table: str, row: Mapping[str, Value] | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {name: to_json(value) for name, value in site.store.own_row(table, row).items()}


def _version(site: Site, table: str, version: Version) -> dict[str, Any]:
    return {
        "origin": version.dot.origin,
        "seq": version.dot.seq,
        "at": None if version.at is None else rfc3339(version.at),
        "by": version.by,
        "deleted": version.deleted,
        "row": _row(site, table, {name: cell.value for name, cell in version.cells.items()}),
    }


def resolve(
    site: Site,
    conflict_id: str | None,
    *,
    take: str | None = None,
    set_text: Mapping[str, str] | None = None,
    set_json: Mapping[str, Any] | None = None,
    delete: bool = False,
    seen: bool = False,
    every: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Settles one conflict, or with `every` all that the node `take` has a version in, by an ordinary edit that is
    sealed at once. UsageError for words that do not fit; ConstraintRefused if the database does not take it (with
    `every` those that cannot be settled so stay open and stand under `refused`)."""
    ways = [take is not None, bool(set_text or set_json), delete, seen]
    if sum(ways) != 1:
        raise UsageError("say how to settle it", "one of --take NODE, --set COLUMN=VALUE, --delete, --seen")
    if every != (conflict_id is None) or (every and take is None):
        raise UsageError("name one conflict, or --all with --take NODE", "list them with `satchel conflicts`")
    if seen:
        return _seen(site, str(conflict_id), dry_run)
    look(site, Tour(()), dry_run=dry_run)
    records = [record for record in site.store.conflicts() if record.closed is None]
    if every:
        chosen = [record for record in records if _of(record, str(take))]
    else:
        chosen = [_find(site, records, str(conflict_id))]
    settled, refused = [], []
    sealed: list[str] = []
    for record in chosen:
        try:
            if site.store.is_hidden(record.table, record.key):
                sealed += _settle_hidden(site, record, take, set_text or {}, set_json or {}, dry_run=dry_run)
            elif record.kind in (EDIT, FOREIGN_KEY) or not every:
                values = None if delete else _wanted(site, record, take, set_text or {}, set_json or {})
                if not dry_run:
                    _write(site, record, values)
            settled.append(record.id)  # one that was kept out by another that is settled by now has nothing left to do
        except (ConstraintRefused, UsageError) as problem:
            if not every:
                raise
            refused.append({"id": record.id, "reason": problem.message})
    if not dry_run:
        sealed += [str(packet.dot) for packet in sealing.seal_pending(site)]
    done = {"resolved": settled, "refused": refused, "sealed": sealed, "dry_run": dry_run}
    return {**done, "warnings": site.warnings}


def _settle_hidden(
    site: Site,
    record: ConflictRecord,
    take: str | None,
    set_text: Mapping[str, str],
    set_json: Mapping[str, Any],
    *,
    dry_run: bool,
) -> list[str]:
    """Settles a row that the application does not see, in a packet of its own; the packets."""

    def edits() -> list[RowEdit]:
        hidden = Hidden(site, record)
        if take is not None:
            return hidden.take(take)
        if set_text or set_json:
            return hidden.set(_given(site, record, set_text, set_json))
        return hidden.delete()

    wanted = edits()
    if dry_run:
        return []
    sealed = sealing.seal_pending(site)
    with site.store.applying() as applying:  # an edit of the application in between would be overwritten
        late = sealing.seal_late(site, applying, RowCounts())
        with applying.by_hand(edits() if late else wanted, site.rules) as delta:
            by_hand = sealing.write_parts(site, delta)
            delta.record(by_hand, site.rules)
        applying.commit()
    sealing.publish(site, [*late, *by_hand])
    return [str(packet.dot) for packet in (*sealed, *late, *by_hand)]


def _find(site: Site, records: Sequence[ConflictRecord], conflict_id: str) -> ConflictRecord:
    number = site.store.conflict_number(conflict_id)  # ids change as versions come; earlier ones are still known
    for record in records:
        if record.number == number:
            return record
    raise UsageError(f"the conflict {conflict_id} is closed", "list the open ones with `satchel conflicts`")


def _of(record: ConflictRecord, node: str) -> Version | None:
    """The newest version of a node in a conflict."""
    mine = [version for version in record.versions if node in (node_of(version.dot.origin), version.dot.origin)]
    return max(mine, key=lambda version: version.rank, default=None)


def _wanted(
    site: Site, record: ConflictRecord, take: str | None, set_text: Mapping[str, str], set_json: Mapping[str, Any]
) -> dict[str, Value] | None:
    """What the row is to hold; None: it is to be deleted."""
    if take is not None:
        version = _of(record, take)
        if version is None:
            nodes = sorted({node_of(version.dot.origin) for version in record.versions})
            raise UsageError(f"{take} has no version in {record.id}", f"there are versions of {', '.join(nodes)}")
        return _taken(record, version)
    base = record.shown
    if base is None:  # it is shown as deleted: what was there last comes back with the values that were set
        newest = max(record.versions, key=lambda version: (not version.deleted, version.rank))
        base = {name: cell.value for name, cell in newest.cells.items()}
    return {**base, **_given(site, record, set_text, set_json)}


def _given(
    site: Site, record: ConflictRecord, set_text: Mapping[str, str], set_json: Mapping[str, Any]
) -> dict[str, Value]:
    """What a person wants in some columns, as it is on the wire."""
    identities = Identities(site.store)
    table = identities.table(record.table)
    for name in (*set_text, *set_json):
        if name not in table.names:
            raise UsageError(f"{record.table} has no column {name}", f"it has {', '.join(table.names)}")
    values = {name: site.store.parse_value(record.table, name, text) for name, text in set_text.items()}
    values |= {name: _from_json(name, raw) for name, raw in set_json.items()}
    return identities.row_on_wire(table, values)


def _taken(record: ConflictRecord, version: Version) -> dict[str, Value] | None:
    """The version's word in the columns in question. What nobody contests stays as it is shown: it may be another's
    edit, or one of here that is not sealed yet."""
    if version.deleted:
        return None
    values = {name: cell.value for name, cell in version.cells.items()}
    if record.shown is None:
        return values
    return {**record.shown, **{name: values[name] for name in record.columns if name in values}}


def _from_json(column: str, raw: Any) -> Value:
    if isinstance(raw, dict) and raw.keys() == {"base64"}:
        try:
            return base64.b64decode(raw["base64"], validate=True)
        except (binascii.Error, TypeError, ValueError) as problem:
            raise UsageError(f"{column}: that is no base64", 'write {"base64": "..."}') from problem
    if isinstance(raw, bool):
        return int(raw)
    if raw is None or isinstance(raw, int | float | str):
        return raw
    raise UsageError(f"{column}: {raw!r} is no value of a column", 'write a number, a text, null or {"base64": ...}')


def _write(site: Site, record: ConflictRecord, values: Mapping[str, Value] | None) -> None:
    """An ordinary edit that writes the columns in question, whether their values change or not."""
    shown = record.shown
    if values is None:
        if shown is None:  # it is gone; only a written version closes the conflict
            newest = max(record.versions, key=lambda version: version.rank)
            site.store.write_row(record.table, record.key, {n: c.value for n, c in newest.cells.items()})
            sealing.seal_pending(site)
        site.store.write_row(record.table, record.key, None)
        return
    site.store.write_row(record.table, record.key, values)
    site.store.touch_row(record.table, record.key, record.columns)


def _seen(site: Site, conflict_id: str, dry_run: bool) -> dict[str, Any]:
    """A signed statement, and no packet. A note is open until somebody has looked."""
    number = site.store.conflict_number(conflict_id)
    still = [record for record in site.store.conflicts() if record.number == number and record.closed is None]
    if any(record.apart != "noted" for record in still):
        raise UsageError(f"the conflict {conflict_id} is open", "settle it with --take, --set or --delete")
    if not dry_run:
        site.add_node_files([make_seen(site.key, site.network, site.settings.node, conflict_id, now_ms())])
        site.store.review(conflict_id)
    return {"resolved": [], "seen": [conflict_id], "sealed": [], "dry_run": dry_run}
