"""A version of the configuration that is accepted: what every run asks of it, and the signed bytes for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from satchel.packet.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from satchel.packet.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Agreed:
    """`file_name`: its name in `nodes/`; `follows`: whether databases follow additive changes of the schema; `payload`:
    the bytes that were signed."""

    file_name: str
    version: int
    follows: bool
    payload: bytes

    def document(self, limits: Limits = DEFAULT_LIMITS) -> Configuration:
        """All of it. The limits are those under which it was accepted."""
        return _parsed(self.payload, limits)


@lru_cache(maxsize=16)  # a run asks for the same one many times
def _parsed(payload: bytes, limits: Limits) -> Configuration:
    from satchel.packet.configuration import Configuration

    return Configuration.parse(payload, limits)
