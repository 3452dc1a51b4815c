"""What becomes of an exception: two lines on stderr, a document for programs, an exit code."""

from __future__ import annotations

import os
import sys

from satchel.cli.cell import visible
from satchel.cli.session import Session
from satchel.errors import SatchelError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
READER_GONE = 141  # 128 + SIGPIPE
BUG = 1


def report_failure(problem: BaseException, session: Session) -> int:
    """Tells of a failure and returns the exit code (INTERFACE, exit codes)."""
    message, hint, exit_code = _words(problem, session.verbose)
    try:
        if session.verbose and exit_code == BUG and not isinstance(problem, SatchelError):
            import traceback

            session.streams.error("".join(traceback.format_exception(problem)).rstrip())
        if message:
            session.streams.error(f"satchel: {visible(message)}")
        if hint:
            session.streams.error(f"  hint: {visible(hint)}")
        if isinstance(problem, Exception) and message:
            session.output.failure(message, hint, exit_code)
        sys.stdout.flush()
    except (OSError, SatchelError):  # it cannot even be told; the exit code is what is left
        _let_go_of_stdout()
    return exit_code


def _words(problem: BaseException, verbose: bool) -> tuple[str, str, int]:
    """Message, hint and exit code; no message where there is nobody to read it."""
    if isinstance(problem, BrokenPipeError):
        return "", "", READER_GONE
    if isinstance(problem, KeyboardInterrupt):
        return "interrupted; what was whole stays, the rest was not done", "", INTERRUPTED
    if isinstance(problem, SatchelError):
        return problem.message, problem.hint, problem.exit_code
    what = " ".join(f"{type(problem).__name__}: {problem}".split())
    hint = "" if verbose else "run it again with -v before the command to see the traceback"
    return f"internal error: {what}; please report", hint, BUG


def _let_go_of_stdout() -> None:
    """What is still in the buffer must not raise again when Python exits."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return  # not a real stream
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
