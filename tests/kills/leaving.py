"""A node is revoked whose last packets were applied: killed on the way, where it is said and where it is heard."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import satchel
from tests.kills.world import SCHEMA, Parts, application


class Leaving(Parts):
    """A third site, c, is revoked after its first packet; a has its second, b that and edits on top of it."""

    def revoke(self) -> None:
        self.node("a").revoke("c", at=["1"])

    def obey(self) -> None:
        self.node("b").sync(self.share)

    def prepare(self) -> None:
        self.begin()
        self.init()
        self.invite()
        self.node("a").invite("c", out=self.root / "c.invite")
        self.export()
        self.join()
        self.db("c").parent.mkdir()
        application(self.db("c"), SCHEMA)
        satchel.join(self.root / "c.invite", self.root / "c", db=self.db("c"))
        for name in "cbabca":
            self.node(name).sync(self.share)
        application(self.db("c"), "INSERT INTO parts VALUES ('c1', 'counts', 1)")
        self.node("c").sync(self.share)
        for name in "ab":
            self.node(name).sync(self.share)
        application(self.db("c"), "INSERT INTO parts VALUES ('c2', 'does not', 2)", "DELETE FROM parts WHERE id = 'p5'")
        application(self.db("c"), "UPDATE parts SET price = 0 WHERE id IN ('p1', 'p2', 'c1')")
        self.node("c").sync(self.share)
        self.node("a" if self.command == "revoke" else "b").sync(self.share)
        if self.command == "obey":
            application(self.db("b"), "UPDATE parts SET name = 'of b' WHERE id = 'p2'")
            self.revoke()
            self.node("a").sync(self.share)
        application(self.db("b"), "UPDATE parts SET name = 'pending' WHERE id = 'p7'")
        application(self.db("a"), "UPDATE parts SET name = 'pending' WHERE id = 'p8'")

    def settle(self) -> None:
        for name in "abab":
            self.node(name).sync(self.share)

    def outcome(self) -> Any:
        vectors = [self.node(name).status()["vector"].get("c") for name in "ab"]
        return [super().outcome(), vectors]

    def check(self) -> None:
        (a, b), cuts = self.outcome()
        assert a == b and cuts == [1, 1], cuts
        for name in "ab":
            assert not satchel.verify(self.root / name / "packets")["problems"]
            status = self.node(name).status()
            assert not (status["waiting"] or status["pending"]), status
            assert [entry["packet"] for entry in status["quarantined"]] == ["c/2"], status["quarantined"]
            assert not list((self.root / name).rglob("*.tmp"))
            assert not list((self.root / name / "packets").glob("*/c/*2-*"))
            with closing(sqlite3.connect(self.db(name))) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


Leaving.commands = {"revoke": Leaving.revoke, "obey": Leaving.obey}
