"""An error is two lines and an exit code; anything else is a bug and says so."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from satchel import errors
from satchel.cli import main
from tests.cli.fake import RUN, STATUS, FakeApi, Report, run


def tree(root: type[errors.SatchelError]) -> list[type[errors.SatchelError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in tree(child))]


@pytest.mark.parametrize("kind", tree(errors.SatchelError))
def test_every_error_is_two_lines_and_its_exit_code(api: FakeApi, kind: type[errors.SatchelError]) -> None:
    api.answers["status"] = kind("something is wrong\nhere", "do that")
    result = run("status")
    assert result.exit_code == kind.exit_code
    hint = "" if kind is errors.BadPacket else "  hint: do that\n"  # it carries a file instead
    message = str(api.answers["status"]).replace("\n", "\\n")
    assert result.stderr == f"satchel: {message}\n{hint}"
    assert result.stdout == ""
    assert api.closed == 1


def test_with_json_an_error_is_a_document_too(api: FakeApi) -> None:
    api.answers["sync"] = errors.ExchangeUnreachable("the share is not there", "mount it")
    for words in (["--json", "sync"], ["sync", "--json"]):
        result = run(*words)
        assert result.exit_code == 6
        assert json.loads(result.stdout) == {"error": "the share is not there", "hint": "mount it", "exit_code": 6}
        assert result.stderr == "satchel: the share is not there\n  hint: mount it\n"


def test_a_bug_is_one_line_and_the_traceback_comes_with_v(api: FakeApi) -> None:
    api.answers["status"] = ZeroDivisionError("division\nby zero")
    result = run("status")
    assert result.exit_code == 1
    line, hint = result.stderr.splitlines()
    assert line == "satchel: internal error: ZeroDivisionError: division by zero; please report"
    assert "-v" in hint
    assert "Traceback" not in result.output
    verbose = run("-v", "status", "--json")
    assert "Traceback" in verbose.stderr
    assert json.loads(verbose.stdout)["exit_code"] == 1


def test_an_interruption_is_one_line_and_130(api: FakeApi) -> None:
    api.answers["sync"] = KeyboardInterrupt()
    result = run("sync")
    assert (result.exit_code, len(result.stderr.splitlines()), result.stdout) == (130, 1, "")


def test_a_reader_that_left_is_no_error_in_words(api: FakeApi) -> None:
    api.answers["status"] = BrokenPipeError()
    result = run("status")
    assert (result.exit_code, result.output) == (141, "")


def test_a_pipe_closed_early_leaves_nothing_on_stderr(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", LATE_ANSWER, "query", "SELECT 1", "--on", str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    with child.stdin, child.stderr:
        child.stdout.close()
        child.stdin.write(b"the reader is gone\n")
        child.stdin.flush()
        assert child.stderr.read() == b""
    assert child.wait(30) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("json_flag", [[], ["--json"]])
def test_output_that_does_not_fit_is_an_error_and_no_bug(tmp_path: Path, json_flag: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", LATE_ANSWER, "query", "SELECT 1", "--on", str(tmp_path), *json_flag],
            input=b"go\n", stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    message, hint = done.stderr.decode().splitlines()
    assert done.returncode == 1
    assert message.startswith("satchel: the output cannot be written: ")
    assert hint.startswith("  hint: ")


LATE_ANSWER = """
import satchel
class Found:
    columns = ["number"]
    warnings = ()
    def fetchall(self):
        input()
        return [(n,) for n in range(1000)]
class Audit:
    warnings = ()
    class summary: verified = unverified = missing = 0
    def __enter__(self): return self
    def __exit__(self, *_): pass
    def sql(self, text): return Found()
satchel.audit = lambda *paths: Audit()
from satchel.cli import main
main()
"""


@pytest.mark.parametrize("words", ["statsu", "status --nonsense", "init", "history t", "-v -q status", "log --limit 0"])
def test_click_reports_wrong_words_with_exit_2(api: FakeApi, words: str) -> None:
    result = run(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error:" in result.stderr
    assert not api.calls


def test_without_a_home_the_exit_code_is_10(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SATCHEL_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    for words in (["status"], ["verify"], ["query", "SELECT 1"], ["--home", str(tmp_path), "verify"]):
        result = run(*words)
        assert result.exit_code == 10, words
        assert "hint: " in result.stderr


def test_the_home_is_the_option_then_the_environment_then_the_folder_above(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    api.answers["status"] = STATUS
    run("--home", "elsewhere", "status")
    run("status")
    below = tmp_path / "home" / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.delenv("SATCHEL_HOME")
    run("status")
    opened = [args[0] for name, args, _ in api.calls if name == "open"]
    assert opened == [Path("elsewhere"), tmp_path / "home", tmp_path / "home"]


def test_warnings_go_to_stderr_unless_quiet(api: FakeApi) -> None:
    api.answers["sync"] = Report(RUN | {"warnings": ["the clock of branch is wrong"]})
    loud, quiet, document = run("sync"), run("-q", "sync"), run("sync", "--json")
    assert loud.stderr == document.stderr == "satchel: warning: the clock of branch is wrong\n"
    assert quiet.stderr == ""
    assert json.loads(document.stdout)["warnings"] == ["the clock of branch is wrong"]


def test_many_invocations_leave_nothing_behind_in_the_process(api: FakeApi) -> None:
    api.answers["status"] = STATUS
    before = (list(logging.getLogger("satchel").handlers), logging.getLogger("satchel").level, sys.stdout)
    outputs = {CliRunner().invoke(main, ["-v", "status", "--json"]).stdout for _ in range(20)}
    assert len(outputs) == 1
    assert run("status").stdout.startswith("office of acme")  # --json of the run before is forgotten
    assert (list(logging.getLogger("satchel").handlers), logging.getLogger("satchel").level, sys.stdout) == before
