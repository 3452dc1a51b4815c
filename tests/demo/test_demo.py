"""`satchel demo` plays, twice, and touches nothing that is not its own. What it claims it verifies itself."""

from __future__ import annotations

import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import satchel
from satchel.cli import main
from satchel.demo import ending, run
from satchel.demo.stage import MARKER, Stage
from satchel.errors import SatchelError


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], dict[str, object]]:
    """A demo after another one in the same folder, with things of somebody else in it."""
    top = tmp_path_factory.mktemp("checkout")
    (top / "inbox").mkdir()
    (top / "inbox" / "README.md").write_text("put packets here")
    (top / "notes.txt").write_text("mine")
    run(top, lambda line: None)
    lines: list[str] = []
    told = run(top, lines.append)
    return top, lines, told


def test_it_tells_its_story_twice_and_finds_all_its_claims_true(
    twice: tuple[Path, list[str], dict[str, object]],
) -> None:
    top, lines, told = twice
    story = "\n".join(lines)
    assert told["tables"] == 6 and isinstance(told["rows"], int) and told["rows"] > 3000
    assert "What an earlier demo left there was removed." in story
    assert "clinic/2 waits for clinic/1" in story
    assert story.count("All is well") == 1
    assert told["packets"] == len(list((top / "packets").glob("stride/*/*/manifest.json"))) == 6


def test_it_leaves_everything_behind_to_look_into(twice: tuple[Path, list[str], dict[str, object]]) -> None:
    top, _, _ = twice
    for site in ("office", "branch", "clinic"):
        with closing(sqlite3.connect(top / "demo" / f"{site}.db")) as db:
            assert db.execute("SELECT discount FROM customers WHERE id = 'C-0123'").fetchall() == [(9.0,)]
    with satchel.open(top) as office:
        assert office.conflicts() == []
        assert [c["closed_by"]["how"] for c in office.conflicts(closed=True)] == ["resolved"]
    assert satchel.verify(top / "demo" / "share", top / "demo" / "stick")["problems"] == []


def test_it_removes_only_what_a_demo_made(twice: tuple[Path, list[str], dict[str, object]]) -> None:
    top, _, _ = twice
    assert (top / "notes.txt").read_text() == "mine"
    assert (top / "inbox" / "README.md").read_text() == "put packets here"


@pytest.mark.parametrize("name", ["inbox/from-a-friend", "packets/acme", "outbox/letter.txt"])
def test_what_somebody_put_into_the_folders_is_neither_removed_nor_in_the_story(tmp_path: Path, name: str) -> None:
    Stage(tmp_path).set_up()
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(SatchelError, match="no demo made it"):
        run(tmp_path, print)
    assert (tmp_path / name).is_dir() and (tmp_path / "demo" / MARKER).is_file()


def test_every_command_that_it_shows_is_one_that_can_be_typed(
    twice: tuple[Path, list[str], dict[str, object]],
) -> None:
    _, lines, _ = twice
    typed = [line.strip()[2:] for line in lines if line.strip().startswith("$ ")]
    assert len(typed) > 30
    for text in typed:
        name, *words = shlex.split(text)
        assert name == "satchel"
        with main.make_context("satchel", words) as context:
            command, _, rest = main.resolve_command(context, [*context._protected_args, *context.args])
            assert isinstance(main.get_command(context, str(command)), click.Command)
            main.get_command(context, str(command)).make_context(str(command), list(rest), parent=context)  # type: ignore[union-attr]


def test_the_looks_that_it_recommends_have_something_to_show(
    twice: tuple[Path, list[str], dict[str, object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, lines, _ = twice
    last = [line.strip()[2:] for line in lines[lines.index("13. What to look at next") :] if "$ " in line]
    assert len(last) == 3
    for text in last:
        result = CliRunner().invoke(main, shlex.split(text)[1:])
        assert result.exit_code == 0, result.output
        assert len(result.output.splitlines()) > 2


def test_a_home_of_somebody_else_is_refused_untouched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        db.execute("CREATE TABLE t (id TEXT PRIMARY KEY)")
    satchel.init(tmp_path / "home", db=tmp_path / "shop.db", node="a", network="stride")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("*")}
    with pytest.raises(SatchelError, match="not the demo's"):
        run(tmp_path / "home", print)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "home").rglob("*")} == before


def test_a_home_of_somebody_else_is_refused_even_beside_the_marker_of_a_demo(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "home")
    stage.set_up()
    with closing(sqlite3.connect(tmp_path / "shop.db")) as db:
        db.execute("CREATE TABLE t (id TEXT PRIMARY KEY)")
    satchel.init(tmp_path / "home", db=tmp_path / "shop.db", node="a", network="stride")
    with pytest.raises(SatchelError, match="not the demo's"):
        run(tmp_path / "home", print)
    assert (tmp_path / "home" / "satchel.toml").is_file()


@pytest.mark.parametrize(
    "name",
    ["node.key", "demo/letters.txt", "packets/stride/a/0000000001-00000000/t.parquet", "inbox/from-the-clinic/x"],
)
def test_what_looks_like_the_demos_and_is_not_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    with pytest.raises(SatchelError):
        run(tmp_path, print)
    assert (tmp_path / name).read_text() == "mine"


def test_a_demo_that_was_interrupted_can_be_played_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("satchel.demo.quarrel.play", stop)
        run(tmp_path, lambda line: None)
    (tmp_path / "satchel.toml").unlink()  # as if `init` itself had been interrupted
    again = Stage(tmp_path)
    assert again.set_up()
    assert not (tmp_path / "node.key").exists() and (tmp_path / "demo" / MARKER).is_file()


def test_databases_that_differ_are_an_error_and_no_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil_and_compare(stage: Stage, tell: object) -> dict[str, int]:
        with closing(sqlite3.connect(stage.database("clinic"))) as db, db:
            db.execute("UPDATE components SET price = CAST(price AS TEXT) || 'x' WHERE code = 'K001'")
        return real(stage, tell)  # type: ignore[arg-type]

    real = ending.compare
    monkeypatch.setattr("satchel.demo.ending.compare", spoil_and_compare)
    with pytest.raises(SatchelError, match="components is the same"):
        run(tmp_path, lambda line: None)


def test_as_json_the_story_goes_to_stderr_and_one_document_to_stdout(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "play"), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["packets"] == 6
    assert "Three sites" in result.stderr
