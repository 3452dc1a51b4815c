"""What must hold when everybody has met (PROTOCOL, Promises), and the account of every token that was committed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import satchel
from satchel.model.ids import node_of, trunk_of
from satchel.sync.opening import reading
from tests.property.comparing import agree
from tests.simulation.machine import Machine
from tests.simulation.till import Cells, Write
from tests.simulation.world import World

Account = Counter[str]


def keep(world: World) -> Account:
    """Checks everything; the account, summed over the machines."""
    world.rest()
    machines = world.present()
    first = machines[0]
    total: Account = Counter()
    for machine in machines:
        status = machine.node.status()
        assert not status["pending"], status
        assert not [entry for entry in status["waiting"] if not _is_out_of_reach(world, entry["for"])], status
        assert machine.node.status()["vector"] == first.node.status()["vector"]
        assert machine.till.cells() == first.till.cells()
        assert _open(machine) == _open(first)
        _check_database(machine)
        total += account(world, machine)
    _once_more(world)
    told = [_digests(machine) for machine in machines]
    for machine, found in zip(machines, told, strict=True):
        agree(f"digests at {machine.name}", found, told[0])
    for machine in machines:
        _verify(world, machine)
    return total


def _digests(machine: Machine) -> dict[str, Any]:
    """What its rows come to, by table and column."""
    with reading(machine.home) as site:
        digests = site.store.digests()
    assert digests is not None
    found: dict[str, Any] = {f"versions of {sums.table}": sums.dots for sums in digests.tables}
    return found | {
        f"{sums.table}.{name}": text for sums in digests.tables for name, text in (sums.columns or {}).items()
    }


def _verify(world: World, machine: Machine) -> None:
    """An archive is whole. One that was restored to a state of before, or waits for what is out of reach, says so."""
    problems = satchel.verify(machine.home / "packets")["problems"]
    status = machine.node.status()
    if status["missing"] or status["waiting"]:
        problems = [problem for problem in problems if not problem["reason"].startswith("gap")]
    if world.done["clone"] or world.done["restore"]:  # a restore that nobody can notice in time is a fork, too
        problems = [problem for problem in problems if "fork" not in problem["reason"]]
    assert not problems, problems


def _is_out_of_reach(world: World, packet: str) -> bool:
    """Whether nobody can bring what is waited for: it is of a node that has left and took it along, or every copy was
    lost when a home was put back. It is named for ever, or until it turns up."""
    left = {machine.name for machine in world.machines if machine.gone}
    origin, _, rest = packet.split(" ", maxsplit=1)[0].partition("/")
    if packet.endswith("(waits itself)") or node_of(origin) in left or packet.removeprefix("the card of ") in left:
        return True
    names = [
        f"{manifest['origin']}/{int(manifest['seq']):010d}-{manifest['suffix']}"
        for manifest in world.evidence.manifests.values()
        if (trunk_of(origin), rest) == (manifest["origin"], str(manifest["seq"]))
    ]
    archives = [machine.home / "packets" for machine in world.present()]
    known = any(machine.node.status()["vector"].get(origin, 0) >= int(rest or 0) for machine in world.present())
    return not known and not any(
        list(archive.glob(f"*/{name}/manifest.json")) for archive in archives for name in names
    )


def _open(machine: Machine) -> list[str]:
    return sorted(entry["id"] for entry in machine.node.conflicts() if entry["closed"] is None)


def _check_database(machine: Machine) -> None:
    with machine.till.opened() as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _once_more(world: World) -> None:
    """Again changes nothing."""
    before = [machine.till.cells() for machine in world.present()]
    for machine in world.present():
        report = world.run(machine, "sync", world.share)
        assert not (report.sealed or report.applied or report.dropped), report
    assert [machine.till.cells() for machine in world.present()] == before


def account(world: World, machine: Machine) -> Account:
    """Where every committed token is. AssertionError names those that are nowhere."""
    shown = machine.till.cells()
    entries = machine.node.conflicts(closed=True)
    waiting = {entry["packet"] for entry in machine.node.status()["waiting"]}
    found: Account = Counter()
    lost = []
    for write in world.ledger.writes.values():
        where = _where(world, write, shown, entries)
        if where == "lost" and any(
            f"{manifest['origin']}/{manifest['seq']}" in waiting
            for line in world.evidence.writing(write.place, write.token)
            for manifest in (world.evidence.manifests[line.packet],)
        ):
            where = "waiting for what is out of reach"
        found[where] += 1
        if where == "lost":
            lost.append(write)
    assert not lost, f"lost at {machine.home.name}: {lost}"
    assert sum(found.values()) == len(world.ledger.writes)
    return found


def _where(world: World, write: Write, shown: Cells, entries: list[dict[str, Any]]) -> str:
    where = _found(world, write, shown, entries)
    if where != "lost":
        return where
    (author,) = (machine for machine in world.machines if machine.home.name == write.node)
    revoked = {machine.name for machine in world.machines if machine.cut}
    origins = {
        world.evidence.manifests[line.packet]["origin"] for line in world.evidence.writing(write.place, write.token)
    }
    if author.cut or revoked & set(map(node_of, origins)):  # a machine may have had a name that was revoked later
        return "beyond the cut of a revoked node"
    return "kept by a node that has retired" if author.gone else "lost"


def _found(world: World, write: Write, shown: Cells, entries: list[dict[str, Any]]) -> str:
    if (write.place, write.token) in shown:
        return "shown"
    for entry in entries:
        if entry["closed"] is None and any(write.token in (v["row"] or {}).values() for v in entry["versions"]):
            return "parked" if entry["state"] == "parked" else "in conflict"
    if not world.evidence.writing(write.place, write.token):
        if any(home == write.node for home, _ in world.ledger.replaced.get(write.token, ())):
            return "replaced before it was sealed"
        return "taken back by a restored backup" if _taken_back(world, write) else "lost"
    if world.evidence.superseded(write.place, write.token):
        return "superseded"
    return "taken back by a restored backup" if _taken_back(world, write) else "lost"


def _taken_back(world: World, write: Write) -> bool:
    """Whether a backup of before was restored on its machine, and no packet with it was left anywhere."""
    machines = [machine for machine in world.machines if machine.home.name == write.node]
    return any(since < write.number <= upto for machine in machines for since, upto in machine.losses) and not any(
        _survives(world, line.packet) for line in world.evidence.writing(write.place, write.token)
    )


def _survives(world: World, packet: str) -> bool:
    """Whether a home still has a packet."""
    manifest = world.evidence.manifests[packet]
    name = f"{manifest['origin']}/{int(manifest['seq']):010d}-{manifest['suffix']}"
    return any(list((m.home / "packets").glob(f"*/{name}/manifest.json")) for m in world.machines)
