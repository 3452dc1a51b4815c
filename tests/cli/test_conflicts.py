"""Conflicts are told to a person who is no administrator; resolve takes exactly one way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.fake import FakeApi, run

VERSIONS: list[dict[str, Any]] = [
    {"origin": "office", "seq": 4, "at": "2026-03-01T10:00:00Z", "by": "anna", "deleted": False,
     "row": {"id": 42, "name": "Ann", "phone": "1", "city": "Bern"}},
    {"origin": "branch.x7k2", "seq": 2, "at": None, "by": None, "deleted": False,
     "row": {"id": 42, "name": "Anne", "phone": None, "city": "Bern"}},
]  # fmt: skip
CONFLICT: dict[str, Any] = {
    "id": "7f3a21bc", "table": "customers", "key": [42], "kind": "edit", "columns": ["name", "phone"],
    "policy": "merge", "opened": "2026-03-02T00:00:00Z", "closed": None, "closed_by": None, "shown": VERSIONS[0]["row"],
    "versions": VERSIONS,
}  # fmt: skip
NO_WAY: dict[str, Any] = {
    "take": None, "set": None, "set_json": None, "delete": False, "seen": False, "all": False, "dry_run": False,
}  # fmt: skip


def test_a_conflict_is_a_heading_a_line_per_version_and_the_way_out(api: FakeApi) -> None:
    api.answers["conflicts"] = [CONFLICT]
    assert run("conflicts").stdout.splitlines() == [
        "1 open conflict.",
        "",
        "7f3a21bc  customers 42: name, phone",
        "  changed in more than one place, without one knowing of the other; since 2026-03-02 00:00:00 UTC",
        "office (anna)\t2026-03-01 10:00:00 UTC\tname = 'Ann', phone = '1'",
        "branch.x7k2\ttime unknown\tname = 'Anne', phone = NULL",
        "  settle it: satchel resolve 7f3a21bc --take office | --take branch | --set COLUMN=VALUE",
    ]
    assert api.calls[-1] == ("conflicts", (False,), {})


def test_a_delete_against_an_update_shows_the_columns_that_differ(api: FakeApi) -> None:
    gone = VERSIONS[0] | {"deleted": True}
    api.answers["conflicts"] = [CONFLICT | {"columns": [], "versions": [gone, VERSIONS[1]]}]
    shown = run("conflicts").stdout
    assert "deleted (it was name = 'Ann', phone = '1')" in shown
    assert "city" not in shown


def test_closed_conflicts_say_how_they_were_closed(api: FakeApi) -> None:
    by = {"how": "passed-over", "node": "clinic", "packet": "clinic/9"}
    api.answers["conflicts"] = [CONFLICT | {"closed": "2026-03-03T00:00:00Z", "closed_by": by}]
    result = run("conflicts", "--all")
    assert result.stdout.splitlines()[0] == "0 open conflicts, 1 closed."
    assert "passed over by a later edit at clinic in clinic/9; seen? satchel resolve 7f3a21bc --seen" in result.stdout
    assert api.calls[-1] == ("conflicts", (True,), {})


def test_a_note_asks_only_to_be_looked_at(api: FakeApi) -> None:
    why = "deleted, but lines 3 needs it"
    api.answers["conflicts"] = [CONFLICT | {"kind": "foreign-key", "state": "noted", "reason": why}]
    lines = run("conflicts").stdout.splitlines()
    assert lines[0] == "1 note."
    assert lines[3].startswith("  in its table, but not as it was written; since ")
    assert lines[4] == "  why: deleted, but lines 3 needs it"
    assert lines[-1] == "  seen? satchel resolve 7f3a21bc --seen"


PARKED = CONFLICT | {
    "kind": "unique", "state": "parked", "columns": ["phone"], "versions": VERSIONS[1:],
    "reason": "phone = 1 is taken by customers 7",
    "against": [{"table": "customers", "key": [7], "gid": None, "nodes": ["office", "branch"]}],
}  # fmt: skip


def test_a_parked_row_says_why_and_every_way_out(api: FakeApi) -> None:
    api.answers["conflicts"] = [PARKED, CONFLICT, CONFLICT]
    lines = run("conflicts").stdout.splitlines()
    assert lines[0] == "2 open conflicts, 1 parked row."
    assert lines[3].startswith("  kept out of its table, on every node; since ")
    assert lines[4] == "  why: phone = 1 is taken by customers 7"
    assert lines[6] == (
        "  give it another value: satchel resolve 7f3a21bc --set phone=VALUE; or make one row of the two, with the"
        " values of: --take branch | --take office; or --delete; it comes back by itself when the value is free"
    )


def test_a_row_that_several_keep_out_cannot_be_merged(api: FakeApi) -> None:
    api.answers["conflicts"] = [PARKED | {"against": PARKED["against"] * 2, "columns": ["phone", "name"]}]
    shown = run("conflicts").stdout
    assert "--set COLUMN=VALUE; or --delete; it comes back" in shown
    assert "--take" not in shown


def test_a_row_without_its_parent_waits_for_it(api: FakeApi) -> None:
    api.answers["conflicts"] = [PARKED | {"kind": "foreign-key", "reason": "its parent towns 1 is deleted"}]
    assert "it comes back with the row that it refers to" in run("conflicts").stdout


def test_what_one_database_refuses_says_so(api: FakeApi) -> None:
    refused = {"kind": "constraint", "state": "refused", "reason": "CHECK constraint failed: phone > 0", "against": []}
    api.answers["conflicts"] = [PARKED | refused]
    shown = run("conflicts").stdout
    assert "kept out of its table here only" in shown
    assert "why: CHECK constraint failed: phone > 0" in shown
    assert "it is tried again at every import" in shown


def test_values_of_other_sites_cannot_move_the_cursor(api: FakeApi) -> None:
    versions = [v | {"row": v["row"] | {"name": f"\x1b[2J\u202e\n{v['origin']}"}} for v in VERSIONS]
    api.answers["conflicts"] = [CONFLICT | {"table": "a\x1bb", "versions": versions}]
    shown = run("conflicts").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "name = '\\x1b[2J\\u202e\\noffice'" in shown


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--take", "office"], {"take": "office"}),
        (["--set", "name=Ann=e", "--set", "city="], {"set": {"name": "Ann=e", "city": ""}}),
        (
            ["--set-json", "a=null", "--set-json", 'b={"base64": "AA=="}', "--set", "c=1"],
            {"set": {"c": "1"}, "set_json": {"a": None, "b": {"base64": "AA=="}}},
        ),
        (["--delete"], {"delete": True}),
        (["--seen", "--dry-run"], {"seen": True, "dry_run": True}),
    ],
)
def test_resolve_passes_on_the_way(api: FakeApi, words: list[str], named: dict[str, Any]) -> None:
    api.answers["resolve"] = {"resolved": ["7f3a21bc"]}
    result = run("resolve", "7f3a21bc", *words)
    assert result.exit_code == 0, result.output
    assert api.calls[-1] == ("resolve", ("7f3a21bc",), NO_WAY | named)
    assert ("would settle" if "--dry-run" in words else "Settled 1 conflict (7f3a21bc).") in result.stdout


def test_resolve_all_takes_a_node(api: FakeApi) -> None:
    api.answers["resolve"] = {"resolved": []}
    result = run("resolve", "--all", "--take", "office", "--json")
    assert api.calls[-1] == ("resolve", (None,), NO_WAY | {"take": "office", "all": True})
    assert json.loads(result.stdout) == {"resolved": []}


@pytest.mark.parametrize(
    "words",
    [
        [], ["7f"], ["--take", "a"], ["7f", "--take", "a", "--delete"], ["7f", "--seen", "--set", "a=1"],
        ["7f", "--all", "--take", "a"], ["--all"], ["--all", "--delete"], ["--all", "--seen"], ["7f", "--set", "a"],
        ["7f", "--set-json", "a=Ann"], ["7f", "--set-json", "a=NaN"], ["7f", "--set", "a=1", "--set", "a=2"],
        ["7f", "--set", "a=1", "--set-json", "a=2"],
    ],
)  # fmt: skip
def test_any_other_way_is_wrong_usage_and_changes_nothing(api: FakeApi, words: list[str]) -> None:
    result = run("resolve", *words, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["exit_code"] == 2
    message, hint = result.stderr.splitlines()
    assert message.startswith("satchel: ")
    assert hint.startswith("  hint: ")
    assert not api.calls


def test_a_row_with_an_own_number_is_told_by_both_names(api: FakeApi) -> None:
    gid = "branch:41:0badcafe"
    parked = CONFLICT | {"key": [gid], "gid": gid}
    api.answers["conflicts"] = [CONFLICT | {"gid": gid}, parked, CONFLICT | {"gid": None}]
    headings = [line for line in run("conflicts").stdout.splitlines() if line.startswith("7f3a21bc")]
    assert headings == [
        "7f3a21bc  customers 42 (branch:41:0badcafe): name, phone",
        "7f3a21bc  customers 'branch:41:0badcafe': name, phone",
        "7f3a21bc  customers 42: name, phone",
    ]
