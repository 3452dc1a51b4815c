"""Clocks and dice of the simulated machines, so that a seed is the whole story: satchel's clock, the one that the
capture triggers read, and everything that satchel draws (keys, suffixes, nonces, ids)."""

from __future__ import annotations

import random
import secrets
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from satchel.packet.keys import PrivateKey

EPOCH = 1_790_000_000_000  # milliseconds since 1970 UTC: where a simulation begins
_DAY_MS, _JULIAN_1970 = 86_400_000, 2440587.5


@dataclass
class Clock:
    """The time of the world in milliseconds; it only goes forward."""

    now: int = EPOCH

    def go(self, milliseconds: int) -> None:
        self.now += milliseconds


def set_clock(db: sqlite3.Connection, at: int) -> None:
    """The clock of the machine on which somebody writes."""
    db.create_function("julianday", -1, lambda *_: at / _DAY_MS + _JULIAN_1970)


@contextmanager
def showing(at: int) -> Iterator[None]:
    """Satchel on this machine reads `at` from its clock."""
    plain = sqlite3.connect

    def connect(*args: Any, **options: Any) -> sqlite3.Connection:
        db = plain(*args, **options)
        set_clock(db, at)
        return db

    with mock.patch.object(time, "time_ns", lambda: at * 1_000_000), mock.patch.object(sqlite3, "connect", connect):
        yield


@contextmanager
def drawing(rng: random.Random) -> Iterator[None]:
    """Whatever satchel draws comes from `rng`."""
    real = Ed25519PrivateKey.from_private_bytes
    with (
        mock.patch.object(secrets, "token_hex", lambda count=32: rng.randbytes(count).hex()),
        mock.patch.object(secrets, "token_bytes", lambda count=32: rng.randbytes(count)),
        mock.patch.object(secrets, "choice", rng.choice),
        mock.patch.object(uuid, "uuid4", lambda: uuid.UUID(bytes=rng.randbytes(16), version=4)),
        mock.patch.object(PrivateKey, "generate", lambda: PrivateKey(real(rng.randbytes(32)))),
    ):
        yield
