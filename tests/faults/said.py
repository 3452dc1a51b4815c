"""The command line in this process, and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from satchel.cli import main
from tests.sync.sites import Place


@dataclass(frozen=True)
class Said:
    """How a command ended: exit code, the line that says what is wrong, the one that says what to do, warnings."""

    code: int
    message: str
    hint: str
    warnings: list[str]


def said(place: Place, *words: str | Path) -> Said:
    """Runs a command in a site's home. AssertionError if what it said is no error as it should be."""
    ended = CliRunner().invoke(main, ["--home", str(place.home), *map(str, words)])
    lines = ended.stderr.splitlines()
    warnings = [line.removeprefix("satchel: warning: ") for line in lines if line.startswith("satchel: warning: ")]
    rest = [line for line in lines if not line.startswith("satchel: warning: ")]
    if ended.exit_code in (0, 3):
        assert not rest, ended.output
        return Said(ended.exit_code, "", "", warnings)
    message, hint = rest
    assert message.startswith("satchel: ") and hint.startswith("  hint: "), ended.output
    assert "internal error" not in message, message
    return Said(ended.exit_code, message.removeprefix("satchel: "), hint.removeprefix("  hint: "), warnings)
