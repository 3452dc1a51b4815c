"""Snapshots that are made, installed and pruned for, killed at any step."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from tests.kills.world import Parts, application


class Snapshots(Parts):
    """Two sites and a stick that brings a snapshot and no packet."""

    commands: ClassVar[dict[str, Callable[[Any], None]]] = {}

    @property
    def stick(self) -> Path:
        return self.root / "stick"

    def snapshot(self) -> None:
        self.node("a").snapshot(self.share)

    def prune(self) -> None:
        self.node("a").prune(deleted=True)

    def install(self) -> None:
        self.node("b").import_(self.stick)

    def again(self) -> None:
        self.run()

    def prepare(self) -> None:
        self.begin()
        self.init()
        self.invite()
        self.export()
        if self.command == "install-first":
            application(self.db("b"), "INSERT INTO parts VALUES ('p1', 'part 1', 1.5)")
            application(self.db("b"), "INSERT INTO parts VALUES ('own', 'b', 1)")
        self.join()
        if self.command != "install-first":
            self.receive()
            self.node("b").sync(self.share)
            self.sync()
        application(self.db("a"), "UPDATE parts SET price = 9 WHERE id = 'p2'", "DELETE FROM parts WHERE id = 'p3'")
        if self.command == "prune":
            for name in "aba":
                self.node(name).sync(self.share)
        if self.command != "snapshot":
            self.node("a").snapshot()
        if self.command.startswith("install"):
            application(self.db("b"), "UPDATE parts SET price = 8 WHERE id = 'p2'")
            application(self.db("b"), "INSERT INTO parts VALUES ('new', 'b', 2)")
            for name in ("snapshots", "nodes"):
                shutil.copytree(self.root / "a" / "packets" / name, self.stick / name)

    def check(self) -> None:
        super().check()
        for folder in self.root.glob("*/packets/snapshots/*"):
            assert (folder / "manifest.json").is_file(), f"half a snapshot: {folder}"
        for folder in (self.root / "a" / "packets" / "acme").glob("*/*"):
            names = {path.name for path in folder.iterdir()}
            assert "manifest.json" in names or names == {"pruned.json"}, f"half a packet: {names}"
        if self.command == "install":
            assert self.node("b").status()["conflicts"]["open"] == 1


Snapshots.commands = {
    "snapshot": Snapshots.snapshot,
    "prune": Snapshots.prune,
    "install": Snapshots.install,
    "install-first": Snapshots.install,
}
