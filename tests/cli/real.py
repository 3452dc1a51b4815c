"""The real thing from the command line: what is refused is told in two lines and changes nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from click.testing import CliRunner, Result

from satchel.cli import main
from tests.sync.sites import Place

BAD_NAMES = ["Office", "my office", "", "-a", "a" * 32, "a/b", "..", "b\u00fcro", "a\nb", "a~1"]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], env={"SATCHEL_HOME": ""})


def must_say(result: Result, code: int, *says: str) -> None:
    """Two lines on stderr, what is wrong and what to do; the exit code of INTERFACE."""
    assert "Traceback" not in result.output
    assert "internal error" not in result.output
    assert result.exit_code == code, result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 2, result.stderr
    assert lines[0].startswith("satchel: "), result.stderr
    assert lines[1].startswith("  hint: "), result.stderr
    assert len(lines[1]) > len("  hint: "), result.stderr
    for words in says:
        assert words in lines[0], result.stderr


def must_be_refused(place: Place, code: int, says: str, *words: object) -> None:
    """A command at a site that is refused and changes nothing, in text and as JSON."""
    before = place.state()
    must_say(run("--home", place.home, *words), code, says)
    result = run("--home", place.home, *words, "--json")
    assert result.exit_code == code
    assert json.loads(result.stdout)["exit_code"] == code
    assert place.state() == before


@contextmanager
def exclusively(db: Path) -> Iterator[None]:
    """Another program holds the database."""
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def impatient(place: Place) -> None:
    toml = place.home / "satchel.toml"
    toml.write_text(toml.read_text().replace("lock_timeout = 10", "lock_timeout = 0.05"))
