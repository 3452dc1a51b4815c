"""Every command passes on what it was told, and says what came back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fake import RUN, STATUS, FakeApi, Report, run

FOUNDED = {
    "node": "office", "network": "acme", "sealed": ["office/1"], "warnings": [],
    "tables": [{"table": "customers", "key": ["id"], "scope": "global", "policy": "merge", "columns": ["id", "name"]}],
    "left_out": [{"table": "scratch", "reason": "it has no key"}],
}  # fmt: skip


def ran(**changes: Any) -> Report:
    return Report(RUN | changes)


def test_init_passes_on_every_option_and_names_the_table_that_is_left_out(api: FakeApi) -> None:
    api.answers["init"] = Report(FOUNDED)
    result = run(
        "init", "here", "--db", "shop.db", "--node", "office", "--network", "acme", "--table", "c*", "--table", "d*",
        "--policy", "latest", "--policy", "d*=manual", "--key-scope", "*=global",
        "--key-scope", "a=b=local", "--reference", "d.c=c", "--reference", "d.e=e", "--schema", "follow", "--dry-run",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    (_, args, named) = api.calls[0]
    assert args == (Path("here"),)
    assert named == {
        "db": "shop.db", "node": "office", "network": "acme", "tables": ("c*", "d*"), "policy": "latest",
        "policies": {"d*": "manual"},
        "key_scope": {"*": "global", "a": "b=local"}, "references": ("d.c=c", "d.e=e"), "schema": "follow",
        "dry_run": True,
    }  # fmt: skip
    assert "scratch\tit has no key" in result.stdout
    assert result.stdout.startswith("Dry run, nothing was changed: would found the network acme with node office")


def test_a_key_scope_without_its_sign_is_wrong_usage(api: FakeApi) -> None:
    result = run("init", "here", "--db", "d", "--node", "n", "--network", "w", "--key-scope", "global")
    assert result.exit_code == 2
    assert "GLOB=global" in result.stderr
    assert not api.calls


CHANGED = {"version": 2, "tables": ["d"], "references": [], "sealed": ["office/4"], "dry_run": False, "warnings": ["w"]}


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["tables", "add", "d*", "e"], ("add_tables", ("d*", "e"), {"dry_run": False})),
        (["tables", "add", "d*", "--dry-run"], ("add_tables", ("d*",), {"dry_run": True})),
        (["tables", "reference", "d.c=c"], ("add_references", ("d.c=c",), {"dry_run": False})),
    ],
)
def test_changes_of_the_configuration_pass_on_their_words(
    api: FakeApi, words: list[str], call: tuple[Any, ...]
) -> None:
    api.answers[call[0]] = Report(CHANGED | {"dry_run": call[2]["dry_run"]})
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert api.calls[-1] == call
    assert "version 2 of the configuration adds d." in result.stdout
    assert result.stdout.startswith("Dry run, nothing was changed") == call[2]["dry_run"]
    assert "w" in result.stderr


@pytest.mark.parametrize("words", [["--json", "add", "d"], ["add", "d", "--json"], ["add", "--json", "d"]])
def test_a_change_of_the_configuration_is_one_json_document(api: FakeApi, words: list[str]) -> None:
    api.answers["add_tables"] = Report(CHANGED)
    assert json.loads(run("tables", *words).stdout) == CHANGED


def test_tables_lists_references_that_no_schema_declares(api: FakeApi) -> None:
    more = {"references": ["notes.about=invoices"], "schema": "follow"}
    api.answers["tables"] = {"tables": FOUNDED["tables"], "left_out": [], **more}
    shown = run("tables").stdout
    assert "notes.about\tinvoices" in shown
    assert "follow" in shown
    assert api.calls[-1] == ("tables", (), {})


def test_tables_has_no_other_word(api: FakeApi) -> None:
    assert run("tables", "drop", "customers").exit_code == 2
    assert run("tables", "add").exit_code == 2
    assert not [name for name, _, _ in api.calls if name != "open"]


def test_join_takes_invitation_home_and_database(api: FakeApi) -> None:
    api.answers["join"] = Report({"node": "branch", "network": "acme", "left_out": FOUNDED["left_out"]})
    result = run("join", "branch.invite", "there", "--db", "b.db")
    assert api.calls == [("join", (Path("branch.invite"), Path("there")), {"db": "b.db", "dry_run": False})]
    assert "Joined as branch of acme" in result.stdout
    assert "scratch\tit has no key" in result.stdout


def test_invite_says_where_the_file_is_and_how_long_it_holds(api: FakeApi) -> None:
    api.answers["invite"] = Report(
        {"path": Path("branch.invite"), "node": "branch", "role": "member", "expires": "2026-04-01T00:00:00Z"}
    )
    result = run("invite", "branch", "--out", "x.invite", "--days", "7")
    named = {"out": Path("x.invite"), "role": "member", "days": 7, "dry_run": False}
    assert api.calls[-1] == ("invite", ("branch",), named)
    assert "good until 2026-04-01 00:00:00 UTC: branch.invite" in result.stdout


@pytest.mark.parametrize(
    ("words", "call"),
    [
        (["export"], ("export", (None,), {"dry_run": False})),
        (["export", "stick", "--dry-run"], ("export", (Path("stick"),), {"dry_run": True})),
        (["import"], ("import_", (), {"dry_run": False})),
        (["import", "a", "b", "--dry-run"], ("import_", (Path("a"), Path("b")), {"dry_run": True})),
        (["sync", "nas", "/mnt/stick"], ("sync", ("nas", "/mnt/stick"), {"dry_run": False})),
    ],
)
def test_runs_pass_on_their_places(api: FakeApi, words: list[str], call: tuple[Any, ...]) -> None:
    api.answers[call[0]] = ran()
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert api.calls[-1] == call
    assert "othing to" in result.stdout
    assert api.closed == 1


def test_a_run_says_in_one_sentence_what_it_did(api: FakeApi) -> None:
    api.answers["sync"] = ran(
        sealed=["office/4", "office/5"], applied=["branch/1"], dropped=["office/5"], exchange="stick", conflicts=1,
        rows={"inserted": 1, "updated": 20, "deleted": 0}, waiting=[{"packet": "clinic/3", "for": "clinic/2"}],
    )  # fmt: skip
    assert run("sync").stdout.splitlines() == [
        "Sealed 2 packets (office/4, office/5); applied 1 packet (1 row inserted, 20 rows updated); "
        "dropped 1 packet at stick.",
        "1 new conflict; `satchel conflicts` shows what there is to decide.",
        "",
        "Waiting:",
        "packet\twaits for",
        "clinic/3\tclinic/2",
    ]
    assert run("sync", "--dry-run").stdout.startswith("Dry run, nothing was changed: would have sealed 2 packets")


def test_what_joining_with_rows_did_is_said(api: FakeApi) -> None:
    api.answers["import_"] = ran(applied=["office/1"], joined={"same": 1200, "added": 3, "beside": 1})
    said = "Of the rows that were here 1,200 are the network's already, 3 are new to it, "
    assert said + "1 differs and stands beside the network's as a conflict." in run("import").stdout


def test_a_join_of_an_empty_database_says_nothing_of_rows_that_were_here(api: FakeApi) -> None:
    api.answers["import_"] = ran(applied=["office/1"], joined={"same": 0, "added": 0, "beside": 0})
    assert "rows that were here" not in run("import").stdout


def test_a_dry_run_counts_what_it_would_seal(api: FakeApi) -> None:
    api.answers["sync"] = ran(pending=1)
    assert "would have sealed 1 changed row." in run("sync", "--dry-run").stdout


@pytest.mark.parametrize("change", [{"quarantined": [{"packet": "x/1", "reason": "hash"}]}, {"partial": True}])
@pytest.mark.parametrize("command", ["export", "import", "sync"])
def test_a_run_that_was_done_in_part_is_exit_3(api: FakeApi, command: str, change: dict[str, Any]) -> None:
    api.answers.update({"export": ran(**change), "import_": ran(**change), "sync": ran(**change)})
    assert run(command).exit_code == 3
    assert run(command, "--json").exit_code == 3


def test_only_waiting_and_new_conflicts_are_no_error(api: FakeApi) -> None:
    api.answers["import_"] = ran(waiting=[{"packet": "a/2", "for": "a/1"}], conflicts=3)
    assert run("import").exit_code == 0


def test_status_is_a_sentence_and_a_table_and_nothing_that_is_empty(api: FakeApi) -> None:
    api.answers["status"] = STATUS
    assert run("status").stdout.splitlines() == [
        "office of acme: branch lacks 2 packets.",
        "peer\tlacks\tlast heard",
        "branch\t2 packets\t2026-03-01 10:00:00 UTC",
    ]


def test_status_names_what_needs_attention(api: FakeApi) -> None:
    api.answers["status"] = STATUS | {
        "peers": [{"node": "clinic", "behind": 0, "heard": None}],
        "waiting": [{"packet": "a/2", "for": "a/1"}],
        "quarantined": [{"packet": "b/9", "reason": "unknown signer"}],
        "left_out": FOUNDED["left_out"],
        "conflicts": {"open": 1, "parked": 0, "passed_over": 2},
    }
    shown = run("status").stdout
    for line in ("clinic\tnothing\tnever", "a/2\ta/1", "b/9\tunknown signer", "scratch\tit has no key"):
        assert line in shown.splitlines()
    assert "To look at: 1 open conflict, 2 conflicts passed over;" in shown
    assert "parked" not in shown


@pytest.mark.parametrize(
    ("key", "told"),
    [([414], "invoices 414 is till:413:0badcafe everywhere."), (["till:413:0badcafe"], "has no number here.")],
)
def test_history_tells_both_names_of_a_row_with_an_own_number(api: FakeApi, key: list[object], told: str) -> None:
    version = {
        "origin": "till", "seq": 1, "at": None, "by": None, "op": "insert", "columns": None, "row": {"id": 413},
        "outcome": "shown", "key": key, "gid": "till:413:0badcafe",
    }  # fmt: skip
    api.answers["history"] = [version]
    assert run("history", "invoices", "414").stdout.splitlines()[0].endswith(told)
    assert json.loads(run("history", "invoices", "414", "--json").stdout)["versions"] == [version]


def test_history_shows_the_columns_that_a_version_wrote(api: FakeApi) -> None:
    row = {"id": 42, "name": "Ann", "photo": {"base64": "AAEC"}}
    first = {"origin": "office", "seq": 1, "at": None, "by": None, "op": "insert", "columns": None, "row": row}
    second = first | {"seq": 2, "at": "2026-03-01T10:00:00Z", "by": "eve", "op": "update", "columns": ["name"]}
    api.answers["history"] = [second | {"outcome": "shown"}, first | {"outcome": "superseded"}]
    assert run("history", "customers", "42").stdout.splitlines()[1:] == [
        "office/2\t2026-03-01 10:00:00 UTC\teve\tupdate\tname = 'Ann'\tshown",
        "office/1\ttime unknown\t\tinsert\tid = 42, name = 'Ann', photo = a blob of 3 bytes\tsuperseded",
    ]
    run("history", "t", "--", "-5", "x")
    assert api.calls[1::2] == [("history", ("customers", "42"), {}), ("history", ("t", "-5", "x"), {})]


def test_an_empty_list_is_said_on_stderr_and_leaves_the_pipe_empty(api: FakeApi) -> None:
    api.answers |= {"history": [], "log": [], "conflicts": []}
    for words in (["history", "t", "1"], ["log"], ["conflicts"]):
        result = run(*words)
        assert (result.exit_code, result.stdout) == (0, "")
        assert len(result.stderr.splitlines()) == 1


def test_log_is_a_line_per_run(api: FakeApi) -> None:
    report = {"sealed": ["a/1"], "applied": ["b/1", "b/2"], "dropped": [], "conflicts": 1}
    entry = {"at": "2026-03-01T10:00:00Z", "command": "sync", "exchange": "nas", "seconds": 1.5, "report": report}
    api.answers["log"] = [entry]
    assert run("log", "--limit", "5").stdout.splitlines()[1] == "2026-03-01 10:00:00 UTC\tsync\tnas\t1\t2\t0\t1\t1.50\t"
    assert api.calls[-1] == ("log", (5,), {})
    assert json.loads(run("log", "--json").stdout)["runs"] == [entry]


def test_verify_looks_at_the_archive_of_the_home_or_at_the_paths(api: FakeApi, tmp_path: Path) -> None:
    api.answers["verify"] = {"packets": 2, "files": 5, "bytes": 12345, "problems": []}
    assert run("verify").stdout == "2 packets, 5 files, 12,345 bytes: all valid.\n"
    run("verify", "x", "y")
    assert [args for _, args, _ in api.calls] == [(tmp_path / "home" / "packets",), (Path("x"), Path("y"))]


def test_a_problem_found_by_verify_is_exit_5_and_still_one_document(api: FakeApi) -> None:
    problem = {"packet": "a/1", "file": "t.parquet", "reason": "hash differs"}
    api.answers["verify"] = {"packets": 1, "files": 2, "bytes": 1, "problems": [problem]}
    result = run("verify", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout)["problems"] == [problem]
    assert "a/1\tt.parquet\thash differs" in run("verify").stdout


def test_verify_does_not_call_valid_what_is_not_complete(api: FakeApi) -> None:
    half = {"packet": "a/2", "file": "", "reason": "no manifest: it may still be arriving"}
    api.answers["verify"] = {"packets": 1, "files": 2, "bytes": 1, "problems": [], "incomplete": [half]}
    result = run("verify")
    assert result.exit_code == 0
    assert "all that is complete is valid." in result.stdout
    assert "a/2\t\tno manifest: it may still be arriving" in result.stdout


def test_doctor_is_exit_1_if_it_finds_an_error(api: FakeApi) -> None:
    fine = {"level": "ok", "what": "clock", "hint": ""}
    api.answers["doctor"] = {"findings": [fine, {"level": "warning", "what": "no stick", "hint": "plug it in"}]}
    result = run("doctor")
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "1 warning; the hints say what to do.")
    assert "warning\tno stick\tplug it in" in result.stdout
    api.answers["doctor"] = {"findings": [fine, {"level": "error", "what": "no key", "hint": "restore it"}]}
    assert run("doctor").exit_code == 1
    api.answers["doctor"] = {"findings": [fine]}
    assert run("doctor").stdout.splitlines()[0] == "All is well."


def test_nodes_tables_and_detach_say_what_the_api_says(api: FakeApi) -> None:
    api.answers["nodes"] = {
        "nodes": [{"node": "office", "role": "admin", "key": "ab12", "state": "active"}],
        "problems": ["two cards of branch"],
    }
    assert run("nodes").stdout.splitlines() == [
        "node\trole\tstate\tinvited by\tlast heard\tkey",
        "office\tadmin\tactive\t\tnever\tab12",
        "Problem: two cards of branch",
    ]
    api.answers["tables"] = FOUNDED
    assert "customers\tid\tglobal\tmerge\t2" in run("tables").stdout.splitlines()
    api.answers["detach"] = {"database": "shop.db"}
    assert "would remove" in run("detach", "--dry-run").stdout
    assert api.calls[-1] == ("detach", (), {"dry_run": True})


def test_demo_tells_its_story_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    import satchel

    def play(directory: Path, say: Any) -> None:
        say(f"three sites in {directory}\n\nand a stick")

    fake = ModuleType("satchel.demo")
    fake.run = play  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "satchel.demo", fake)
    monkeypatch.setattr(satchel, "demo", fake, raising=False)
    assert run("demo", "play").stdout == "three sites in play\n\nand a stick\n"
    asked = run("demo", "--json")
    assert json.loads(asked.stdout) == {"directory": "satchel-demo"}
    assert "and a stick" in asked.stderr
    assert "would play" in run("demo", "--dry-run").stdout
