"""The line that tells somebody at a terminal how far long work is."""

from __future__ import annotations

import io
import time

import pytest

from satchel.cli import progress
from satchel.cli.progress import Line
from satchel.model.progress import listening, stage


def test_the_line_says_what_is_done_how_fast_and_how_long_it_takes() -> None:
    line = Line(io.StringIO(), "exporting")
    began = time.monotonic()
    assert line.text(began + 3) == "exporting ... 3 s"
    with listening(line), stage("sealing", "rows", 1_000_000) as under_way:
        assert line.text(began) == "sealing 0 of 1,000,000 rows"
        under_way.advance(100_000)
        assert line.text(began + 1) == "sealing 100,000 of 1,000,000 rows"
        assert line.text(began + 10) == "sealing 100,000 of 1,000,000 rows, 10,000 a second, 90 s left"
        under_way.advance(900_000)
        assert line.text(began + 20) == "sealing 1,000,000 of 1,000,000 rows, 50,000 a second"
    with listening(line), stage("verifying", "packets") as under_way:
        line.text(began + 20)
        under_way.advance(2)
        assert line.text(began + 30) == "verifying 2 packets, 5.0 s each"


def test_what_is_done_at_once_is_not_told_of() -> None:
    terminal = io.StringIO()
    with Line(terminal, "exporting"):
        pass
    assert terminal.getvalue() == ""


def test_the_line_is_drawn_after_a_while_and_wiped_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.01)
    monkeypatch.setenv("COLUMNS", "30")
    terminal = io.StringIO()
    with Line(terminal, "exporting everything that there is"):
        until = time.monotonic() + 5
        while not terminal.getvalue() and time.monotonic() < until:
            time.sleep(0.01)
    drawn = terminal.getvalue()
    assert drawn.startswith("\rexporting everything that the\x1b[K")
    assert drawn.endswith("\r\x1b[K")
