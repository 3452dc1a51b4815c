"""Cuts: what lies beyond a revocation counts as met as soon as the cut itself is met (PROTOCOL, Members)."""

from __future__ import annotations

from collections.abc import Callable

from satchel.model.vector import Mark, Vector

Cut = Callable[[str], Mark | None]  # the last packet of an origin that counts, seq 0: none does; None: it is not cut


def clamp(context: Vector, cut: Cut) -> dict[str, Mark]:
    """A context as it has to be met: entries beyond a cut are the cut, and nothing where nothing of an origin counts.
    For the causal order only; what a version has seen stays what it has seen."""
    found = {}
    for origin, mark in context.items():
        last = cut(origin)
        needed = mark if last is None or mark.seq <= last.seq else last
        if needed.seq:
            found[origin] = needed
    return found


def is_beyond(origin: str, seq: int, cut: Cut) -> bool:
    """Whether a packet lies beyond a cut."""
    last = cut(origin)
    return last is not None and seq > last.seq
