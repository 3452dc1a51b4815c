"""docs/architecture.md names the rooms that are there, in the order that the linter holds, and files that exist."""

from __future__ import annotations

import re
import tomllib

from tests.docs.pages import TOP

PAGE = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
SOURCE = TOP / "src" / "satchel"


def rooms_of_the_linter() -> list[str]:
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [room.strip() for layer in layers for room in layer.split("|")]


def test_the_rooms_of_the_page_are_those_of_the_linter_and_of_the_source() -> None:
    rooms = re.findall(r"^\| ((?:`\w+`(?: / )?)+) \|", PAGE, flags=re.MULTILINE)
    named = [name for cell in rooms for name in re.findall(r"`(\w+)`", cell)]
    assert named == rooms_of_the_linter()
    there = {path.stem for path in SOURCE.iterdir() if not path.name.startswith("_") and path.suffix in ("", ".py")}
    assert set(named) == there


def test_every_file_that_the_page_names_is_there() -> None:
    names = set(re.findall(r"`([\w/]+\.py)`", PAGE))
    assert len(names) > 20
    places = [TOP, SOURCE, SOURCE / "stores" / "sqlite", SOURCE / "replication"]
    assert [name for name in sorted(names) if not any((place / name).is_file() for place in places)] == []
