"""The specification's toy schema as the product's tables, and its rows as candidates."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from satchel.model.admission import Candidate, Outcome, RowId
from satchel.model.ids import Dot
from satchel.model.schema import Column, ForeignKey, Table
from satchel.model.version import Cell, Resolved
from tests.replication.bridge import to_vector

SPEC = Path(__file__).parents[2].parent / "shared" / "spec" / "model.py"
POLICIES = ["latest", "merge", "priority"]


def load_spec() -> ModuleType | None:
    """The specification's model, if it is beside this repository."""
    if not SPEC.is_file():
        return None
    loader = importlib.util.spec_from_file_location("satchel_spec_constraints", SPEC)
    assert loader and loader.loader
    module = importlib.util.module_from_spec(loader)
    sys.modules[loader.name] = module
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


def tables_of(spec: ModuleType) -> dict[str, Table]:
    columns = [Column("key", "string", "TEXT", "text")]
    columns += [Column(name, "string", "", "blob") for name in spec.COLUMNS]
    return {
        name: Table(
            name,
            tuple(columns),
            ("key",),
            "local" if toy.local else "global",
            toy.unique,
            (ForeignKey(("ref",), toy.parent, ("key",), toy.on_delete.upper()),) if toy.parent else (),
        )
        for name, toy in spec.SCHEMA.items()
    }


def to_id(key: str) -> RowId:
    return key.split("/", maxsplit=1)[0], (key,)


def to_candidate(key: str, resolved: Any) -> Candidate:
    cells = {c: Cell(cell.value, Dot(*cell.dot), cell.stamp[0]) for c, cell in resolved.cells.items()}
    return Candidate(to_id(key), Resolved(resolved.deleted, cells), [to_vector(saw) for saw in resolved.saw])


def to_candidates(resolved: Mapping[str, Any]) -> dict[str, Candidate]:
    return {key: to_candidate(key, outcome) for key, outcome in resolved.items()}


def shown_by(outcomes: Mapping[RowId, Outcome]) -> dict[str, dict[str, Any]]:
    return {
        i[1][0]: {c: v for c, v in outcome.row.items() if c != "key"}  # type: ignore[misc]
        for i, outcome in outcomes.items()
        if outcome.row is not None
    }


def policy_of(spec: ModuleType, name: str) -> Any:
    return spec.priority(["n1", "n0"]) if name == "priority" else getattr(spec, name)


def random_edits(spec: ModuleType, seed: int, policy: str) -> Iterable[Any]:
    """A history of the specification's kind, every table in it; yields nodes when something happened to them."""
    world = spec.World(seed, policy_of(spec, policy), 2 + seed % 3)
    rng, net = world.rng, world.net
    names = rng.choice([list(spec.SCHEMA), ["customer", "quote", "line", "memo"], ["part"], ["dept", "staff"]])
    if seed % 4 == 0:
        net[0].columns = tuple(c for c in spec.COLUMNS if c != "d")
    skew = [rng.choice([0, 0, -500, 5000, 10**9]) for _ in net]
    for step in range(25 + seed % 60):
        i = rng.randrange(len(net))
        act = rng.random()
        if act < 0.55:
            world.edit(net[i], max(step * 10 + skew[i], 1), names)
        elif act < 0.75:
            world.drop(net[i])
        else:
            net[i].receive(world.some())
            yield net[i]
    world.settle(net)
    yield net[0]


def crowd(spec: ModuleType, rng: Any) -> dict[str, Any]:
    """Rows as no history needs to make them: few values, many parents gone, authors that saw anything."""
    names = rng.choice([list(spec.SCHEMA), ["customer", "quote", "line", "memo"], ["part"], ["dept", "staff"]])
    keys = [f"{name}/{i}" for name in names for i in range(rng.randrange(1, 9))]
    origins = ["n0", "n1", "n1~00000001", "n2"]

    def vector() -> dict[str, int]:
        return {origin: rng.randrange(6) for origin in origins if rng.random() < 0.7}

    def cell(value: Any) -> Any:
        if rng.random() < 0.05:
            return spec.NEVER_WRITTEN
        origin = rng.choice(origins)
        return spec.Cell(value, (origin, rng.randrange(1, 6)), (rng.randrange(5), origin.split("~")[0]))

    resolved = {}
    for key in keys:
        parent = spec.SCHEMA[spec.table(key)].parent
        parents = [k for k in keys if spec.table(k) == parent] + [None]
        cells = {"a": cell(rng.randrange(2)), "number": cell(rng.choice([None, 0, 1, 2, 3]))}
        if rng.random() < 0.5:
            cells["code"] = cell(rng.choice([None, 0, 1, 2]))
        if parent and rng.random() < 0.9:
            cells["ref"] = cell(rng.choice(parents))
        resolved[key] = spec.Resolved(rng.random() < 0.25, cells, [vector() for _ in range(rng.randrange(1, 3))])
    return resolved
