"""A network in trouble: machines, one share, sticks that get lost, doubled, late and spoilt; kills, restored backups.

Every random choice comes from one seed. Packets are taken into the evidence whenever one was sealed, so that in the end
it is known what there ever was, whatever became of the media.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import satchel
from satchel.errors import SatchelError
from tests.kills.steps import KILLED, Steps, forked
from tests.simulation.clock import Clock, showing
from tests.simulation.evidence import Evidence
from tests.simulation.machine import DATABASE, Machine
from tests.simulation.till import Ledger

NETWORK = "acme"
POLICIES = ("merge", "merge", "merge", "latest", "priority:n1,n0")
SKEWS = (0, 0, 0, 0, -3_600_000, 5_000, 315_360_000_000, -315_360_000_000)  # ten years off either way
HOUR = 3_600_000


class World:
    """One seed."""

    def __init__(
        self, root: Path, seed: int, say: Callable[..., None] = lambda *_: None, without: Collection[str] = ()
    ) -> None:
        self.without = without  # acts that do not happen
        self.root, self.rng, self.say = root, random.Random(seed), say
        self.chance = random.Random(f"what satchel draws: {seed}")
        self.clock, self.ledger, self.evidence = Clock(), Ledger(), Evidence.empty()
        self.machines: list[Machine] = []
        self.share = root / "share"
        self.share.mkdir()
        self.sticks = [root / f"stick-{number}" for number in range(self.rng.choice((1, 2, 3)))]
        for stick in self.sticks:
            stick.mkdir()
        self.done: Counter[str] = Counter()
        self.copies = 0
        self.policy = self.rng.choice(POLICIES)

    # -- machines

    def begin(self) -> None:
        """Somebody founds the network, and the first ones join."""
        self._found()
        for _ in range(self.rng.choice((1, 2, 2, 3))):
            self.join()

    def _machine(self) -> Machine:
        name = f"n{len({machine.name for machine in self.machines})}"
        machine = Machine(name, self.root / name, self.rng, self.ledger, self.rng.choice(SKEWS))
        machine.home.mkdir()
        machine.till.create()
        return machine

    def _found(self) -> None:
        machine = self._machine()
        machine.skew = 0  # cards and invitations have dates
        for _ in range(self.rng.randrange(6)):
            machine.till.work(self.clock.now)
        with showing(self.clock.now):
            satchel.init(machine.home, db=machine.database, node=machine.name, network=NETWORK, policy=self.policy)
        self.machines.append(machine)
        self.look(machine)

    def join(self) -> None:
        """Somebody comes, with an empty database, with rows of his own or with a copy of somebody's."""
        inviter = self.machines[0]
        if inviter.gone:
            return
        machine = self._machine()
        invitation = self.root / f"{machine.name}.invite"
        rows = self.rng.choice(("none", "none", "own", "copy"))
        with showing(self.clock.now):
            inviter.node.invite(machine.name, out=invitation)
        if rows == "own":
            for _ in range(3):
                machine.till.work(self.clock.now)
        if rows == "copy":
            machine.home.joinpath(DATABASE).unlink()
            shutil.copyfile(self._at_rest(inviter), machine.database)
        with showing(self.clock.now):
            satchel.join(invitation, machine.home, db=machine.database)
        self.say("join", machine.name, rows)
        self.machines.append(machine)
        self.look(inviter)

    def _at_rest(self, machine: Machine) -> Path:
        machine.back_up()
        return machine.backups.pop().folder / DATABASE

    def present(self) -> list[Machine]:
        return [machine for machine in self.machines if not machine.gone]

    def time_at(self, machine: Machine) -> int:
        self.clock.go(self.rng.choice((0, 1, 1000, HOUR)))
        return self.clock.now + machine.skew

    # -- what happens

    def step(self) -> None:
        acts: dict[str, tuple[int, Callable[[Machine], Any]]] = {
            "work": (40, self.work),
            "share": (14, lambda machine: self.visit(machine, self.share)),
            "stick": (16, lambda machine: self.visit(machine, self.rng.choice(self.sticks))),
            "post": (6, self.post),
            "crash": (8, self.crash),
            "lose": (2, lambda _: self.lose(self.rng.choice(self.sticks))),
            "double": (3, lambda _: self.double()),
            "spoil": (4, lambda _: self.spoil(self.rng.choice([self.share, *self.sticks]))),
            "settle": (3, self.settle_one),
            "back up": (3, Machine.back_up),
            "restore": (2, self.restore),
            "come": (1, lambda _: self.come()),
            "clone": (1, self.clone),
            "rejoin": (1, lambda _: self.rejoin()),
            "retire": (1, self.retire),
            "revoke": (1, self.revoke),
            "snapshot": (1, lambda _: self.snapshot()),
            "prune": (2, self.prune),
        }
        acts = {name: act for name, act in acts.items() if name not in self.without}
        what = self.rng.choices(list(acts), [weight for weight, _ in acts.values()])[0]
        machine = self.rng.choice(self.present())
        self.done[what] += 1
        self.say(what, machine.home.name)
        acts[what][1](machine)

    def work(self, machine: Machine) -> None:
        for _ in range(self.rng.choice((1, 1, 3))):
            self.say("  ", machine.till.work(self.time_at(machine)))

    def visit(self, machine: Machine, place: Path) -> None:
        """A sync, or only one half of it."""
        acts = {"sync": 4, "export": 1, "import": 1}
        what = self.rng.choices(list(acts), list(acts.values()))[0]
        self.run(machine, what, place)

    def run(self, machine: Machine, what: str, place: Path) -> Any:
        with showing(self.time_at(machine)):
            node = machine.node
            report = {"sync": node.sync, "export": node.export, "import": node.import_}[what](place)
        self.say("  ", what, place.name, "sealed", report.sealed, "applied", report.applied, "waiting", report.waiting)
        self.look(machine)
        return report

    def look(self, machine: Machine) -> None:
        self.evidence.take([machine.home / "packets"])

    def post(self, machine: Machine) -> None:
        """Somebody's outbox is somebody's inbox."""
        other = self.rng.choice(self.present())
        if other is machine:
            return
        with showing(self.time_at(machine)):
            machine.node.export()
        self.look(machine)
        shutil.copytree(machine.home / "outbox", other.home / "inbox", dirs_exist_ok=True)
        with showing(self.time_at(other)):
            other.node.import_()
        self.look(other)

    def crash(self, machine: Machine) -> None:
        """The power fails in the midst of a run. Whoever starts again finds everything whole."""
        place = self.rng.choice([self.share, *self.sticks])
        at, clock = self.rng.randrange(1, 60), self.time_at(machine)
        luck = self.chance.getrandbits(64)

        def run() -> None:
            self.chance.seed(luck)  # what the process draws that is killed is never drawn again
            with showing(clock):
                machine.node.sync(place)

        end = forked(Steps(at), run)
        self.done["killed"] += end.code == KILLED
        self.say("  ", "killed at", at, end.code, end.said)
        assert end.code in (0, KILLED), end.said
        self.look(machine)

    def come(self) -> None:
        if len(self.machines) < 6:
            self.join()

    def settle_one(self, machine: Machine) -> None:
        """Somebody looks at the list of conflicts."""
        conflicts = [entry for entry in machine.node.conflicts() if entry["closed"] is None]
        if not conflicts:
            return
        entry = self.rng.choice(conflicts)
        nodes = sorted({version["origin"] for version in entry["versions"]})
        with showing(self.time_at(machine)):
            try:
                if self.rng.random() < 0.3:
                    machine.node.resolve(entry["id"], seen=True)
                else:
                    machine.node.resolve(entry["id"], take=self.rng.choice(nodes))
            except SatchelError as refused:
                self.say("  ", "not settled:", refused.message)
        self.look(machine)

    # -- media

    def lose(self, stick: Path) -> None:
        shutil.rmtree(stick)
        stick.mkdir()

    def double(self) -> None:
        """A stick is copied over another, or kept and brought back later."""
        source = self.rng.choice([self.share, *self.sticks])
        self.copies += 1
        late = self.root / f"copy-{self.copies}"
        shutil.copytree(source, late)
        if self.rng.random() < 0.5:
            self.sticks.append(late)
        else:
            shutil.copytree(late, self.rng.choice(self.sticks), dirs_exist_ok=True)
            shutil.rmtree(late)

    def spoil(self, stick: Path) -> None:
        """A file is cut off, altered, or missing."""
        files = [path for path in stick.rglob("*") if path.is_file() and path.name != "satchel.json"]
        if not files:
            return
        file = self.rng.choice(sorted(files))
        data = bytearray(file.read_bytes())
        how = self.rng.choice(("cut", "altered", "missing", "empty"))
        self.say("  ", file.relative_to(stick), how)
        if how == "missing":
            file.unlink()
        elif how == "altered" and data:
            data[self.rng.randrange(len(data))] ^= 1 << self.rng.randrange(8)
            file.write_bytes(data)
        else:
            file.write_bytes(data[: self.rng.randrange(len(data) + 1)] if how == "cut" else b"")

    # -- trouble of machines

    def restore(self, machine: Machine) -> None:
        if machine.backups:
            what = self.rng.choice(("database", "home", "both"))
            self.say("  ", what)
            machine.restore(self.rng.choice(machine.backups), what)

    def clone(self, machine: Machine) -> None:
        """A laptop is copied, and both go on."""
        if len(self.machines) < 6:
            self.machines.append(machine.clone(self.root / f"{machine.home.name}-clone-{len(self.machines)}"))

    def rejoin(self) -> None:
        """One of two that are the same gets another name."""
        names = Counter(machine.name for machine in self.present())
        twins = [machine for machine in self.present()[1:] if names[machine.name] > 1 and self._has_joined(machine)]
        if not twins or self.machines[0].gone:
            return
        machine, name = self.rng.choice(twins), f"again{len(self.machines)}"
        invitation = self.root / f"{name}.invite"
        with showing(self.clock.now):
            self.machines[0].node.invite(name, out=invitation)
            machine.node.rejoin(invitation)
        self.say("  ", machine.home.name, "is", name)
        machine.name = name
        self.look(machine)
        self.look(self.machines[0])

    def retire(self, machine: Machine) -> None:
        """It is not waited for any more; what it has sealed counts whenever it turns up."""
        if not self._may_leave(machine):
            return
        with showing(self.clock.now):
            self.machines[0].node.retire(machine.name)
        machine.gone = True
        self.look(self.machines[0])

    def revoke(self, machine: Machine) -> None:
        """It was stolen: what the admin has of it counts, nothing later."""
        if not self._may_leave(machine):
            return
        with showing(self.clock.now):
            self.machines[0].node.revoke(machine.name)
        machine.gone = machine.cut = True
        self.look(self.machines[0])

    def _has_joined(self, machine: Machine) -> bool:
        return bool(machine.node.status()["vector"])

    def _may_leave(self, machine: Machine) -> bool:
        """The founder stays, and whoever has a clone; and somebody for the founder to meet."""
        cloned = sum(other.name == machine.name for other in self.machines) > 1
        return machine is not self.machines[0] and not cloned and len({m.name for m in self.present()}) >= 3

    def snapshot(self) -> None:
        with showing(self.time_at(self.machines[0])):
            self.machines[0].node.snapshot()
        self.look(self.machines[0])

    def prune(self, machine: Machine) -> None:
        if not self._has_joined(machine):
            return
        with showing(self.time_at(machine)):
            report = machine.node.prune(deleted=self.rng.random() < 0.3)
        self.say("  ", report)

    # -- the end

    def rest(self) -> None:
        """Everybody meets at the share until nothing moves any more."""
        for _ in range(8):
            moved = 0
            for machine in self.present():
                report = self.run(machine, "sync", self.share)
                moved += len(report.sealed) + len(report.applied) + len(report.dropped)
            if not moved:
                return
        raise AssertionError("never comes to rest")
