"""Kills a command at each of its steps, restarts it plainly, and looks whether every promise holds (PROTOCOL, 5).

Run as a program: `python -m tests.kills.sweep FOLDER COMMAND FIRST STEP`; prints one JSON document.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import satchel.api.node
import satchel.api.places
import satchel.audit.verification
import satchel.packet.reader
import satchel.packet.writer
import satchel.stores.sqlite.apply
import satchel.stores.sqlite.delta
import satchel.stores.sqlite.joining  # noqa: F401 - loaded before the fork, not in each
from tests.kills.leaving import Leaving
from tests.kills.migrations import Migrations
from tests.kills.restored import Restored
from tests.kills.shop import Shop
from tests.kills.snapshots import Snapshots
from tests.kills.steps import KILLED, Steps, forked
from tests.kills.world import Parts, World

WORLDS: dict[str, type[World]] = {
    name: kind for kind in (Parts, Shop, Migrations, Restored, Snapshots, Leaving) for name in kind.commands
}


def expected(root: Path, command: str) -> object:
    """What both hold in the end if nobody is killed."""
    world = WORLDS[command](root, command)
    world.prepare()
    world.run()
    world.write_after()
    world.settle()
    world.check()
    return world.outcome()


def recovered(world: World, wanted: object) -> None:
    """After a kill: the application goes on, somebody restarts the command, everybody meets."""
    before = world.before()
    world.write_after()
    world.again()
    world.settle()
    world.check()
    found = json.loads(json.dumps(world.outcome()))
    assert found == wanted, (found, wanted)
    world.compare(before)


def sweep(folder: Path, command: str, first: int, stride: int) -> dict[str, Any]:
    """Kills at steps first, first + stride ..., each in a fresh copy of the world."""
    told = folder / "expected.json"
    end = forked(Steps(), lambda: told.write_text(json.dumps(expected(folder / "e", command))))
    assert end.code == 0, end.said
    wanted = json.loads(told.read_text())
    shutil.rmtree(folder / "e")
    end = forked(Steps(), lambda: WORLDS[command](folder / "original", command).prepare())
    assert end.code == 0, end.said
    step, killed, broken = first, 0, []
    while True:
        root = folder / f"w{step}"
        shutil.copytree(folder / "original", root)
        world = WORLDS[command](root, command)
        end = forked(Steps(step), world.run)
        if end.code != KILLED:  # it came to its end, or stumbled over something that the kill is not to blame for
            assert end.code == 0, end.said
            return {"command": command, "steps": int(end.said), "killed": killed, "broken": broken}
        killed += 1
        end = forked(Steps(), lambda world=world: recovered(world, wanted))  # type: ignore[misc]
        if end.code != 0:
            broken.append([step, end.said])
        else:
            shutil.rmtree(root)
        step += stride


if __name__ == "__main__":
    print(json.dumps(sweep(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
