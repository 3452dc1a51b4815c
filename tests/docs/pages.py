"""Examples in the pages of README and docs: what is fenced, in order, and a small shell to run it in this process."""

from __future__ import annotations

import doctest
import io
import os
import re
import shlex
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from satchel.cli import main

TOP = Path(__file__).parents[2]
# What a fence may be called. Only the first two are run; the others show files and are no examples to type.
RUN = ("console", "python")
SHOWN = ("toml", "jsonc", "sql", "text")
_BLOCK = re.compile(r"^```(?P<kind>\S*)\n(?P<text>.*?)^```$|^<!-- setup\n(?P<setup>.*?)^-->$", re.MULTILINE | re.DOTALL)
# What differs from run to run stands on a page as it once was.
_VOLATILE = (
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?( UTC|Z)?"), "<time>"),
    (re.compile(r"\b[\d,]+ bytes\b"), "<n> bytes"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<key>"),
    (re.compile(r"\b(\d{10})-[0-9a-f]{8}\b"), r"\1-<suffix>"),
)
_ID = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{10}\b")


@dataclass(frozen=True, slots=True)
class Example:
    """A fenced block, or the hidden comment that prepares the page's folder (kind `setup`, Python)."""

    kind: str
    text: str
    line: int


def pages() -> list[Path]:
    """README and everything in docs."""
    return [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


def examples(page: Path) -> list[Example]:
    """In the page's order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 2
        kind = "setup" if match["setup"] is not None else match["kind"]
        found.append(Example(kind, match["setup"] if kind == "setup" else match["text"], line))
    return found


@dataclass
class Reader:
    """Somebody who types what a page shows, and compares what comes with what the page says."""

    names: dict[str, Any] = field(default_factory=dict)  # of Python, kept through the page
    env: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)  # of conflicts: as on the page -> as they are here

    def follow(self, example: Example) -> None:
        """Runs one block. AssertionError: it is not as the page says."""
        if example.kind == "console":
            for command, shown in _typed(example.text):
                self._type(command, shown)
        elif example.kind == "python" and ">>>" in example.text:
            self._converse(example)
        elif example.kind in ("python", "setup"):
            exec(compile(example.text, f"line {example.line}", "exec"), self.names)

    def _converse(self, example: Example) -> None:
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        test = doctest.DocTestParser().get_doctest(example.text, self.names, "page", "page", example.line)
        told = io.StringIO()
        outcome = doctest.DocTestRunner(optionflags=flags).run(test, out=told.write, clear_globs=False)
        self.names.update(test.globs)
        assert not outcome.failed, told.getvalue()

    def _type(self, command: str, shown: str) -> None:
        for there, here in self.ids.items():
            command = command.replace(there, here)
        told, code = run_line(command, self.env)
        if not command.endswith("; echo $?"):
            assert code == 0, f"$ {command}\n{told}"
        if shown.strip():
            self.ids |= dict(zip(_ID.findall(shown), _ID.findall(told), strict=False))
            assert _pattern(shown).fullmatch(_still(told)), f"$ {command}\n{told}\nand not, as the page says,\n{shown}"


def run_line(line: str, env: dict[str, str]) -> tuple[str, int]:
    """Output (stdout and stderr as they come) and exit code of a line with one command, `; echo $?` allowed."""
    line, echo, _ = line.partition("; echo $?")
    name, *words = shlex.split(line)
    if name == "satchel":
        result = CliRunner().invoke(main, words, env=env)
        told, code = result.output, result.exit_code
    elif name == "export":
        told, code = "", 0
        env |= dict(word.split("=", 1) for word in words)
    else:
        out = io.StringIO()
        with redirect_stdout(out):
            COMMANDS[name](words)
        told, code = out.getvalue(), 0
    return (f"{told.rstrip()}\n{code}\n" if echo else told), code


def _typed(text: str) -> Iterator[tuple[str, str]]:
    """(command, output as shown) of a console block; a backslash at the end of a line continues it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a console block begins with a command: {parts[0]}"
    for part in parts[1:]:
        command, _, shown = part.replace("\\\n", " ").partition("\n")
        yield command.strip(), shown


def _still(text: str) -> str:
    """Without what differs from run to run, and without alignment."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    text = _ID.sub("<id>", text)
    return "\n".join(line for line in (" ".join(line.split()) for line in text.splitlines()) if line)


def _pattern(shown: str) -> re.Pattern[str]:
    return re.compile(re.escape(_still(shown)).replace(r"\.\.\.", ".*?"), re.DOTALL)


def _sqlite3(words: list[str]) -> None:
    path, script = words
    time.sleep(0.003)  # whoever types is slower than the clock: edits of one millisecond would be ordered by node
    with closing(sqlite3.connect(path)) as db, db:
        rows = [row for text in filter(str.strip, script.split(";")) for row in db.execute(text)]
    for row in rows:
        print("|".join("" if value is None else str(value) for value in row))


def _cp(words: list[str]) -> None:
    *sources, target = [word for word in words if not word.startswith("-")]
    for source in map(Path, sources):
        into = Path(target) / source.name if Path(target).is_dir() else Path(target)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, into)


def _ls(words: list[str]) -> None:
    for word in words or ["."]:
        print("\n".join(sorted(os.listdir(word))))


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "cp": _cp,
    "ls": _ls,
    "mkdir": lambda words: [Path(word).mkdir(parents=True) for word in words if word != "-p"] and None,
    "sqlite3": _sqlite3,
}
