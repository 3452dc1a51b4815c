"""Data goes to stdout: drawn on a terminal, tab-separated in a pipe, one document with --json."""

from __future__ import annotations

import datetime
import io
import json
import math
import time
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from satchel.cli import progress
from satchel.cli.document import document
from satchel.cli.output import Streams, TextOutput
from satchel.cli.page import Answer, Table, enumerate_some, plural, when
from satchel.cli.session import Session
from satchel.model.ids import Dot
from tests.cli.fake import STATUS, FakeApi, run

MOMENT = datetime.datetime(2026, 3, 1, 11, 0, 0, 5000, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


COUNTS = {"verified": 2, "unverified": 1, "missing": 3, "warnings": ["of this answer"]}


class Found:
    warnings = ("of this answer",)

    def __init__(self, rows: list[tuple[Any, ...]], columns: tuple[str, ...] = ("a", "b")) -> None:
        self.rows, self.columns = rows, columns

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.rows


class Audit:
    warnings: tuple[str, ...] = ()
    summary = SimpleNamespace(verified=2, unverified=1, missing=3)

    def __init__(self, found: Found) -> None:
        self.found = found
        self.closed = False

    def __enter__(self) -> Audit:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def sql(self, text: str) -> Found:
        assert text == "SELECT"
        return self.found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None), (True, True), (7, 7), (2**53, 2**53), (2**53 + 1, "9007199254740993"), (1.5, 1.5),
        (math.inf, "inf"), (math.nan, "nan"), (b"\x00\x01", {"base64": "AAE="}), (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"), (MOMENT, "2026-03-01T10:00:00.005000Z"),
        (datetime.datetime(2026, 3, 1), "2026-03-01T00:00:00"), (datetime.date(2026, 3, 1), "2026-03-01"),
        ([{"x": (1, b"")}], [{"x": [1, {"base64": ""}]}]), (Dot("office", 3), "office/3"), (Path("a"), "a"),
        ("\udcff", {"text_base64": "/w=="}), ({3: 1}, {"3": 1}),
    ],
)  # fmt: skip
def test_every_value_has_a_form_in_json(value: object, expected: object) -> None:
    text = document({"v": value})
    assert text.isascii()
    assert json.loads(text) == {"v": expected}


def test_query_gives_columns_and_rows(api: FakeApi, tmp_path: Path) -> None:
    api.answers["audit"] = Audit(Found([(1, None), ("x\ty\nz", b"\xff"), (Decimal("2.50"), MOMENT)]))
    assert run("query", "SELECT").stdout.splitlines() == [
        "a\tb", "1\tNULL", "x\\ty\\nz\tx'ff'", "2.50\t2026-03-01T10:00:00.005000Z",
    ]  # fmt: skip
    assert api.calls[-1] == ("audit", (tmp_path / "home" / "packets",), {})
    told = json.loads(run("query", "SELECT", "--json").stdout)
    assert told == {
        "columns": ["a", "b"],
        "rows": [[1, None], ["x\ty\nz", {"base64": "/w=="}], ["2.50", "2026-03-01T10:00:00.005000Z"]],
        **COUNTS,
    }


def test_query_on_a_path_needs_no_home(api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SATCHEL_HOME")
    monkeypatch.chdir(tmp_path)
    audit = Audit(Found([]))
    audit.warnings = ("1 packet is not verified",)
    api.answers["audit"] = audit
    result = run("query", "--on", "stick", "--on", "nas", "SELECT")
    assert result.stdout == "a\tb\n"
    assert "1 packet is not verified" in result.stderr
    assert "of this answer" in result.stderr
    assert audit.closed
    assert api.calls[-1] == ("audit", (Path("stick"), Path("nas")), {})


def test_a_statement_without_a_result_prints_nothing(api: FakeApi) -> None:
    api.answers["audit"] = Audit(Found([], ()))
    assert run("query", "SELECT").stdout == ""
    assert json.loads(run("query", "SELECT", "--json").stdout) == {"columns": [], "rows": [], **COUNTS}


def test_query_hands_on_what_it_is_told_to_stand_on(api: FakeApi, tmp_path: Path) -> None:
    api.answers["audit"] = Audit(Found([]))
    run("query", "SELECT", "--strict", "--lake", "lake")
    options = {"lake": Path("lake"), "strict": True}
    assert api.calls[-1] == ("audit", (tmp_path / "home" / "packets",), options)


def test_json_stands_before_or_after_the_command_and_alone_on_stdout(api: FakeApi) -> None:
    api.answers["status"] = STATUS
    assert run("--json", "status").stdout == run("status", "--json").stdout
    assert json.loads(run("status", "--json").stdout) == STATUS


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(monkeypatch: pytest.MonkeyPatch, *blocks: Any) -> str:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout", terminal := Terminal())
    TextOutput(Streams()).answer(Answer({}, lambda _: blocks))
    return terminal.getvalue()


def test_on_a_terminal_a_table_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, "A sentence.", Table(["who", "what"], [("[bold]anna[/]", None)], "Title"))
    assert text.startswith("A sentence.\n\nTitle:\n")
    assert "\t" not in text
    assert "[bold]anna[/]" in text  # data is no markup
    assert "NULL" in text
    assert "─" in text


def test_on_a_terminal_nothing_is_cut_off_and_no_control_character_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    text = drawn(monkeypatch, Table(["who", "what"], [("anna", "x" * 300), ("\x1b[2J", "")], header=False))
    assert text.count("x") == 300 + 1
    assert "\x1b[2J" not in text
    assert "\\x1b[2J" in text


def test_what_the_encoding_of_stdout_lacks_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    TextOutput(Streams()).answer(Answer({}, lambda _: ["Zürich \U0001f600"]))
    assert raw.getvalue() == b"Z\\xfcrich \\U0001f600\n"


def test_numbers_and_times_read_well() -> None:
    assert (plural(1, "row"), plural(0, "row"), plural(1200, "key")) == ("1 row", "0 rows", "1,200 keys")
    assert plural(2, "entry", "entries") == "2 entries"
    assert enumerate_some(["a", "b"]) == "a, b"
    assert enumerate_some(list("abcdef"), 2) == "a, b and 4 more"
    assert when("2026-03-01T11:00:00.5+01:00") == "2026-03-01 10:00:00 UTC"
    assert when(None) == ""
    assert when("some day") == "some day"


def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    shown = []
    for stream, quiet, as_json in (
        (Terminal(), False, False), (io.StringIO(), False, False), (Terminal(), True, False), (Terminal(), False, True),
    ):  # fmt: skip
        monkeypatch.setattr("sys.stderr", stream)
        with Session(quiet=quiet, json=as_json).busy("exporting"):
            time.sleep(0.05)
        shown.append("exporting" in stream.getvalue())
    assert shown == [True, False, False, False]
