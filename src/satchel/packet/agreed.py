"""A version of the configuration that is accepted: what every run asks of it, and the signed file for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from satchel.packet.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from satchel.packet.configuration import Configuration


@dataclass(frozen=True, slots=True)
class Agreed:
    """`file_name`: its name in `nodes/`; `follows`: whether databases follow additive changes of the schema;
    `file`: all of it, signed."""

    file_name: str
    version: int
    follows: bool
    file: bytes

    def document(self, limits: Limits = DEFAULT_LIMITS) -> Configuration:
        """All of it. The limits are those under which it was accepted."""
        return _parsed(self.file, limits)


@lru_cache(maxsize=16)  # a run asks for the same one many times
def _parsed(file: bytes, limits: Limits) -> Configuration:
    from satchel.packet.configuration import Configuration

    return Configuration.parse(Configuration.open(file, limits).payload, limits)
