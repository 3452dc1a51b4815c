"""Satchel: databases that meet only through files come to hold the same rows.

    node = satchel.open("home")             # satchel.init(...), satchel.join(...) make one
    report = node.sync("/media/stick")
    satchel.verify("archive"); satchel.audit("archive").sql("SELECT ...")

Everything is loaded when it is first used: `import satchel` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satchel.api.node import Node
    from satchel.api.places import health, init, join, open, relay, verify
    from satchel.api.reporting import report
    from satchel.audit import open_audit as audit
    from satchel.errors import SatchelError

__version__ = "0.1.0"
__all__ = [
    "Node",
    "SatchelError",
    "__version__",
    "audit",
    "health",
    "init",
    "join",
    "open",
    "relay",
    "report",
    "verify",
]

_HOMES = {
    "Node": "satchel.api.node",
    "SatchelError": "satchel.errors",
    "health": "satchel.api.places",
    "init": "satchel.api.places",
    "join": "satchel.api.places",
    "open": "satchel.api.places",
    "report": "satchel.api.reporting",
    "relay": "satchel.api.places",
    "verify": "satchel.api.places",
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "audit":
        return import_module("satchel.audit")  # the room itself can be called: see audit/room.py
    if name not in _HOMES:
        raise AttributeError(f"module 'satchel' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
