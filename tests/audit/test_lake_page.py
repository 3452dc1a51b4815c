"""The SQL of docs/audit/lake.md runs in DuckDB alone, on the lake of that page."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from satchel.audit.lake import make_lake
from satchel.model.schema import Column, Table
from tests.audit.builders import DAY, NOW, Archive, row

pytestmark = pytest.mark.audit
PAGE = Path(__file__).parents[2] / "docs" / "audit" / "lake.md"
ORDERS = Table(
    "orders",
    (
        Column("id", "string", "TEXT", "text"),
        Column("status", "string", "TEXT", "text"),
        Column("qty", "int64", "INTEGER", "integer"),
    ),
    ("id",),
)


def test_each_question_of_the_page_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = Archive(tmp_path / "packets", [ORDERS])
    archive.office.write(*(row({"id": f"A{n}", "status": "new", "qty": n}) for n in range(1, 6)), table=ORDERS)
    branch = archive.join("branch").sees(archive.office)
    sent = row({"id": "A3", "status": "sent", "qty": 3}, "update", NOW + DAY // 2, columns=["status"])
    branch.write(sent, table=ORDERS)
    make_lake(tmp_path / "orders-lake", [archive.root])
    monkeypatch.chdir(tmp_path)
    changed, history, now = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    with duckdb.connect(":memory:") as connection:
        ask = [
            connection.execute(question).fetchall()
            for question in (changed, history, now.replace("now()", "TIMESTAMP '2199-01-01'"))
        ]
    assert ask[0] == [("branch", "update", 1), ("office", "insert", 5)]
    assert [found[:4] for found in ask[1]] == [("A3", "new", "office", 1), ("A3", "sent", "branch", 1)]
    assert ask[2][2][:3] == ("A3", "sent", 3) and len(ask[2]) == 5
