"""Processes of their own: what they print, how long they take, how much memory they had at their peak."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.clock import timed

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20
# Whoever installs a program has its modules compiled; an environment that forbids it would measure the compiler.
_COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes


class Failed(Exception):
    """A process of the benchmark ended badly; what it said."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one piece of work took. `memory`: peak of the largest process, in MiB; `facts`: what else it said."""

    seconds: float
    cpu: float
    memory: float
    facts: Mapping[str, Any] = field(default_factory=dict)


def run_process(command: Sequence[str | Path], *, given: str = "", cwd: Path = ROOT) -> tuple[str, Taken]:
    """A whole process, from its start to its end. Failed if its exit code is not 0.

    The peak of a child that is forked counts what its parent had: this process stays small, so that it does not show.
    """
    with tempfile.TemporaryFile() as words, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        words.write(given.encode())
        words.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), stdin=words, stdout=output, stderr=errors, cwd=cwd, env=_COMPILED
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (output, errors):
            stream.seek(0)
        if process.returncode:
            raise Failed(f"{' '.join(map(str, command))}: {errors.read().decode(errors='replace').strip()[-2000:]}")
        memory = usage.ru_maxrss * _MAXRSS_UNIT / MIB
        return output.read().decode(), Taken(seconds, usage.ru_utime + usage.ru_stime, memory)


def call(python: Path, function: str, **arguments: Any) -> Taken:
    """A function `module:name` of this package in a process of its own; the times are those that it measured."""
    given = json.dumps(arguments, default=str)
    output, whole = run_process([python, "-m", "benchmarks.child", f"benchmarks.{function}"], given=given)
    facts = json.loads(output) or {}
    return Taken(facts.pop("seconds", whole.seconds), facts.pop("cpu", whole.cpu), whole.memory, facts)


def call_here(function: str, **arguments: Any) -> Taken:
    """The same in this process: for a run that is about whether it works, not about figures."""
    module, _, name = function.partition(":")
    given = json.loads(json.dumps(arguments, default=str))
    with timed() as span:
        facts = dict(getattr(import_module(f"benchmarks.{module}"), name)(**given) or {})
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT / MIB
    return Taken(facts.pop("seconds", span.seconds), facts.pop("cpu", span.cpu), memory, facts)
