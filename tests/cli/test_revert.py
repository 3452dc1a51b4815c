"""`satchel revert` at a terminal and in a pipe: what it will do is shown before it is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from satchel.cli import main, revert
from tests.sync.places import office, templates
from tests.sync.sites import Place

__all__ = ["office", "templates"]
ROWS = "SELECT * FROM customers ORDER BY id"
WRONG = [("c1", "Ada", "Kiel"), ("c2", "Bob", "Kiel"), ("c3", "\x1b[31mCy", None)]
RIGHT = [("c1", "Ada", "Ulm"), ("c2", "Bob", "Bonn")]


@pytest.fixture
def mistake(office: Place, tmp_path: Path) -> str:
    office.sql("UPDATE customers SET town = 'Kiel'", "INSERT INTO customers VALUES ('c3', char(27) || '[31mCy', NULL)")
    (packet,) = office.export(tmp_path / "out").sealed
    return packet


def typed(place: Place, *words: str, answer: str = "") -> Result:
    return CliRunner().invoke(main, ["--home", str(place.home), "revert", *words], input=answer)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revert, "_at_terminal", lambda session: True)


def test_at_a_terminal_it_asks_first_and_a_no_changes_nothing(office: Place, mistake: str, terminal: None) -> None:
    result = typed(office, mistake, answer="n\n")
    assert f"This would undo {mistake}: 2 rows changed back, 1 row deleted." in result.stdout
    assert "town: 'Kiel' -> 'Ulm'" in result.stdout
    assert "Do it?" in result.stderr
    assert result.exit_code != 0
    assert office.rows(ROWS) == WRONG


def test_after_a_yes_it_is_done(office: Place, mistake: str, terminal: None) -> None:
    result = typed(office, mistake, answer="y\n")
    assert result.exit_code == 0
    assert f"Undid {mistake}: 2 rows changed back, 1 row deleted; sealed as office/3." in result.stdout
    assert office.rows(ROWS) == RIGHT


@pytest.mark.parametrize("word", ["--yes", "--json", "--dry-run"])
def test_with_a_word_that_says_it_nothing_is_asked(office: Place, mistake: str, terminal: None, word: str) -> None:
    result = typed(office, mistake, word)
    assert result.exit_code == 0
    assert "Do it?" not in result.output
    assert office.rows(ROWS) == (WRONG if word == "--dry-run" else RIGHT)
    if word == "--json":
        assert json.loads(result.stdout)["counts"] == {"update": 2, "insert": 0, "delete": 1, "same": 0, "left": 0}


def test_nothing_to_undo_is_no_question(office: Place, mistake: str, terminal: None) -> None:
    typed(office, mistake, "--yes")
    result = typed(office, mistake)
    assert result.stdout == "Nothing to undo: the rows are so already.\n"
    assert result.exit_code == 0


def test_no_value_moves_the_cursor(office: Place, mistake: str) -> None:
    result = typed(office, mistake, "--dry-run")
    assert "\x1b" not in result.output
    assert "\\x1b[31mCy" in result.output


def test_what_is_left_is_exit_code_3(office: Place, mistake: str) -> None:
    office.sql("UPDATE customers SET town = 'Bern' WHERE id = 'c1'")
    result = typed(office, mistake)
    assert result.exit_code == 3
    assert "c1\ttown\tchanged since by office/3" in result.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["rubbish"], 2, "'rubbish' is no packet"),
        (["office/1"], 2, "holds the rows that were there"),
        (["customers", "c1"], 2, "which version of the row?"),
        (["customers", "c1", "--to", "branch/9"], 2, "customers c1 has no version branch/9"),
    ],
)
def test_wrong_words_are_told_in_two_lines(office: Place, words: list[str], code: int, says: str) -> None:
    result = typed(office, *words)
    assert result.exit_code == code
    problem, hint = result.stderr.splitlines()
    assert says in problem and hint.startswith("  hint: ")
