"""What becomes of an exception: two lines on stderr, a document for programs, an exit code."""

from __future__ import annotations

import os
import sys
import traceback

from satchel.cli.cell import visible
from satchel.cli.session import Session
from satchel.errors import SatchelError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE
BUG = 1


def report_failure(problem: BaseException, session: Session) -> int:
    """Tells of a failure and returns the exit code (INTERFACE, exit codes)."""
    if isinstance(problem, BrokenPipeError):
        _let_go_of_stdout()
        return READER_GONE
    if isinstance(problem, KeyboardInterrupt):
        session.streams.error("satchel: interrupted; what was whole stays, the rest was not done")
        return INTERRUPTED
    if isinstance(problem, SatchelError):
        return _tell(session, problem.message, problem.hint, problem.exit_code)
    if session.verbose:
        session.streams.error("".join(traceback.format_exception(problem)).rstrip())
    what = " ".join(f"{type(problem).__name__}: {problem}".split())
    hint = "" if session.verbose else "run it again with -v before the command to see the traceback"
    return _tell(session, f"internal error: {what}; please report", hint, BUG)


def _tell(session: Session, message: str, hint: str, exit_code: int) -> int:
    session.streams.error(f"satchel: {visible(message)}")
    if hint:
        session.streams.error(f"  hint: {visible(hint)}")
    session.output.failure(message, hint, exit_code)
    return exit_code


def _let_go_of_stdout() -> None:
    """Nobody reads any more: what is still in the buffer must not raise again when Python exits."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return  # not a real stream
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
