"""The room itself can be called: `satchel.audit("archive")` opens an audit (INTERFACE, Python).

Importing a module of this room puts the room into `satchel` under its name, over any function called `audit` there; so
the room is that function.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from satchel.audit.session import Audit

_HOMES = {"Audit": "session", "open_audit": "session", "verify_paths": "verification"}


class Room(ModuleType):
    """A module that is called like `open_audit`, and whose names are imported when they are asked for."""

    def __call__(self, *paths: Path | str, **options: Any) -> Audit:
        """The same as `open_audit`."""
        from satchel.audit.session import open_audit

        return open_audit(*paths, **options)

    def __getattr__(self, name: str) -> Any:
        """Names that are heavy to import."""
        from importlib import import_module

        if name not in _HOMES:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{self.__name__}.{_HOMES[name]}"), name)
