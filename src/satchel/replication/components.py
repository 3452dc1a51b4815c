"""Tables by components of reference, parents first (PROTOCOL, Constraints)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True, slots=True)
class Component:
    """Tables that refer to each other. `circular`: in a circle, or one that refers to itself."""

    tables: tuple[str, ...]  # by name
    circular: bool


def order_components(parents: Mapping[str, Collection[str]]) -> list[Component]:
    """`parents`: the tables that each table refers to. Parents first; of those that could come next, by name."""
    reach = {name: _reachable(parents[name], parents) for name in parents}
    home = {name: min([name, *(o for o in reach[name] if name in reach[o])]) for name in parents}
    members: dict[str, list[str]] = {}
    for name in sorted(parents):
        members.setdefault(home[name], []).append(name)
    above = {first: {home[p] for name in names for p in parents[name]} - {first} for first, names in members.items()}
    return [Component(tuple(members[f]), f in reach[f]) for f in _parents_first(above)]


def _reachable(start: Iterable[str], parents: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(start)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead.extend(parents[name])
    return found


def _parents_first(above: Mapping[str, Collection[str]]) -> list[str]:
    missing = {name: len(over) for name, over in above.items()}
    below: dict[str, list[str]] = {}
    for name, over in above.items():
        for parent in over:
            below.setdefault(parent, []).append(name)
    ready = [name for name, count in missing.items() if not count]
    heapify(ready)
    done = []
    while ready:
        done.append(heappop(ready))
        for name in below.get(done[-1], ()):
            missing[name] -= 1
            if not missing[name]:
                heappush(ready, name)
    return done
