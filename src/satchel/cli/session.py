"""What holds for one invocation: which home, which form of output, how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.cli.output import JsonOutput, Output, Streams, TextOutput
from satchel.cli.page import Answer
from satchel.errors import NoHome
from satchel.files import wall

if TYPE_CHECKING:
    from satchel.api.node import Node

SETTINGS = "satchel.toml"  # the file that makes a folder a home
ARCHIVE = "packets"  # a home's own packets and all that it applied
LAKE = "lake"  # what is derived of them, for questions to many


@dataclass(slots=True)
class Session:
    """One invocation of the command line. `home_option` is --home or $SATCHEL_HOME."""

    home_option: Path | None = None
    json: bool = False
    verbose: bool = False
    quiet: bool = False
    streams: Streams = field(init=False)

    def __post_init__(self) -> None:
        self.streams = Streams(quiet=self.quiet)

    @property
    def output(self) -> Output:
        """Text or JSON: `--json` may still come after the command."""
        return JsonOutput(self.streams) if self.json else TextOutput(self.streams)

    def home(self) -> Path:
        """The home that this invocation is about. NoHome if there is none."""
        if self.home_option is not None:
            return self.home_option
        with wall(Path()):  # the folder may have gone with the stick it was on
            here = Path.cwd()
            for folder in (here, *here.parents):
                if (folder / SETTINGS).is_file():
                    return folder
        raise NoHome(
            f"no home here: neither this folder nor one above it has a {SETTINGS}",
            "go into a home, name one with --home DIR, or make one with `satchel init` or `satchel join`",
        )

    def archive(self) -> Path:
        """The archive of the home."""
        home = self.home()
        with wall(home):
            there = (home / SETTINGS).is_file()
        if not there:
            raise NoHome(f"{home} is no home: it has no {SETTINGS}", "name a home with --home DIR")
        return home / ARCHIVE

    @contextmanager
    def node(self) -> Iterator[Node]:
        """The node of this home, open."""
        import satchel

        home = self.home()
        with satchel.open(home) as node:
            yield node

    @contextmanager
    def busy(self, doing: str) -> Iterator[None]:
        """Says what takes time, while it takes it, to somebody who sits at a terminal."""
        if self.quiet or self.json or not self.streams.err.isatty():
            yield
            return
        from satchel.cli.progress import Line
        from satchel.model.progress import listening

        with Line(self.streams.err, doing) as line, listening(line):
            yield

    def show(self, answer: Answer) -> None:
        """Prints what a command returned; its warnings go to stderr."""
        for warning in answer.data.get("warnings") or ():
            self.streams.warning(str(warning))
        self.output.answer(answer)
