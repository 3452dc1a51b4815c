"""Every error that satchel raises, in one tree.

    SatchelError                 1   one line that says what is wrong, `hint`: one line that says what to do
    |-- UsageError               2   the caller's words do not fit (unknown table, bad name, bad value)
    |-- NoHome                  10   there is no home here
    |-- HomeBusy                11   another satchel works in this home
    |-- KeyTrouble              12   the key is missing, unreadable or not this node's
    |-- ExchangeUnreachable      6   the exchange cannot be reached now
    |-- VerificationFailed       5   what was to be verified does not verify
    |-- BadPacket                1   a packet that is not to be trusted; goes to quarantine with `reason`
    |-- FormatTooNew             1   a file of a newer format; it waits for an upgrade and is no attack
    |-- StoreError               1   the database cannot do it
    |   |-- NotADatabase         1
    |   |-- StoreLocked          1   locked past the time-out
    |   |-- Overtaken            1   the application was faster: nothing was recorded, it is to be done under the lock
    |   `-- ConstraintRefused    1   the database refuses an edit of satchel's, or a join; nothing was changed
    `-- NotSupported             1   what a later version of satchel will do

The number is the exit code of the command line (INTERFACE, exit codes). No error of a library leaves its room: each
is translated into one of these where it is caught.
"""

from __future__ import annotations


class SatchelError(Exception):
    """Root of all errors: `message` is one line that says what is wrong, `hint` one line that says what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SatchelError):
    """The caller's words do not fit."""

    exit_code = 2


class NoHome(SatchelError):
    """There is no home here."""

    exit_code = 10


class HomeBusy(SatchelError):
    """Another satchel works in this home."""

    exit_code = 11


class KeyTrouble(SatchelError):
    """The key is missing, unreadable or not this node's."""

    exit_code = 12


class ExchangeUnreachable(SatchelError):
    """The exchange cannot be reached now; what was sealed stays sealed."""

    exit_code = 6


class VerificationFailed(SatchelError):
    """What was to be verified does not verify."""

    exit_code = 5


class BadPacket(SatchelError):
    """A packet that is not to be trusted; `reason` goes with it into quarantine, `file` names the culprit; `copy`: this
    copy is altered, short or unreadable, another one may be good."""

    def __init__(self, reason: str, file: str = "", *, copy: bool = False) -> None:
        super().__init__(f"{file}: {reason}" if file else reason)
        self.reason = reason
        self.copy = copy
        self.file = file


class FormatTooNew(SatchelError):
    """A file whose major format this satchel does not know: it waits for an upgrade."""


class StoreError(SatchelError):
    """The database cannot do it."""


class NotADatabase(StoreError):
    """The file is missing or is no database."""


class StoreLocked(StoreError):
    """The database stayed locked past the time-out."""


class Overtaken(StoreError):
    """The application changed rows while they were being sealed; nothing was recorded."""


class ConstraintRefused(StoreError):
    """The database refuses an edit of satchel's, or what a join puts together; nothing was changed."""


class NotSupported(SatchelError):
    """What this version does not do yet."""
