"""A site whose database was put back from a backup, and one that gets another identity: killed on the way."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import Any

from satchel.errors import SatchelError
from tests.kills.world import Parts, application

NUMBERED = "CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)"


class Restored(Parts):
    """Parts, and orders under numbers that each database hands out."""

    def rejoin(self) -> None:
        self.node("b").rejoin(self.root / "b2.invite")

    def begin(self) -> None:
        super().begin()
        for name in "ab":
            application(self.db(name), NUMBERED)

    def prepare(self) -> None:
        self.begin()
        self.init()
        self.invite()
        self.export()
        self.join()
        for name in "bab":
            self.node(name).sync(self.share)
        if self.command == "rejoin":
            self.node("a").invite("b2", out=self.root / "b2.invite")
            application(self.db("b"), "INSERT INTO orders VALUES (1, 'pending')")
            return
        application(self.db("a"), "INSERT INTO orders VALUES (1, 'in the backup'), (2, 'in the backup, too')")
        shutil.copyfile(self.db("a"), self.root / "backup.db")
        application(self.db("a"), "UPDATE parts SET price = 9 WHERE id = 'p2'", "INSERT INTO orders VALUES (3, 'lost')")
        self.sync()
        application(self.db("a"), "DELETE FROM parts WHERE id = 'p3'")
        self.sync()
        application(self.db("b"), "INSERT INTO orders VALUES (1, 'of b')")
        self.node("b").sync(self.share)
        shutil.copyfile(self.root / "backup.db", self.db("a"))
        application(self.db("a"), "UPDATE parts SET name = 'new' WHERE id = 'p4'")
        application(self.db("a"), "INSERT INTO orders VALUES (3, 'since the restore')")

    def again(self) -> None:
        try:
            self.run()
        except SatchelError:
            if self.command != "rejoin" or self.node("b").status()["node"] != "b2":
                raise

    def outcome(self) -> Any:
        found = super().outcome()
        orders = [sorted(what for (what,) in self.rows(name, "SELECT what FROM orders")) for name in "ab"]
        assert orders[0] == orders[1]
        names = sorted(origin.partition(".")[0] for origin in self.node("a").status()["vector"])
        return [found, orders, names, self.node("b").status()["node"]]

    def check(self) -> None:
        super(Parts, self).check()
        parts, *_ = self.outcome()
        assert parts[0] == parts[1]

    def rows(self, name: str, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.db(name))) as connection:
            return connection.execute(query).fetchall()


Restored.commands = {"restored": Restored.sync, "rejoin": Restored.rejoin}
