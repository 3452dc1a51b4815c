"""Single rows in the pages of runs, log and status: which left, which came back, which have another number."""

from __future__ import annotations

from typing import Any

from tests.cli.fake import RUN, STATUS, FakeApi, Report, run

GID = "till-a:413:5f0c9a17"
NUMBER = {"table": "invoices", "gid": GID, "birth": 413, "number": 414}
PARKED = {
    "table": "quotes", "key": [3], "gid": "till-b:1:0badcafe", "kind": "unique", "left": True,
    "reason": "code = 7 is taken by quotes 1",
}  # fmt: skip
FATES: dict[str, Any] = RUN | {
    "applied": ["till-a/2"], "parked": [PARKED, PARKED | {"key": ["x"], "gid": None, "left": False}],
    "returned": [{"table": "quotes", "key": [None], "gid": GID}], "renumbered": [NUMBER],
    "counts": {"parked": 2, "returned": 1, "renumbered": 1},
}  # fmt: skip


def test_a_run_says_what_became_of_single_rows(api: FakeApi) -> None:
    api.answers["import_"] = Report(FATES)
    assert run("import").stdout.splitlines()[1:] == [
        "  quotes 3 (till-b:1:0badcafe) leaves its table: code = 7 is taken by quotes 1",
        "  quotes x stays out of its table: code = 7 is taken by quotes 1",
        f"  quotes ? ({GID}) comes back into its table",
        "  invoices 413 of till-a is number 414 here",
    ]


def test_a_preview_says_it_before(api: FakeApi) -> None:
    api.answers["import_"] = Report(FATES)
    shown = run("import", "--dry-run").stdout
    assert "quotes 3 (till-b:1:0badcafe) would leave its table: " in shown
    assert "quotes x would stay out of its table: " in shown
    assert "would come back into its table" in shown
    assert "invoices 413 of till-a would be number 414 here" in shown


def test_at_most_ten_rows_are_named(api: FakeApi) -> None:
    rows = [NUMBER | {"number": number} for number in range(500, 512)]
    api.answers["sync"] = Report(RUN | {"renumbered": rows, "counts": {"parked": 0, "returned": 0, "renumbered": 1412}})
    lines = run("sync").stdout.splitlines()
    assert len(lines) == 1 + 10 + 1
    assert lines[-1] == "  and 1,402 more with another number"


def test_the_log_says_it_afterwards(api: FakeApi) -> None:
    entry = {"command": "sync", "exchange": "", "seconds": 0.1, "trouble": ""}
    api.answers["log"] = [
        entry | {"at": "2026-03-02T10:00:00Z", "report": RUN},
        entry | {"at": "2026-03-01T10:00:00Z", "report": FATES},
    ]
    lines = run("log").stdout.splitlines()
    assert lines[4] == "Rows that left their tables, came back, or got another number:"
    assert lines[-1] == "2026-03-01 10:00:00 UTC\tinvoices 413 of till-a is number 414 here"


def test_a_log_from_before_such_rows_were_told_is_read(api: FakeApi) -> None:
    entry = {"at": "2026-03-02T10:00:00Z", "command": "sync", "exchange": "", "seconds": 0.1, "trouble": ""}
    api.answers["log"] = [entry | {"report": RUN}]
    assert len(run("log").stdout.splitlines()) == 2


def test_status_lists_other_numbers_and_what_is_not_there(api: FakeApi) -> None:
    peer = STATUS["peers"][0] | {"lacks": [{"table": "lines", "columns": ["due", "paid"]}]}
    api.answers["status"] = STATUS | {
        "renumbered": {"count": 12, "rows": [NUMBER] * 12}, "peers": [peer],
        "lacks": [{"table": "tags", "columns": None}],
    }  # fmt: skip
    lines = run("status").stdout.splitlines()
    assert "12 rows have another number here than where they were made:" in lines
    assert lines.count("  invoices 413 of till-a is number 414 here") == 10
    assert "  and 2 more; `satchel status --json` has a hundred" in lines
    assert lines[-3:] == ["site\ttable\thas not", "office\ttags\tthe whole table", "branch\tlines\tdue, paid"]


def test_one_row_with_another_number_is_one_row(api: FakeApi) -> None:
    api.answers["status"] = STATUS | {"renumbered": {"count": 1, "rows": [NUMBER]}}
    assert "1 row has another number here than where it was made:" in run("status").stdout
