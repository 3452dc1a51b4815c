"""Points at which a test kills the process or lets the medium fail (PROTOCOL, Promises: a kill at any instant).

Every step of this room announces itself right before it happens. Outside of tests the announcement does nothing.
A hook that raises OSError is a medium that fails at that step; one that raises anything else is a kill: no step of
this room cleans up behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# The step about to happen, and on what: make-folder, create, write, fsync, rename, fsync-folder, remove, remove-folder,
# and for reading: open, stat, list.
FaultHook = Callable[[str, Path], None]


def _nothing(step: str, path: Path) -> None:
    """No fault."""


_hook: FaultHook = _nothing


def fault_point(step: str, path: Path) -> None:
    """Announces a step. Raises what the hook raises."""
    _hook(step, path)


@contextmanager
def faults(hook: FaultHook) -> Iterator[None]:
    """Has `hook` called at every step until the block is left."""
    global _hook  # noqa: PLW0603 - one hook a process is the point
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before
