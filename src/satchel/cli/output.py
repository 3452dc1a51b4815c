"""Where all text leaves: a page on a terminal or in a pipe, or one JSON document. Commands never print themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any, Protocol, TextIO

from satchel.cli.cell import cell, visible
from satchel.cli.document import document
from satchel.cli.page import Answer, Note, Table
from satchel.errors import SatchelError


class Output(Protocol):
    """One form of output."""

    def answer(self, answer: Answer) -> None:
        """Prints what a command returned."""

    def say(self, line: str) -> None:
        """One line of a story that is told as it happens."""

    def failure(self, message: str, hint: str, exit_code: int) -> None:
        """What a program learns of an error; the lines for people are printed by failure.py."""


class Streams:
    """stdout for data, stderr for everything else, both as they are now (a test replaces them)."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.out, self.err = sys.stdout, sys.stderr
        self.quiet = quiet

    def data(self, text: str) -> None:
        """Text on stdout, flushed, so that a closed pipe or a full disk is noticed here and not at the exit."""
        try:
            _write(self.out, text)
        except BrokenPipeError:
            raise
        except OSError as problem:
            reason = problem.strerror or str(problem)
            raise SatchelError(f"the output cannot be written: {reason}", "look where stdout leads") from problem

    def warning(self, text: str) -> None:
        """A warning on stderr, unless quiet."""
        if not self.quiet:
            _write(self.err, f"satchel: warning: {visible(text)}\n")

    def note(self, text: str) -> None:
        """A remark on stderr, unless quiet."""
        if not self.quiet:
            _write(self.err, f"{visible(text)}\n")

    def error(self, text: str) -> None:
        """A line on stderr, always."""
        _write(self.err, f"{text}\n")


def _write(stream: TextIO, text: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


class JsonOutput:
    """One document on stdout and nothing else there."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def answer(self, answer: Answer) -> None:
        """The document; indented for a reader at a terminal."""
        self._print(answer.data)

    def say(self, line: str) -> None:
        """A story is no data."""
        for part in line.splitlines() or [""]:
            self.streams.note(part)

    def failure(self, message: str, hint: str, exit_code: int) -> None:
        """The error as a document."""
        self._print({"error": message, "hint": hint, "exit_code": exit_code})

    def _print(self, data: Any) -> None:
        self.streams.data(document(data, indent=2 if self.streams.out.isatty() else None) + "\n")


class TextOutput:
    """Lines and tables: drawn on a terminal, tab-separated in a pipe."""

    def __init__(self, streams: Streams) -> None:
        self.streams = streams

    def answer(self, answer: Answer) -> None:
        """The page, block by block."""
        for place, block in enumerate(answer.page(answer.data)):
            if isinstance(block, Note):
                self.streams.note(block.text)
            else:
                lines = _lines(block, self.streams.out if self.streams.out.isatty() else None)
                if place and isinstance(block, Table) and block.title:
                    self.streams.data("\n")
                self.streams.data("".join(f"{line}\n" for line in lines))

    def say(self, line: str) -> None:
        """The line, as data."""
        for part in line.splitlines() or [""]:
            self.streams.data(visible(part) + "\n")

    def failure(self, message: str, hint: str, exit_code: int) -> None:
        """The lines on stderr say it."""


def _lines(block: str | Table, terminal: TextIO | None) -> Iterable[str]:
    if isinstance(block, str):
        return [visible(block)]
    title = [f"{block.title}:"] if block.title else []
    return [*title, *(_drawn(block, terminal) if terminal else _separated(block))]


def _separated(table: Table) -> Iterable[str]:
    if table.header:
        yield "\t".join(map(visible, table.columns))
    for row in table.rows:
        yield "\t".join(map(cell, row))


def _drawn(table: Table, terminal: TextIO) -> Iterable[str]:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawing
    from rich.text import Text

    drawing = Drawing(box=box.SIMPLE_HEAD if table.header else None, show_header=table.header, pad_edge=False)
    drawing.show_edge = False
    indent = [] if table.header else [Text("  ")]
    for name in [*indent, *(Text(visible(name)) for name in table.columns)]:
        drawing.add_column(name, overflow="fold")
    for row in table.rows:
        drawing.add_row(*indent, *(Text(cell(value)) for value in row))
    console = Console(file=terminal)
    with console.capture() as captured:
        console.print(drawing)
    return [line.rstrip() for line in captured.get().strip("\n").splitlines()]
