"""Terminal escapes in names and values of others: nothing that a terminal obeys reaches one, or a pipe."""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from satchel.cli import main
from satchel.model.schema import Column, Table
from satchel.packet.envelope import seal_envelope
from satchel.packet.manifest import MANIFEST_NAME, Manifest
from tests.attacks.traitor import CUSTOMERS, Fields, Traitor
from tests.packet.builders import batch, change
from tests.sync.sites import Place

# clears the screen, sets the title, 8-bit CSI, bell, backspaces, a line of its own, turned text, a hyperlink
EVIL = "x\x1b[2J\x1b]0;owned\x07\x9b31m\b\b\rAll is well.\n\u202etxt\u2066\u2028\x1b]8;;http://x\x07"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
NEW = Table(EVIL, (Column("id", "string", "TEXT", "text"), Column(EVIL, "string", "TEXT", "text")), ("id",))


class Terminal(io.StringIO):
    """Looks like a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, place: Place, *words: str, terminal: bool) -> str:
    """Everything that a command writes."""
    out, err = (Terminal(), Terminal()) if terminal else (io.StringIO(), io.StringIO())
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        with suppress(SystemExit):
            main(["--home", str(place.home), *words])
    text = out.getvalue() + err.getvalue()
    assert "internal error" not in text
    # colours, and a progress line that is drawn over and cleared: those are our own
    return (
        re.sub("\r\x1b\\[K|\r|\x1b\\[[0-9;]*m|\x1b\\[\\?25[hl]|\x1b\\[2?K|\x1b\\[[0-9]*A", "", text)
        if terminal
        else text
    )


@pytest.fixture
def deceived(office: Place, branch: Place, share: Path) -> Place:
    """An office with a conflict, a table, a waiting and a quarantined packet full of escapes."""
    office.sql("UPDATE customers SET name = 'ours' WHERE id = 'c1'")
    traitor = Traitor(branch, share)
    values: dict[str, Any] = {"id": ["c1", EVIL], "name": [EVIL, EVIL], "town": [EVIL, EVIL]}
    by = [change(by=EVIL, op="update"), change(by=EVIL)]
    packet = traitor.drop(traitor.write(batch(CUSTOMERS, values, by)), lambda fields: fields.update(software=EVIL))
    office.node.sync(share)
    assert office.node.status()["vector"]["branch"] == 1
    later = Traitor(branch, share)
    later.heads["branch"] = traitor.mark_of(packet)
    later.previous = traitor.hash_of(packet)
    later.send(batch(NEW, {"id": ["k"], EVIL: [EVIL]}), NEW)
    office.node.sync(share)
    assert office.node.status()["vector"]["branch"] == 2
    bad = share / "packets" / "acme" / "branch" / "0000000009-00000000"
    bad.mkdir()

    def named(fields: Fields) -> Fields:
        return {**fields, "origin": "branch", "seq": 9, EVIL: EVIL, "tables": [{"name": EVIL}]}

    payload = json.dumps(named({"format": {"major": 1}})).encode()
    (bad / MANIFEST_NAME).write_bytes(seal_envelope(Manifest.payload_type, payload, [traitor.key]))
    odd = share / "packets" / EVIL.replace("/", "").replace("\n", "")
    odd.mkdir()
    (odd / "customers.parquet").write_bytes(b"x")
    return office


COMMANDS = [
    ("status",),
    ("conflicts", "--all"),
    ("history", "customers", "c1"),
    ("history", "customers", EVIL),
    ("history", EVIL, "k"),
    ("log",),
    ("tables",),
    ("nodes",),
    ("quarantine",),
    ("doctor",),
    ("verify",),
    ("query", "SELECT * FROM customers"),
    ("query", f"SELECT '{EVIL}' AS a, error('{EVIL}')"),
    ("resolve", EVIL, "--delete"),
    ("sync", "--dry-run"),
]


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipe"])
def test_escapes_are_shown_and_not_obeyed(
    monkeypatch: pytest.MonkeyPatch, deceived: Place, share: Path, terminal: bool
) -> None:
    told = [shown(monkeypatch, deceived, *words, terminal=terminal) for words in (("sync", str(share)), *COMMANDS)]
    for words, text in zip(["sync", *COMMANDS], told, strict=True):
        assert text, words
        assert OBEYED.findall(text) == [], words
        assert "\nAll is well." not in text, words
    assert sum("\\x1b[2J" in text for text in told) > 5


def test_a_document_is_ascii(monkeypatch: pytest.MonkeyPatch, deceived: Place, share: Path) -> None:
    for words in COMMANDS:
        text = shown(monkeypatch, deceived, "--json", *words, terminal=False)
        assert OBEYED.findall(text) == [], words
