"""How far long work has come: told by the rooms that do it, to whoever wants to know (ADR 28).

A stage says what is done, how much there is of it and in what; nobody has to listen, and no room knows a terminal.
Stages may stand in one another: the inner one is what happens now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Stage:
    """`doing`: in words, as "sealing"; `unit`: what is counted, in the plural; `total` None: nobody knows."""

    doing: str
    unit: str
    total: int | None
    done: int = 0

    def advance(self, count: int = 1) -> None:
        """So much more is done."""
        self.done += count


class Listener:
    """The stages that are under way, the inner one last. May be read by another thread."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []


_listener: ContextVar[Listener | None] = ContextVar("progress", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """The listener is told of every stage until the block is left."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def stage(doing: str, unit: str, total: int | None = None) -> Iterator[Stage]:
    """A piece of long work, for as long as the block."""
    made, listener = Stage(doing, unit, total), _listener.get()
    if listener is None:
        yield made
        return
    listener.stages.append(made)
    try:
        yield made
    finally:
        listener.stages.remove(made)


def counted(things: Iterable[T], doing: str, unit: str, total: int | None = None) -> Iterator[T]:
    """The same things one by one, each counted when the next is asked for."""
    with stage(doing, unit, total) as under_way:
        for thing in things:
            yield thing
            under_way.advance()


def counting(things: Iterable[T], under_way: Stage, size: Callable[[T], int]) -> Iterator[T]:
    """The same things, their sizes added to a stage."""
    for thing in things:
        yield thing
        under_way.advance(size(thing))
