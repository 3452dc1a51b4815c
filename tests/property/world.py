"""Nodes of the product and of the reference model, driven alike and compared after every step."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import satchel
from satchel.model.ids import node_of
from satchel.sync import sealing
from tests.model import reference
from tests.property.application import COLUMNS, TABLES, Application, Row, Statement, key_of, name_of
from tests.property.chosen import POLICIES
from tests.property.comparing import compare
from tests.property.member import KEY, Dot, Entrance, Member, packets_below, small_packets

EPOCH = 1_790_000_000_000  # milliseconds: where the histories begin
NETWORK = "acme"


def place(name: str) -> tuple[int, tuple[str, ...]]:
    """Where a row stands in a seal: by table, then by key."""
    table, key = key_of(name)
    return list(TABLES).index(table), key


class World:
    """A network and everything that was ever sealed in it."""

    def __init__(self, root: Path, rng: random.Random, policy: str, rows: Mapping[str, Row], part: int) -> None:
        self.root = root
        self.rng = rng
        self.policy = policy
        self.now = EPOCH
        self.members: list[Member] = []
        self.packets: dict[Dot, reference.Packet] = {}
        self.share = root / "share"
        self.share.mkdir()
        self.deliveries = 0
        self.say: Any = lambda *words: None
        self._found(rows, part)

    def close(self) -> None:
        for member in self.members:
            member.application.close()

    def _member(self, part: int, skew: int, copy_of: Member | None = None) -> Member:
        name = f"n{len(self.members)}"
        model = reference.Node(name, POLICIES.get(self.policy, self.policy), COLUMNS, part)
        application = Application(self.root / f"{name}.db", self.rng, copy_of.application if copy_of else None)
        return Member(self.root / name, application, model, skew)

    def _found(self, rows: Mapping[str, Row], part: int) -> None:
        member = self._member(part, 0)
        member.application.fill(rows)
        with small_packets(part):
            made = satchel.init(
                member.home, db=member.application.path, node=member.name, network=NETWORK, policy=self.policy
            )
        self.members.append(member)
        if rows:
            (stamp,) = member.application.db.execute(
                "SELECT s FROM _satchel_base_1 UNION SELECT s FROM _satchel_base_2"
            ).fetchone()
            for name, row in rows.items():
                member.model.write(name, row, stamp >> 16)
        self._sealed(member, made.sealed)

    # -- what the application does

    def tick(self, member: Member) -> int:
        """The time on a node's clock: each of its statements has a millisecond of its own, which others may share."""
        self.now += self.rng.choice((0, 0, 1, 1000))
        member.clock = max(member.clock + 1, self.now + member.skew)
        return member.clock

    def edit(self, member: Member, statement: Statement) -> None:
        clock = self.tick(member)
        self.say(member.name, "at", clock - EPOCH, statement)
        for name, row in member.application.run(statement, clock):
            member.wrote(name, row, clock)

    # -- what satchel does

    def _sealed(self, member: Member, sealed: Sequence[str]) -> None:
        """The model seals what the product sealed."""
        before, origin = member.model.vector.get(member.model.origin, 0), member.model.origin
        member.model.pending = dict(sorted(member.model.pending.items(), key=lambda item: place(item[0])))
        member.model.seal()
        member.blind = set() if sealed else member.blind
        new = {dot: packet for dot, packet in member.model.shelf.items() if dot[0] == origin and dot[1] > before}
        assert list(sealed) == [f"{origin}/{seq}" for origin, seq in sorted(new)]
        self.packets.update(new)
        member.shelf.update(new)

    def _late(self, member: Member, late: Sequence[Statement]) -> tuple[Callable[[], None], list[Any]]:
        """What to run once while parts are written, and where it is noted with its clock."""
        left = [] if member.joining or member.blind else list(late)  # of blind ones: test_late_edits.py
        done: list[Any] = []

        def meanwhile() -> None:
            while left:
                clock = self.tick(member)
                done.append((clock, member.application.run(left.pop(0), clock)))

        return meanwhile, done

    def seal(self, member: Member, late: Sequence[Statement] = ()) -> None:
        """Exports into the share; `late`: what the application writes while the parts are written."""
        meanwhile, done = self._late(member, late)
        with small_packets(member.model.part, meanwhile):
            report = member.node.export(self.share)
        self.say(member.name, "exports; sealed", report.sealed, "dropped", report.dropped, "late", done)
        if member.joining:
            assert not report.sealed
            return
        self._sealed(member, report.sealed)
        self._wrote(member, done)

    def _wrote(self, member: Member, done: Sequence[Any]) -> None:
        for clock, writes in done:
            for name, row in writes:
                member.wrote(name, row, clock)

    def exchange(self, member: Member, late: Sequence[Statement] = ()) -> None:
        """A sync with the share; `late`: what the application writes while the parts of the first seal are written."""
        held = {dot for dot, _ in packets_below(self.share)}
        meanwhile, done = self._late(member, late)
        with small_packets(member.model.part, meanwhile):
            report = member.node.sync(self.share)
        self.say(member.name, "syncs; sealed", report.sealed, "applied", report.applied, "late", done)
        self._received(member, report, held, done)

    def carry(self, member: Member, other: Member) -> None:
        """The other's outbox becomes this one's inbox."""
        with small_packets(other.model.part):
            report = other.node.export()
        if not other.joining:
            self._sealed(other, report.sealed)
        held = {dot for dot, _ in packets_below(other.home / "outbox")}
        with small_packets(member.model.part):
            report = member.node.import_(other.home / "outbox")
        self.say(member.name, "gets", held, "from the outbox of", other.name, "applied", report.applied)
        self._received(member, report, held, sure=False)

    def deliver(
        self, member: Member, dots: Sequence[Dot], broken: Sequence[Dot] = (), cards: bool = True, acks: bool = True
    ) -> None:
        """Imports from a folder that holds these packets, each from any node that has it; of the broken ones a part or
        the manifest is not there yet."""
        self.deliveries += 1
        folder = self.root / "deliveries" / str(self.deliveries)
        folder.mkdir(parents=True)
        if (self.share / "satchel.json").exists():
            (folder / "satchel.json").write_bytes((self.share / "satchel.json").read_bytes())
        holders = {dot: [m.archived()[dot] for m in self.members if dot in m.archived()] for dot in {*dots, *broken}}
        for dot in dots:
            _link(self.rng.choice(holders[dot]), folder / self.rng.choice(("", "a", "b/c")) / "p" / dot[0])
        for dot in broken:
            copy = _link(self.rng.choice(holders[dot]), folder / "later" / dot[0])
            os.unlink(self.rng.choice(sorted(copy.iterdir())))
        for kind, wanted in (("nodes", cards), ("acks", acks)):
            for other in self.members if wanted else ():
                for file in other.side_files(kind):
                    (folder / kind).mkdir(exist_ok=True)
                    (folder / kind / f"{file.name}").write_bytes(file.read_bytes())
        preview = member.node.import_(folder, dry_run=True)
        with small_packets(member.model.part):
            report = member.node.import_(folder)
        if member.joining:  # what lies beyond the inviter's vector comes after joining
            assert {*preview.applied} <= {*report.applied}
        else:
            assert sorted(preview.applied) == sorted(report.applied), (preview.applied, report.applied)
        self.say(member.name, "gets", dots, "broken", broken, cards, "sealed", report.sealed, "applied", report.applied)
        self._received(member, report, set(dots), sure=cards)

    def _received(
        self, member: Member, report: Any, dots: set[Dot], late: Sequence[Any] = (), *, sure: bool = True
    ) -> None:
        expected = member.shelf | dots
        here = set(member.archived())
        own = {dot for dot in here if node_of(dot[0]) == member.name}
        if sure:
            assert here - own == {dot for dot in expected if node_of(dot[0]) != member.name}
        assert not report.quarantined
        member.shelf = here
        got = [self.packets[dot] for dot in here if dot in self.packets]
        sealed = list(report.sealed)
        if member.joining is None:
            first = -(-len(member.model.pending) // member.model.part)
            self._sealed(member, sealed[:first])
            self._wrote(member, late)
            if sealed[first:]:
                self._sealed(member, sealed[first:])
        elif all((origin, seq) in here for origin, last in member.joining.wanted.items() for seq in range(1, last + 1)):
            self._joined(member, sealed)
        else:
            assert not report.applied
            return
        before = {member.model.origin: 10**9} | ({} if member.joining else member.model.vector)
        member.joining = None
        if member.model.pending:  # late edits, and those since the join, stay unsealed where nothing else was applied
            member.model.shelf |= {packet.dot: packet for packet in got}
            assert not any(member.model.ready(dot) for dot in member.model.shelf)
        else:
            member.model.receive(got)
        assert sorted(report.applied) == sorted(_dots_between(before, member.model.vector))

    def _joined(self, member: Member, sealed: list[str]) -> None:
        """The comparison with the rows that were there, then the edits since, on top."""
        entrance, model = member.joining, member.model
        assert entrance is not None
        within = [p for p in self.packets.values() if p.dot[1] <= entrance.wanted.get(p.dot[0], 0)]
        first = dict(sorted(entrance.rows.items(), key=lambda item: place(item[0])))
        model.join(first, within)
        own = {dot: packet for dot, packet in model.shelf.items() if dot[0] == member.name}
        self.packets.update(own)
        for name, change in entrance.draft.pending.items():
            entrance.put_on_top(model, name, change)
        member.blind = {name for name, change in model.pending.items() if change.blind}
        rest = sealed[len(own) :]
        assert sealed[: len(own)] == [f"{origin}/{seq}" for origin, seq in sorted(own)]
        if rest:
            self._sealed(member, rest)

    def invite(self, inviter: Member, rows: Mapping[str, Row], part: int, skew: int, role: str) -> Member:
        """A new node, with rows of its own."""
        member = self._member(part, skew)
        file = self.root / f"{member.name}.invite"
        with small_packets(inviter.model.part):
            report = inviter.node.invite(member.name, out=file, role=role)
        self._sealed(inviter, report.sealed)
        member.application.fill(rows)
        satchel.join(file, member.home, db=member.application.path)
        draft = reference.Node("draft", "latest", (*COLUMNS, KEY))
        for name, row in rows.items():
            draft.write(name, row, 0)
        draft.seal()
        member.joining = Entrance(dict(rows), dict(inviter.model.vector), draft)
        member.admin = role == "admin"
        self.members.append(member)
        self.say(inviter.name, "invites", member.name, "with", rows, "wanted", member.joining.wanted)
        return member

    def invite_copy(self, inviter: Member, source: Member, part: int, skew: int) -> Member:
        """A new node whose database is a copy of a member's, satchel's tables and pending edits included."""
        member = self._member(part, skew, source)
        for fact in ("vector", "rows", "pending"):
            setattr(member.model, fact, deepcopy(getattr(source.model, fact)))
        member.blind = set(source.blind)
        file = self.root / f"{member.name}.invite"
        with small_packets(inviter.model.part):
            report = inviter.node.invite(member.name, out=file)
        self._sealed(inviter, report.sealed)
        satchel.join(file, member.home, db=member.application.path)
        member.admin = False
        self.members.append(member)
        self.say(inviter.name, "invites", member.name, "with a copy of", source.name)
        return member

    def resolve(self, member: Member, entry: Mapping[str, Any]) -> None:
        """Settles a conflict in one of the three ways."""
        name, version = name_of((entry["table"], tuple(entry["key"]))), self.rng.choice(entry["versions"])
        shown, newest = member.application.rows().get(name), max(entry["versions"], key=_rank(member, name))
        way = self.rng.choice(("take", "take", "set", "delete"))
        words: dict[str, Any] = {"delete": True}
        values: Row | None = None
        if way == "take":
            words = {"take": version["origin"]}
            mine = [v for v in entry["versions"] if v["origin"] == version["origin"]]
            taken = max(mine, key=_rank(member, name))
            if not taken["deleted"]:
                row = _row(member, name, taken)
                values = row if shown is None else shown | {c: row[c] for c in entry["columns"] if c in COLUMNS}
        elif way == "set":
            words = {"set": {"a": "settled"}}
            alive = [v for v in entry["versions"] if not v["deleted"]]
            values = (shown or _row(member, name, max(alive, key=_rank(member, name)))) | {"a": "settled"}
        self.say(member.name, "resolves", name, words)
        writes: list[Row | None] = [values]
        if values is None and shown is None:
            writes.insert(0, _row(member, name, newest))
        columns = [column for column in entry["columns"] if column in COLUMNS] if values is not None else []
        self._settle(member, entry["id"], words, name, writes, columns)

    def _settle(
        self, member: Member, id_: str, words: dict[str, Any], name: str, writes: list[Row | None], touched: list[str]
    ) -> None:
        """The product seals after each write; before it does, its log gets our clock and the model the same write."""
        seal = sealing.seal_pending
        model, clock = member.model, self.tick(member)

        def seal_as_told(site: Any) -> Any:
            row = writes.pop(0)
            member.application.date(newest, clock)
            member.wrote(name, row, clock)
            if row is not None and not writes and touched:
                model.touch(name, touched, clock)
            sealed = seal(site)
            self._sealed(member, [str(packet.dot) for packet in sealed])
            newest.update(member.application.newest())
            return sealed

        newest = member.application.newest()
        sealing.seal_pending = seal_as_told
        try:
            with small_packets(model.part):
                member.node.resolve(id_, **words)
        finally:
            sealing.seal_pending = seal
        assert not writes
        assert name not in model.conflicts()
        compare(member)


def _siblings(member: Member, name: str) -> dict[Dot, reference.Version]:
    return {version.dot: version for version in member.model.rows[name]}


def _rank(member: Member, name: str) -> Any:
    return lambda entry: _siblings(member, name)[entry["origin"], entry["seq"]].birth


def _row(member: Member, name: str, entry: Mapping[str, Any]) -> Row:
    return dict(_siblings(member, name)[entry["origin"], entry["seq"]].values)


def _dots_between(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    return [f"{o}/{seq}" for o, last in after.items() for seq in range(before.get(o, 0) + 1, last + 1)]


def _link(packet: Path, folder: Path) -> Path:
    """The packet's files once more, without copying them."""
    target = folder / packet.name
    target.mkdir(parents=True, exist_ok=True)
    for file in packet.iterdir():
        if not (target / file.name).exists():
            os.link(file, target / file.name)
    return target
