"""Events of the file system: a hint to look at once, never the truth. Shares often send none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchdog.observers.api import BaseObserver, ObservedWatch


class Observer:
    """Calls `wake`, from a thread of its own, whenever a name appears in one of the folders."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self._wake = wake
        self._observer: BaseObserver | None = None
        self._watched: dict[Path, ObservedWatch] = {}

    def follow(self, folders: Iterable[Path]) -> None:
        """Watches these folders and no others. One that cannot be watched is only looked at."""
        wanted = {folder for folder in folders if folder.is_dir()}
        for folder in set(self._watched) - wanted:
            with suppress(KeyError, OSError):
                self._ready().unschedule(self._watched[folder])
            del self._watched[folder]
        for folder in wanted - set(self._watched):
            with suppress(OSError):  # no watches left, or a file system without events
                self._watched[folder] = self._ready().schedule(self._handler(), str(folder), recursive=False)

    def stop(self) -> None:
        """Ends the thread."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(timeout=1.0)

    def _ready(self) -> BaseObserver:
        if self._observer is None:
            from watchdog.observers import Observer as SystemObserver

            self._observer = SystemObserver()
            self._observer.daemon = True
            self._observer.start()
        return self._observer

    def _handler(self) -> Any:
        from watchdog.events import FileSystemEvent, FileSystemEventHandler

        wake = self._wake

        class Handler(FileSystemEventHandler):
            def on_created(self, event: FileSystemEvent) -> None:
                wake()

            def on_moved(self, event: FileSystemEvent) -> None:
                wake()

        return Handler()
