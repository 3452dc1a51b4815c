"""Every command explains itself; help is fast because it loads nothing heavy."""

from __future__ import annotations

import shlex
import subprocess
import sys

import click
import pytest

from satchel.cli import main
from satchel.cli.program import COMMANDS
from tests.cli.fake import run

HEAVY = {"duckdb", "pyarrow", "pydantic", "rich", "cryptography", "sqlite3", "watchdog"}
WRITING = {
    "init",
    "invite",
    "join",
    "rejoin",
    "export",
    "import",
    "sync",
    "resolve",
    "report",
    "revert",
    "snapshot",
    "prune",
    "detach",
    "demo",
    "relay",
    "compare",
    "lake",
}


@pytest.fixture(autouse=True)
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SATCHEL_HOME", raising=False)


def found(name: str) -> click.Command:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    return command


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["resolve", "--help"], ["nonsense"]])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    script = f"import sys\nfrom satchel.cli import main\ntry:\n main({words!r})\nfinally:\n print('|', *sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout
    text, _, loaded = told.rpartition("|")
    assert loaded.split()
    assert HEAVY & set(loaded.split()) == set()
    assert ("Usage: satchel" in text.replace("-c", "satchel") or "satchel " in text) == (words != ["nonsense"])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_one_line_and_examples_that_parse(name: str) -> None:
    command = found(name)
    result = run(name, "--help")
    assert result.exit_code == 0
    shown = result.stdout[result.stdout.index("Examples:") :].splitlines()[1:]
    assert shown
    for line in shown:
        words = shlex.split(line)
        assert words[0] == "satchel"
        rest = words[words.index(name) + 1 :]
        command.make_context(name, rest, obj=None)  # click.UsageError if the example is wrong


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_shows_each_line_whole(name: str) -> None:
    (line,) = (line for line in run("--help").stdout.splitlines() if line.split()[:1] == [name])
    assert line.endswith(".")
    assert "..." not in line


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    assert COMMANDS[name] == found(name).get_short_help_str(200)


def test_the_list_of_commands_loads_none_of_them() -> None:
    script = "import sys\nfrom satchel.cli import main\ntry:\n main(['--help'])\nfinally:\n print('|', *sys.modules)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout
    loaded = {module for module in told.rpartition("|")[2].split() if module.startswith("satchel")}
    assert loaded == {"satchel", "satchel.cli", "satchel.cli.program"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_those_that_write_have_dry_run(name: str) -> None:
    options = {option for parameter in found(name).params for option in parameter.opts}
    assert "--json" in options
    assert ("--dry-run" in options) == (name in WRITING)


def test_every_option_says_what_it_does() -> None:
    for name in COMMANDS:
        for parameter in found(name).params:
            if isinstance(parameter, click.Option):
                assert parameter.help, (name, parameter.name)


def test_the_version_is_a_name_and_a_number() -> None:
    name, number = run("--version").stdout.split()
    assert name == "satchel"
    assert number[0].isdigit()
