"""Kills and failures at real system calls: strace stops a forked process at the one that is asked for.

The process is forked from one that has everything loaded, waits until strace has it, and then runs: a run costs no
start of Python. Calls are counted by strace for each thread and name; a first run, without injection, lists them.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from satchel.errors import SatchelError
from tests.kills.steps import End

CHANGING = ("openat", "write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "unlink", "unlinkat", "rmdir",
            "mkdir", "ftruncate")  # fmt: skip
READING = ("newfstatat", "getdents64", "read", "pread64", "lseek")
REFUSED = 40  # plus the exit code of the error that the command ended with
_LINE = re.compile(r"^(?P<thread>\d+) +(?P<name>[a-z0-9]+)\((?P<rest>.*)$")
_PR_SET_PTRACER = 0x59616D61  # with Yama a process may be traced by its ancestors only, unless it says otherwise
_PR_SET_PTRACER_ANY = ctypes.c_ulong(-1)


@dataclass(frozen=True)
class Call:
    """The `number`th system call of this name in the main thread (from 1), and what it was about."""

    name: str
    number: int
    about: str


def why_not() -> str:
    """Why calls cannot be stopped here; empty: they can."""
    if not sys.platform.startswith("linux") or shutil.which("strace") is None:
        return "there is no strace"
    tried = subprocess.run(
        ["strace", "-f", "-e", "inject=getppid:error=EIO", "true"], capture_output=True, text=True, check=False
    )
    return "" if tried.returncode == 0 else f"strace may not trace here: {tried.stderr.strip()[-200:]}"


def traced(run: Callable[[], object], log: Path, rules: Sequence[str] = ()) -> End:
    """Runs it in a process of its own under strace with these `inject` rules. Ends with 0, with REFUSED and an exit
    code if a SatchelError came out, with 1 if anything else did, with minus the number of a signal if it was killed."""
    go_read, go = os.pipe()
    said_read, said = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go)
        os.close(said_read)
        _run_in_child(run, go_read, said)
    os.close(go_read)
    os.close(said)
    words = ["strace", "-f", "-y", "-o", str(log), "-e", f"trace={','.join(CHANGING + READING)}"]
    words += [word for rule in rules for word in ("-e", f"inject={rule}")]
    tracer = subprocess.Popen([*words, "-p", str(child)], stderr=subprocess.PIPE, text=True)
    assert tracer.stderr is not None
    first = tracer.stderr.readline()
    if "attached" not in first:
        os.kill(child, 9)
    os.close(go)
    with os.fdopen(said_read) as pipe:
        words_of_child = pipe.read()
    _, status = os.waitpid(child, 0)
    tracer.stderr.read()
    tracer.stderr.close()
    tracer.wait()
    assert "attached" in first, first
    return End(os.waitstatus_to_exitcode(status), words_of_child)


def _run_in_child(run: Callable[[], object], go: int, said: int) -> None:
    """Never returns. What it says goes through writev, which no rule touches."""
    code, words = 1, ""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _PR_SET_PTRACER_ANY, 0, 0, 0)
        os.readv(go, [bytearray(1)])  # ends when the other side is closed
        run()
        code = 0
    except SatchelError as problem:
        code, words = REFUSED + problem.exit_code, f"{problem.message}\n{problem.hint}"
    except BaseException as problem:
        words = f"{problem!r} at {_where(problem)}"
    finally:
        os.writev(said, [words[:60_000].encode("utf-8", "replace")])
        os._exit(code)


def calls_of(log: Path, root: Path) -> list[Call]:
    """Calls of the main thread about files below `root`, in order."""
    found, numbers, main = [], Counter[str](), ""
    for line in log.read_text("utf-8", "replace").splitlines():
        match = _LINE.match(line)
        if match is None or (main and match["thread"] != main):
            continue
        main = match["thread"]
        numbers[match["name"]] += 1
        if str(root) in match["rest"]:
            found.append(Call(match["name"], numbers[match["name"]], match["rest"].replace(str(root), "")))
    return found


def is_change(call: Call) -> bool:
    """Whether the call makes another state on the disk, or flushes it."""
    return call.name in CHANGING and (call.name != "openat" or "O_CREAT" in call.about)


def kill_at(call: Call) -> list[str]:
    """The process is gone before this call."""
    return [f"{call.name}:signal=KILL:when={call.number}"]


def fail_at(call: Call, error: str) -> list[str]:
    """This call fails."""
    return [f"{call.name}:error={error}:when={call.number}"]


def fail_from(calls: Sequence[Call], index: int, error: str) -> list[str]:
    """This call fails, and every one after it that would change something. Files can still be opened: what cannot be
    told apart there is opening for writing and loading a module."""
    first = calls[index]
    rules = []
    for name in CHANGING:
        before = [call.number for call in calls[:index] if call.name == name]
        if name != "openat":
            number = first.number if name == first.name else max(before, default=0) + 1
            rules.append(f"{name}:error={error}:when={number}+")
    return rules


def _where(problem: BaseException) -> str:
    """The last lines that ran."""
    found, trace = [], problem.__traceback__
    while trace is not None:
        found.append(f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " ".join(found[-8:])
