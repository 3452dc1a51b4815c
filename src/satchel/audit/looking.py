"""Manifests and hashes of many packets, several at a time: reading, hashing and checking a signature leave other
threads room to work."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

from satchel.audit.held import Finding
from satchel.audit.places import Place
from satchel.errors import BadPacket
from satchel.files import FileTrouble, read_limited
from satchel.packet.members import Members
from satchel.packet.problem import Waiting
from satchel.packet.verify import Parts, SignedManifest, read_manifest, verify_parts

_CHUNK = 16  # packets that a thread looks at in a row
_AHEAD = 8  # chunks: what was looked at and nobody has asked for yet takes memory
_MOST_THREADS = 8


class Look(NamedTuple):
    """A place, the manifest there or why it is not believed, and how its files stand: None where that was not looked
    at."""

    place: Place
    opened: SignedManifest | Finding
    parts: Parts | FileTrouble | None


def open_place(place: Place, members: Members) -> SignedManifest | Finding:
    """The manifest at a place if a member signed it, otherwise why it is not believed."""
    path = place.folder / place.marker
    try:
        found = read_manifest(read_limited(path, members.limits.envelope_bytes), members)
    except FileTrouble as trouble:
        return Finding(place.guess, place.marker, trouble.message.removeprefix(f"{path}: "), str(place.folder))
    except BadPacket as bad:
        return Finding(place.guess, place.marker, bad.reason, str(place.folder))
    if isinstance(found, Waiting):
        return Finding(place.guess, place.marker, f"waits for {found.needs}", str(place.folder))
    return found


def look_at(places: Sequence[Place], members: Members) -> Iterator[Look]:
    """Each place in its order, manifest and files verified."""
    threads = min(os.cpu_count() or 1, _MOST_THREADS)
    chunks = [places[start : start + _CHUNK] for start in range(0, len(places), _CHUNK)]
    if threads == 1 or len(chunks) < 4:
        yield from (_look(place, members) for place in places)
        return
    waiting: deque[Future[list[Look]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for chunk in chunks:
                waiting.append(pool.submit(_look_at_chunk, chunk, members))
                if len(waiting) > _AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _look_at_chunk(places: Sequence[Place], members: Members) -> list[Look]:
    return [_look(place, members) for place in places]


def _look(place: Place, members: Members) -> Look:
    opened = open_place(place, members)
    if isinstance(opened, Finding):
        return Look(place, opened, None)
    try:
        return Look(place, opened, verify_parts(place.folder, opened.manifest))
    except FileTrouble as trouble:
        return Look(place, opened, trouble)
