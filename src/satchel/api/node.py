"""One node, as a program sees it (INTERFACE, Python)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from satchel.api.events import Callback, Events
from satchel.api.governed import Governed
from satchel.api.watched import Watched
from satchel.errors import SatchelError
from satchel.sync.home import Home
from satchel.sync.opening import detaching, reading, working

if TYPE_CHECKING:
    from satchel.model.schema import Table
    from satchel.model.value import Value
    from satchel.model.version import Version
    from satchel.sync.identities import Identities
    from satchel.sync.report import Report
    from satchel.sync.site import Site

# Each method imports the use case that it is about, and nothing else: `satchel status` is started far more often than
# anybody revokes a node (ADR 28).


class Node(Governed, Watched):
    """A node's home, opened by `satchel.open`. Every method locks the home only while it runs.

    All methods raise SatchelError or one of its kinds (satchel.errors), each with a message and a hint.
    """

    def __init__(self, home: str | Path) -> None:
        self.home = Home.at(Path(home)).path
        self._events = Events(self.home)

    def close(self) -> None:
        """Nothing stays open between calls; for symmetry with `satchel.open`."""

    def __enter__(self) -> Node:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- events

    def on(self, event: str, callback: Callback) -> None:
        """Calls `callback(event, about)` at each event: sync-started (the places), packet-applied (a packet's name),
        conflict (how many were opened), sync-finished (the report), sync-failed (the error); of a watch: watch-started,
        watch-paused, watch-resumed, watch-stopped (the home), exchange-away, exchange-back (its name); hook-failed (the
        error). UsageError for another name."""
        self._events.on(event, callback)

    def _run(self, places: object, run: Callable[[Site], Report], *, dry_run: bool) -> Report:
        self._events.tell("sync-started", places)
        try:
            with working(self.home, dry_run=dry_run) as site:
                report = run(site)
        except SatchelError as problem:
            self._events.tell("sync-failed", problem)
            raise
        self._events.tell("sync-finished", report)
        return report

    # -- runs

    def export(self, directory: str | Path | None = None, *, dry_run: bool = False) -> Report:
        """Seals pending changes; puts what others lack into `outbox/` or a folder."""
        from satchel.sync import running

        place = Path(directory) if directory is not None else None
        return self._run(directory, lambda site: running.export(site, place, dry_run=dry_run), dry_run=dry_run)

    def plan(self, place: str | Path) -> dict[str, Any]:
        """What a stick or share (a folder, or a name of `satchel.toml`) must carry from here, to whom, and what it
        brings: {place, free, bytes, fits, pending, carries: [{packet, bytes, for, there, fits}], brings: [{origin,
        packets, bytes}], peers: [{node, heard, behind, packets, bytes}]}. Writes nothing."""
        from satchel.sync.planning import plan

        with reading(self.home) as site:
            return plan(site, site.home.exchange(site.settings, place)).as_json()

    def import_(self, *paths: str | Path, dry_run: bool = False) -> Report:
        """Takes packets from `inbox/` or from paths; applies what is ready; writes the acknowledgement."""
        from satchel.sync import running

        places = [Path(path) for path in paths]

        def run(site: Site) -> Report:
            return running.import_(site, places, dry_run=dry_run, listener=self._events.tell)

        return self._run(paths, run, dry_run=dry_run)

    def sync(self, *exchanges: str | Path, dry_run: bool = False, compare: bool = False) -> Report:
        """Export and import with each exchange: a name of `satchel.toml` or a folder. Without one: with every exchange
        of `satchel.toml`, or where there is none `import_` then `export`. `compare`: see there."""
        from satchel.sync import running

        def run(site: Site) -> Report:
            site.comparing = compare
            if not exchanges and not site.settings.exchanges:
                return running.inbox_outbox(site, dry_run=dry_run, listener=self._events.tell)
            places = [site.home.exchange(site.settings, name) for name in exchanges]
            places = places or site.home.there(site.settings)
            return running.sync(site, places, dry_run=dry_run, listener=self._events.tell)

        return self._run(exchanges, run, dry_run=dry_run)

    def compare(self, *exchanges: str | Path, dry_run: bool = False) -> dict[str, Any]:
        """A `sync` that also takes digests of all tables, tells them, and compares them with those that others told of
        the same packets: its fields, and {equality: {taken, seconds, peers: [{node, equal, at, newest, told,
        tables: [{table, columns}]}]}}."""
        from satchel.sync.equality import equality_json

        report = self.sync(*exchanges, dry_run=dry_run, compare=True)
        with reading(self.home) as site:
            return {**report.as_json(), "equality": equality_json(site)}

    def replay(self) -> dict[str, Any]:
        """Rebuilds the state from the packets of the archive in an empty database and compares it with this one, row by
        row: {equal, packets, snapshots, rows, missing, problems, count, tables: [{table, columns}], differences:
        [{table, key, identity, what, means, columns, here, packets}]}. Edits that are not sealed are no difference."""
        from satchel.sync.replaying import replay

        with reading(self.home) as site:
            return replay(site).as_json()

    # -- configuration

    def config(self) -> dict[str, Any]:
        """{settings: [{name, value, source}], network: {version, signer, at, policy, tables, left_out, references,
        schema} or None, trouble}: this home's own, each with what says so, and what the network agreed on."""
        from satchel.sync.configured import list_configuration

        return list_configuration(self.home)

    # -- looking

    def status(self) -> dict[str, Any]:
        """How things stand: the fields of INTERFACE, and `sentence`."""
        from satchel.sync.status import status

        with reading(self.home) as site:
            return status(site)

    def health(self) -> dict[str, Any]:
        """How every member is, by what it says of itself: {network, sentence, nodes: [{node, role, state, heard,
        behind, waiting, quarantined, conflicts, configuration, software, lacks, troubles}]}."""
        from satchel.sync.health import health_of

        with reading(self.home) as site:
            return health_of(site)

    def conflicts(self, closed: bool = False) -> list[dict[str, Any]]:
        """Open conflicts and those passed over until reviewed; with `closed` all."""
        from satchel.sync import settling

        with reading(self.home) as site:
            return settling.list_conflicts(site, closed=closed)

    def resolve(
        self,
        conflict_id: str | None = None,
        *,
        take: str | None = None,
        set: Mapping[str, str] | None = None,
        set_json: Mapping[str, Any] | None = None,
        delete: bool = False,
        seen: bool = False,
        all: bool = False,
        dry_run: bool = False,
    ) -> dict[str, Any]:
        """Settles one conflict, or `all` with `take`, as an ordinary edit that is sealed at once."""
        from satchel.sync import settling

        with working(self.home, dry_run=dry_run) as site:
            return settling.resolve(
                site,
                conflict_id,
                take=take,
                set_text=set,
                set_json=set_json,
                delete=delete,
                seen=seen,
                every=all,
                dry_run=dry_run,
            )

    def revert(
        self, what: str, *key: Value, to: str | None = None, force: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        """Undoes a packet (`revert("site-a/12")`), or makes one row what it was in a version of it
        (`revert("customers", 42, to="site-a/12")`): a new change, sealed at once. Of a packet only what nobody has
        changed since, unless `force`. {reverts, rows, left, counts, sealed, dry_run, warnings}. UsageError;
        ConstraintRefused: rows do not allow it, and nothing was changed."""
        from satchel.sync.reverting import revert

        with working(self.home, dry_run=dry_run) as site:
            return revert(site, what, key, to, force=force, dry_run=dry_run).as_json()

    def history(self, table: str, *key: Value) -> list[dict[str, Any]]:
        """Every version of a row, oldest first: origin, seq, at, by, op, columns, row, outcome
        (shown | superseded | lost | parked), key (in this database), gid (None: the key means the same everywhere).
        `key`: this database's own numbers or gids; texts are read as the column's affinity has them."""
        from satchel.audit.history import row_history
        from satchel.sync.identities import Identities

        with reading(self.home) as site:
            identities = Identities(site.store)
            found = identities.table(table)
            wire = identities.on_wire(found, key)
            versions = row_history([site.home.packets], found, wire)
            return _with_outcomes(site, identities, found, wire, versions)

    def log(self, limit: int = 100) -> list[dict[str, Any]]:
        """The newest runs first: at, command, exchange, seconds, trouble, report."""
        from satchel.sync import running

        with reading(self.home) as site:
            return running.list_runs(site, limit)

    # -- quarantine

    def quarantine(self, packet: str | None = None) -> dict[str, Any]:
        """{quarantined: [{packet, reason, id, file, since, where}]}; with an id or a packet all that is known of it."""
        from satchel.sync import releasing

        with reading(self.home) as site:
            return releasing.list_quarantine(site) if packet is None else releasing.show(site, packet)

    def release(self, *packets: str, all: bool = False, dry_run: bool = False) -> dict[str, Any]:
        """Tries again what is in quarantine. The fields of a run, and {tried: [{packet, id, outcome, reason}]}."""
        from satchel.sync import releasing

        with working(self.home, dry_run=dry_run) as site:
            report, tried = releasing.release(site, packets, every=all, dry_run=dry_run)
            return {**report.as_json(), "tried": tried}

    def remove_quarantined(
        self, *packets: str, all: bool = False, yes: bool = False, dry_run: bool = False
    ) -> dict[str, Any]:
        """Removes from quarantine what a good copy of is here; with `yes` whatever is named."""
        from satchel.sync import releasing

        with working(self.home, dry_run=dry_run) as site:
            removed = releasing.remove(site, packets, every=all, yes=yes, dry_run=dry_run)
            return {"removed": removed, "dry_run": dry_run}

    def doctor(self) -> Mapping[str, Any]:
        """{findings: [{level: ok | note | warning | error, what, hint}]}."""
        from satchel.daemon.probe import probe_exchanges, watch_findings
        from satchel.sync import doctor

        found = doctor.examine(self.home)
        return {"findings": [*found["findings"], *probe_exchanges(self.home), *watch_findings(self.home)]}

    def detach(self, *, dry_run: bool = False) -> Mapping[str, Any]:
        """Removes every trigger and table of satchel from the database; the rows stay."""
        with detaching(self.home) as store:
            pending = store.pending() if store.is_installed() else 0
            if not dry_run:
                store.detach()
            return {"database": store.url, "pending": pending, "dry_run": dry_run}


def _with_outcomes(
    site: Site, identities: Identities, table: Table, key: Sequence[Value], versions: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Adds what became of each version: what stands now is asked of the store, everything else was superseded."""
    from satchel.audit.history import contributes
    from satchel.model.value import to_json

    standing = {version.dot: version for version in site.store.standing(table.name, key)}
    vector = site.store.vector()
    row = site.store.read_row(table.name, key)
    shown = None if row is None else identities.row_on_wire(table, row)
    names = identities.names(table.name, key)
    found = []
    there = {(version["origin"], version["seq"]) for version in versions}
    known = (v for v in standing.values() if v.dot not in there and v.dot.origin in vector)
    pruned = [_from_books(version) for version in sorted(known, key=lambda version: version.rank)]
    for version in [*pruned, *versions]:
        entry = {**version, **names}
        dot = (entry["origin"], entry["seq"])
        mine = standing.get(dot)  # type: ignore[call-overload]
        if entry["origin"] not in vector or vector[entry["origin"]].seq < entry["seq"]:
            entry["outcome"] = "waiting"
        elif mine is None:
            entry["outcome"] = "superseded"
        elif len(standing) == 1:
            entry["outcome"] = "shown"
        else:
            entry["outcome"] = "shown" if contributes(mine, shown) else "lost"
        entry["row"] = {name: to_json(value) for name, value in entry["row"].items()}
        found.append(entry)
    return found


def _from_books(version: Version) -> dict[str, Any]:
    """A version whose packet was pruned, or came with a snapshot: the database still knows it."""
    from satchel.model.stamp import rfc3339

    return {
        "origin": version.dot.origin,
        "seq": version.dot.seq,
        "at": None if version.at is None else rfc3339(version.at),
        "by": version.by,
        "op": "delete" if version.deleted else "update",
        "columns": [name for name, cell in version.cells.items() if cell.dot == version.dot],
        "row": {name: cell.value for name, cell in version.cells.items()},
    }
