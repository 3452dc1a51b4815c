"""docs/reference/commands.md tells of every command and every option, and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from satchel.cli import main
from satchel.cli.program import COMMANDS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
EVERYWHERE = {"--json"}  # said once, at the top
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def sections() -> dict[str, str]:
    """The text below each `## command`; what stands above the first under ``."""
    head, *rest = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {"": head} | {text.partition("\n")[0].strip(): text for text in rest}


def options_of(name: str) -> set[str]:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    below = command.commands.values() if isinstance(command, click.Group) else ()
    params = [parameter for found in (command, *below) for parameter in found.params]
    return {word for p in params if isinstance(p, click.Option) for word in p.opts if word.startswith("--")}


def test_every_registered_command_has_a_section_and_no_other_has() -> None:
    assert [title for title in sections() if title] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_the_options_of_its_command_and_shows_an_example(name: str) -> None:
    text = sections()[name]
    rows = {
        word for line in text.splitlines() if line.startswith("| `--") for word in OPTION.findall(line.split("|")[1])
    }
    assert rows == options_of(name) - EVERYWHERE
    assert re.search(rf"^\$ satchel (--home \S+ )?{name}\b", text, flags=re.MULTILINE)


def test_the_options_before_the_command_are_at_the_top() -> None:
    head = sections()[""]
    for parameter in main.params:
        for word in parameter.opts:
            assert f"`{word}" in head, word


def test_every_exit_code_is_in_the_table() -> None:
    from satchel.errors import SatchelError

    def codes(kind: type[SatchelError]) -> set[int]:
        return {kind.exit_code}.union(*(codes(child) for child in kind.__subclasses__()))

    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", sections()[""], flags=re.MULTILINE)}
    assert codes(SatchelError) | {0, 2, 3, 130, 141} == listed
