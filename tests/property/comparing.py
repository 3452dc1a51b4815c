"""Whether the product's node shows what the model's says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from satchel.model.version import Version
from satchel.stores.registry import open_store
from tests.model import reference
from tests.property.application import COLUMNS, TABLES, Row, key_of, name_of
from tests.property.member import Member


def agree(what: str, product: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """Names what differs."""
    differing = [name for name in {**product, **model} if product.get(name, "-") != model.get(name, "-")]
    told = [f"{name}: {product.get(name, '-')}, model {model.get(name, '-')}" for name in differing]
    assert not differing, f"{what}: {'; '.join(told)}"


def _face(version: Version) -> Any:
    cells = {name: (cell.value, cell.stamp, *cell.dot) for name, cell in version.cells.items() if name in COLUMNS}
    saw = {origin: mark.seq for origin, mark in version.saw.items()}
    return {"deleted": version.deleted, "stamp": version.stamp, "saw": saw} | cells


def _expected(version: reference.Version) -> Any:
    cells = {name: (version.values[name], birth[0], *birth[2:]) for name, birth in version.births.items()}
    return {"deleted": version.deleted, "stamp": version.birth[0], "saw": version.saw} | cells


def _typed(rows: Mapping[str, Row]) -> dict[str, dict[str, tuple[type, Any]]]:
    return {name: {c: (type(v), v) for c, v in row.items()} for name, row in rows.items()}


def compare(member: Member) -> None:
    """The product shows what the model says."""
    if member.joining:
        agree("rows", member.application.rows(), member.joining.shown())
        assert member.node.status()["vector"] == {}
        return
    model = member.model
    status = member.node.status()
    agree("vector", status["vector"], model.vector)
    assert status["quarantined"] == []
    agree("rows", _typed(member.application.rows()), _typed(model.view()))
    found = [entry for entry in member.node.conflicts() if entry["closed"] is None]
    named = {name_of((entry["table"], tuple(entry["key"]))): entry for entry in found}
    assert len(named) == len(found) == status["conflicts"]["open"]
    keys = {name for columns in TABLES.values() for name in columns}
    agree("conflicts", {name: set(e["columns"]) - keys for name, e in named.items()}, model.conflicts())
    for name, entry in named.items():
        assert {(v["origin"], v["seq"]) for v in entry["versions"]} == model.dots()[name]
    _compare_versions(member)


def _compare_versions(member: Member) -> None:
    store = open_store(str(member.application.path), read_only=True)
    try:
        for name, siblings in member.model.rows.items():
            if name in member.model.pending:
                continue  # the table shows the edit already
            table, key = key_of(name)
            standing = {tuple(v.dot): v for v in store.standing(table, key)}
            assert standing.keys() == {version.dot for version in siblings}, name
            for version in siblings:
                agree(f"{version.dot} of {name}", _face(standing[version.dot]), _expected(version))
    finally:
        store.close()
