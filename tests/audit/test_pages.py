"""Every SQL and shell block of docs/audit/README.md runs, on a small archive, and answers what its heading says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb
import pytest

from satchel.audit.session import open_audit
from satchel.packet.manifest import MANIFEST_NAME
from tests.audit.builders import Archive, alter

PAGE = Path(__file__).parents[2] / "docs" / "audit" / "README.md"
WITHOUT, _, WITH = PAGE.read_text("utf-8").partition("\n## With satchel\n")
CHECKS = (
    "Every file against its manifest",
    "Every chain",
    "What was withheld",
    "Every row in the packet that it names",
)


def blocks(text: str, language: str) -> dict[str, str]:
    """Fenced blocks of a language by the heading above them."""
    found: dict[str, str] = {}
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        heading = section.partition("\n")[0].strip()
        for block in re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL):
            assert heading not in found, f"two blocks under {heading}"
            found[heading] = block
    return found


PLAIN, VIEWS = blocks(WITHOUT, "sql"), blocks(WITH, "sql")


def plain(archive: Archive, heading: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What DuckDB alone answers in the folder above the archive."""
    monkeypatch.chdir(archive.root.parent)
    with duckdb.connect(":memory:") as connection:
        return connection.execute(PLAIN[heading]).fetchall()


EXPECTED_PLAIN: dict[str, list[tuple[Any, ...]]] = {
    "Who changed how much": [
        ("office", "delete", 1), ("office", "insert", 4), ("office", "update", 1), ("site-b", "update", 2)
    ],
    "Every version of one row": [(3, "Cleo"), (3, "Chloe"), (3, "Clio")],
    "Who wrote a column, and when": [
        (1, "Ann", "office"), (2, "Bob", "office"), (3, "Cleo", "office"), (4, "Di", "office"), (1, "Anna", "site-b"),
        (3, "Chloe", "site-b"), (3, "Clio", "office"),
    ],
    "What was deleted, as it was last": [(2, "Bob", None, b"\x00\xff", "office", 3)],
    "The rows as the clocks had them at some time": [(1, "Ann"), (2, "Bob"), (3, "Cleo"), (4, "Di")],
    "What changed between two moments": [(1, "Ann", "Anna"), (2, "Bob", None), (3, "Cleo", "Clio")],
    "The rows as they are now": [(1, "Anna", 10.5), (3, "Clio", None), (4, "Di", None)],
    "What a site knew at a time": [(1, "Ann"), (1, "Anna"), (2, "Bob"), (3, "Cleo"), (3, "Chloe")],
    "Who wrote each column of a row last": [("credit", "site-b", 1), ("name", "site-b", 1)],
    "Values that do not fit their column": [("x", "n", "text", b"many")],
    "Edits of one row that did not know of each other": [(3, "office", 2, "Clio", "site-b", 2, "Chloe")],
    **{heading: [] for heading in CHECKS},
    "Who says to have what": [("site-b", "2026-09-21T14:13:20.000Z")],
}  # fmt: skip
EXPECTED_VIEWS: dict[str, list[tuple[Any, ...]]] = {
    "Which packets brought most": [
        ("office", 1),
        ("office", 4),
        ("office", 2),
        ("office", 3),
        ("site-b", 1),
        ("site-b", 2),
    ],
    "Everything that one person did": [()],
    "Which conflicts were passed over": [("customers", "[3]", ["name"])],
    "What a site did not know of a row yet": [("office", 2, "Clio"), ("site-b", 2, "Chloe")],
    "What happened in a week": [("updated", "[1]"), ("deleted", "[2]"), ("updated", "[3]")],
    "Who is how far behind": [("site-b", "office", 4, 4), ("site-b", "site-b", 2, 2)],
}


def test_every_block_has_an_expectation() -> None:
    assert set(PLAIN) == set(EXPECTED_PLAIN)
    assert set(VIEWS) == set(EXPECTED_VIEWS)
    assert PAGE.read_text("utf-8").count("```sql") == len(PLAIN) + len(VIEWS)


@pytest.mark.parametrize("heading", EXPECTED_PLAIN)
def test_plain_duckdb_answers(history: Archive, heading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = plain(history, heading, monkeypatch)
    expected = EXPECTED_PLAIN[heading]
    width = len(expected[0]) if expected else 0
    assert [entry[:width] for entry in found] == expected


@pytest.mark.parametrize("heading", EXPECTED_VIEWS)
def test_the_views_answer(history: Archive, heading: str) -> None:
    with open_audit(history.root) as audit:
        found = audit.sql(VIEWS[heading]).fetchall()
    expected = EXPECTED_VIEWS[heading]
    assert [entry[: len(expected[0])] for entry in found] == expected


def test_the_checks_in_sql_name_what_is_wrong(history: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    office = history.root / "acme" / "office"
    one, two, three, four = sorted(office.iterdir())
    alter(one / "customers.parquet", 60)
    (four / "codes.parquet").unlink()
    shutil.copy(three / "customers.parquet", three / "more.parquet")
    found = plain(history, "Every file against its manifest", monkeypatch)
    assert [(Path(folder).name, file, problem) for folder, file, problem in found] == [
        (one.name, "customers.parquet", "altered"),
        (three.name, "more.parquet", "unknown to the manifest"),
        (four.name, "codes.parquet", "missing"),
    ]
    (two / MANIFEST_NAME).unlink()
    assert plain(history, "Every chain", monkeypatch) == [("office", 3, "what it follows is not here")]
    [(origin, seq, _, witness)] = plain(history, "What was withheld", monkeypatch)
    assert (origin, seq, witness) == ("office", 2, "office/3")
    (four / MANIFEST_NAME).unlink()
    found = plain(history, "What was withheld", monkeypatch)
    assert [(entry[0], entry[1], entry[3]) for entry in found][1:] == [("office", 4, "acknowledgement of site-b")]


def test_a_row_in_another_s_packet_is_found_in_sql(history: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, *_ = sorted((history.root / "acme" / "office").iterdir())
    shutil.copy(one / "customers.parquet", two / "customers.parquet")
    found = plain(history, "Every row in the packet that it names", monkeypatch)
    assert {(Path(entry[0]).name, *entry[2:]) for entry in found} == {
        (two.name, "office", 1, 3, None),
        (two.name, "office", 2, None, 1),
    }


def has_openssl_3() -> bool:
    program = shutil.which("openssl")
    if program is None:
        return False
    version = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout
    return re.match(r"OpenSSL ([3-9]|\d\d)", version) is not None


@pytest.mark.skipif(
    not has_openssl_3() and os.environ.get("CI") != "true", reason="needs the program openssl, 3 or newer"
)
@pytest.mark.parametrize("altered", [False, True])
def test_openssl_checks_a_signature(history: Archive, altered: bool) -> None:
    [script] = blocks(WITHOUT, "sh").values()
    packet = sorted((history.root / "acme" / "site-b").iterdir())[1]
    card = next((history.root / "nodes").glob("card-site-b-*"))
    for name, path in (("packet", packet), ("card", card)):
        script, count = re.subn(rf"^{name}=.*$", f"{name}={path.relative_to(history.root.parent)}", script, flags=re.M)
        assert count == 1
    if altered:
        manifest = packet / MANIFEST_NAME
        data = manifest.read_bytes()
        place = data.index(b'"payload": "') + 100
        manifest.write_bytes(data[:place] + (b"B" if data[place : place + 1] == b"A" else b"A") + data[place + 1 :])
    done = subprocess.run(
        ["sh", "-c", script], cwd=history.root.parent, capture_output=True, text=True, check=False,
        env={**os.environ, "TMPDIR": str(history.root.parent)},
    )  # fmt: skip
    assert ("Signature Verified Successfully" in done.stdout) is not altered, done.stdout + done.stderr
    assert (done.returncode == 0) is not altered
