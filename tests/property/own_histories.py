"""Random histories of databases that hand out numbers themselves: births, numbers used again, renumberings, twins.

`python -m tests.property.own_histories FIRST LAST` hunts and prints the seeds that fail; `-v SEED` tells one.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.property.comparing import agree
from tests.property.hunting import hunt
from tests.property.own_database import KEYS, LOCAL, PARENTS, Row, delete, insert, update
from tests.property.own_world import EPOCH, OwnNode, OwnWorld

MIXES = [LOCAL, LOCAL, ["customer"], ["customer", "quote"], ["quote", "line"], ["staff", "tag"]]
POLICIES = ["merge", "merge", "merge", "latest", "priority:n1,n0"]
ACTS = {
    "add": 30, "link": 8, "detail": 5, "change": 16, "claim": 6, "move": 8, "remove": 10, "rename": 6, "swap": 3,
    "again": 4, "rebirth": 6, "replace": 5, "displace": 5, "bundle": 6, "unlink": 3,
}  # fmt: skip


class History:
    """One seed."""

    def __init__(self, root: Path, seed: int, say: Callable[..., None] | None = None) -> None:
        self.rng = rng = random.Random(seed)
        self.world = OwnWorld(root, rng, rng.choice(POLICIES), rng.choice((2, 2, 3)))
        if say is not None:
            self.world.say = say
            say("policy", self.world.carrier.policy)
        self.steps = rng.randrange(10, 60)
        self.names = rng.choice(
            [LOCAL, LOCAL, ["customer"], ["customer", "quote"], ["quote", "line"], ["staff", "tag"]]
        )
        left = rng.sample(list(ACTS), rng.randrange(5))
        self.acts = {name: weight for name, weight in ACTS.items() if name not in left or name == "add"}

    def run(self) -> None:
        """The whole history."""
        try:
            first = self.world.nodes[0]
            for _ in range(self.rng.choice((0, 0, 10))):
                self.edit(first)
            self.world.found()
            self.world.compare(first)
            for _ in range(self.steps):
                self.step(self.rng.choice(self.world.nodes))
            settle(self.world)
        finally:
            self.world.close()

    def step(self, node: OwnNode) -> None:
        act = self.rng.random()
        if act < 0.65:
            self.edit(node)
        elif act < 0.78:
            self.world.seal(node)
            self.world.compare(node)
        else:
            packets = [dot for dot in self.world.carrier.packets if self.rng.random() < 0.7]
            self.rng.shuffle(packets)
            self.world.deliver(node, packets)

    # -- what the application does

    def edit(self, node: OwnNode) -> None:
        act = self.rng.choices(list(self.acts), list(self.acts.values()))[0]
        table = self.rng.choice(self.names)
        getattr(self, f"_{act}")(node, table)

    def _rows(self, node: OwnNode, table: str) -> list[Row]:
        return list(node.application.tables()[table].values())

    def _one(self, node: OwnNode, table: str) -> Row | None:
        rows = self._rows(node, table)
        return self.rng.choice(rows) if rows else None

    def _stamp(self, node: OwnNode) -> int:
        return next(self.world.clocks(node)) - EPOCH

    def _fresh(self, node: OwnNode, table: str) -> Row | None:
        mark = node.application.new_mark(table)
        row = node.application.fresh(table, mark, self._stamp(node))
        return row if "ref" in row or table not in ("quote", "line") else None

    def _add(self, node: OwnNode, table: str) -> None:
        row = self._fresh(node, table)
        if row is not None:
            number = {"id": self.rng.randrange(1, 12)} if self.rng.random() < 0.3 else {}
            self.world.run(node, "adds", insert(table, number | row))

    def _bundle(self, node: OwnNode, table: str) -> None:
        """A quote with its lines, in one transaction."""
        quote = self._fresh(node, "quote")
        if quote is None:
            return
        number = max((row["id"] for row in self._rows(node, "quote")), default=0) + 1
        statements = [insert("quote", {"id": number} | quote)]
        for code in range(self.rng.randrange(3)):
            mark = node.application.new_mark("line")
            at = self._stamp(node)
            under = {"under": f"{quote['mark']}|{at}", "ref": number, "code": code}
            statements.append(insert("line", {"mark": mark, "a": f"{mark}|{at}", "b": f"{mark}|{at}"} | under))
        self.world.run(node, "adds with lines", *statements)

    def _link(self, node: OwnNode, table: str) -> None:
        quote, tag = self._one(node, "quote"), self._one(node, "tag")
        if quote and tag:
            row = {"ref": quote["id"], "under": quote["mark"], "tag": tag["id"], "under_tag": tag["mark"]}
            self.world.run(node, "links", insert("quote_tag", row | {"a": self._stamp(node)}))

    def _unlink(self, node: OwnNode, table: str) -> None:
        name = self.rng.choice(("quote_tag", "detail"))
        if row := self._one(node, name):
            self.world.run(node, "unlinks", delete(name, {part: row[part] for part in KEYS[name]}))

    def _detail(self, node: OwnNode, table: str) -> None:
        if quote := self._one(node, "quote"):
            row = {"ref": quote["id"], "under": quote["mark"], "a": self._stamp(node)}
            self.world.run(node, "details", insert("detail", row))

    def _change(self, node: OwnNode, table: str) -> None:
        if row := self._one(node, table):
            values = {c: f"{row['mark']}|{self._stamp(node)}" for c in self.rng.choice(("a", "b", "ab"))}
            self.world.run(node, "changes", update(table, {"id": row["id"]}, values))

    def _claim(self, node: OwnNode, table: str) -> None:
        row = self._one(node, table)
        column = "number" if row and "number" in row else "code" if row and "code" in row else None
        if row and column:
            values = {column: self.rng.choice((None, *range(6)))}
            self.world.run(node, "claims", update(table, {"id": row["id"]}, values))

    def _move(self, node: OwnNode, table: str) -> None:
        row = self._one(node, table)
        if row and table in PARENTS:
            values = node.application.put_under(table, self._stamp(node))
            if values and not (table == "staff" and values["ref"] == row["id"]):
                self.world.run(node, "moves", update(table, {"id": row["id"]}, values))

    def _remove(self, node: OwnNode, table: str) -> None:
        if row := self._one(node, table):
            self.world.run(node, "removes", delete(table, {"id": row["id"]}))

    def _rename(self, node: OwnNode, table: str) -> None:
        if row := self._one(node, table):
            number = self.rng.choice((self.rng.randrange(1, 12), 20 + self.rng.randrange(5)))
            self._renumber(node, "renames", update(table, {"id": row["id"]}, {"id": number}))

    def _swap(self, node: OwnNode, table: str) -> None:
        rows = self._rows(node, table)
        if len(rows) > 1:
            one, two = (row["id"] for row in self.rng.sample(rows, 2))
            pairs = ((one, -1), (two, one), (-1, two))
            self._renumber(node, "swaps", *(update(table, {"id": a}, {"id": b}) for a, b in pairs))

    def _renumber(self, node: OwnNode, what: str, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Other numbers, here only: nothing travels."""
        alone = self.rng.random() < 0.3 and bool(node.site.vector)
        if alone:
            self.world.seal(node)
        self.world.run(node, what, *statements)
        if alone:
            changes = self.world.seal(node)
            assert not changes, [str(change) for change in changes]

    def _again(self, node: OwnNode, table: str) -> None:
        """Deleted and inserted, the same in every column."""
        if row := self._one(node, table):
            node.application.back.add(row["mark"])
            self.world.run(node, "puts back", delete(table, {"id": row["id"]}), insert(table, row))

    def _rebirth(self, node: OwnNode, table: str) -> None:
        """Deleted, and the number used again at once."""
        row, new = self._one(node, table), self._fresh(node, table)
        if row and new:
            if table == "staff" and new.get("ref") == row["id"]:
                new["under"] = f"{new['mark']}|{self._stamp(node)}"  # under itself
            self.world.run(node, "bears", delete(table, {"id": row["id"]}), insert(table, {"id": row["id"]} | new))

    def _replace(self, node: OwnNode, table: str) -> None:
        """OR REPLACE on a number that is there: the same row."""
        if row := self._one(node, table):
            at = self._stamp(node)
            values = row | dict.fromkeys("ab", f"{row['mark']}|{at}")
            if "number" in row:
                values["number"] = self.rng.choice((row["number"], None, *range(6)))
            self.world.run(node, "replaces", insert(table, values, "INSERT OR REPLACE"))

    def _displace(self, node: OwnNode, table: str) -> None:
        """OR REPLACE, INTO a unique value or a number that another row has."""
        one = self._one(node, table)
        if one is None or ("number" not in one and "code" not in one):
            return
        column = "number" if "number" in one else "code"
        if self.rng.random() < 0.5:
            new = self._fresh(node, table)
            if new is not None and not new["mark"].startswith("cat"):
                self.world.run(node, "displaces", insert(table, new | {column: one[column]}, "INSERT OR REPLACE"))
        elif (two := self._one(node, table)) is not None:
            text, values = update(table, {"id": two["id"]}, {column: one[column]})
            self.world.run(node, "displaces", (text.replace("UPDATE", "UPDATE OR REPLACE"), values))


def settle(world: OwnWorld) -> None:
    """Everybody gets everything; all are equal up to numbers, nothing waits or is lost, once more changes nothing."""
    for node in world.nodes:
        world.seal(node)
    for node in world.nodes:
        packets = list(world.carrier.packets)
        world.rng.shuffle(packets)
        world.deliver(node, packets)
    first = world.nodes[0]
    gone = {mark for node in world.nodes for mark in node.application.gone}
    made = {mark for node in world.nodes for mark in node.application.made}
    for node in world.nodes:
        agree("rows", world._wire_rows(node), world._wire_rows(first))
        assert {dot.origin: dot.seq for dot in sorted(world.carrier.packets)} == node.site.vector
        ids = [sorted(entry.id for entry in n.store.conflicts() if entry.closed is None) for n in (node, first)]
        assert ids[0] == ids[1]
        lost = made - gone - {mark for _, mark in node.application.marks()} - listed(node)
        assert not {mark for mark in lost if not mark.startswith("cat")}, f"lost: {lost}"
        before = node.application.tables()
        assert not world.seal(node)
        world.deliver(node, list(world.carrier.packets))
        assert node.application.tables() == before


def listed(node: OwnNode) -> set[str]:
    """Marks of the rows in the list of conflicts."""
    entries = [entry for entry in node.store.conflicts() if entry.closed is None]
    return {str(v.cells["mark"].value) for entry in entries for v in entry.versions if "mark" in v.cells}


def play(folder: Path, seed: int, say: Callable[..., None]) -> None:
    """One history."""
    History(folder, seed, say).run()


if __name__ == "__main__":
    sys.exit(hunt(play, sys.argv[1:]))
