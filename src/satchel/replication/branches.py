"""Branches: two packets of one origin and number make a fork, and each side is an origin of its own from there on
(PROTOCOL, Words: origin; Trouble: clone, fork; docs/spec/branches.md).

Manifests keep the name under which they were sealed, the *trunk*. Whoever knows both sides calls a packet by the branch
in whose chain it stands: `trunk~h`, h the first 8 digits of the manifest hash of the first packet after the fork it
comes from. Names are a function of the packets that are known, so that nobody has to agree on them; what others wrote,
in whatever names, is read by its hashes.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from satchel.model.ids import Dot, trunk_of
from satchel.model.renaming import Renaming
from satchel.model.vector import HASH_DIGITS, Mark, Vector

NAME_DIGITS = 8
HashOf = Callable[[Dot], str | None]  # of an applied packet, as the store names it: its manifest hash, hex


@dataclass(frozen=True, slots=True)
class Link:
    """A packet in a chain of manifests: `previous` is the hash of the manifest before it, empty for a first one."""

    trunk: str
    seq: int
    hash: str
    previous: str

    @property
    def digits(self) -> str:
        """The hash as contexts have it."""
        return self.hash[:HASH_DIGITS]

    @property
    def parent(self) -> tuple[int, str]:
        """Number and hash digits of the packet before it."""
        return self.seq - 1, self.previous[:HASH_DIGITS]


@dataclass(frozen=True, slots=True)
class Branch:
    """One side of a fork: its name and its first packet."""

    name: str
    link: Link


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of one chain under one name. `stored`: what the store calls it, None where nothing of it is applied."""

    name: str
    first: int
    last: int  # what is applied of it
    stored: str


@dataclass
class Naming:
    """What the packets are called that a node has applied (`applied`: its vector, as its store has it; `hash_of` their
    manifest hashes) and those that are merely here (`links`). `known`: the branches that the store tells apart."""

    links: Iterable[Link]
    applied: Vector
    hash_of: HashOf
    known: Iterable[Branch] = ()
    branches: dict[str, Branch] = field(init=False)
    forked: frozenset[str] = field(init=False)  # trunks that are looked at packet by packet

    def __post_init__(self) -> None:
        self._here: dict[str, dict[tuple[int, str], Link]] = defaultdict(dict)
        for link in sorted(self.links, key=lambda link: (link.trunk, link.seq, link.hash)):
            self._here[link.trunk].setdefault((link.seq, link.digits), link)
        self._old = {branch.name: branch for branch in self.known}
        self.forked = frozenset({trunk_of(name) for name in self._old} | set(filter(self._is_doubtful, self._here)))
        self.branches = {branch.name: branch for trunk in sorted(self.forked) for branch in self._branches_of(trunk)}
        self._by_first = {
            (trunk_of(branch.name), branch.link.seq, branch.link.digits): branch.name
            for branch in self.branches.values()
        }
        self._paths: dict[tuple[str, int, str], tuple[tuple[str, int, Mark], ...] | None] = {}

    # -- which branches there are

    def _is_doubtful(self, trunk: str) -> bool:
        """Whether two packets of one number are known: here, or here and applied."""
        seqs = [seq for seq, _ in self._here[trunk]]
        return len(set(seqs)) < len(seqs) or (trunk in self.applied and min(seqs) <= self.applied[trunk].seq)

    def _branches_of(self, trunk: str) -> Iterator[Branch]:
        firsts = {branch.link.digits: branch.link for branch in self._old.values() if trunk_of(branch.name) == trunk}
        children: dict[tuple[int, str], dict[str, Link]] = defaultdict(dict)
        for link in [*self._here[trunk].values(), *firsts.values()]:
            children[link.parent][link.digits] = link
        for (seq, digits), found in children.items():
            for link in self._applied_children(trunk, seq, digits):
                found.setdefault(link.digits, link)
            if len(found) > 1:
                firsts |= found
        alike: dict[str, int] = defaultdict(int)
        for link in firsts.values():
            for length in range(NAME_DIGITS, len(link.hash) + 1, NAME_DIGITS):
                alike[link.hash[:length]] += 1
        for link in sorted(firsts.values(), key=lambda link: (link.seq, link.hash)):
            # Who makes two manifests alike in 8 digits on purpose gets a longer name, and nothing else.
            lengths = range(NAME_DIGITS, len(link.hash) + 1, NAME_DIGITS)
            digits = next((link.hash[:length] for length in lengths if alike[link.hash[:length]] == 1), link.hash)
            yield Branch(f"{trunk}~{digits}", link)

    def _applied_children(self, trunk: str, seq: int, digits: str) -> Iterator[Link]:
        """What the store has behind a packet, in the same sequence."""
        origin = self._stored(trunk, seq, digits) if seq else trunk
        if origin is None or origin not in self.applied or self.applied[origin].seq <= seq:
            return
        found = self.hash_of(Dot(origin, seq + 1))
        if found is not None:
            yield Link(trunk, seq + 1, found, digits)

    def _stored(self, trunk: str, seq: int, digits: str) -> str | None:
        """The store's name of the origin to which an applied packet belongs; None: it is not applied."""
        for origin in (trunk, *(name for name in self._old if trunk_of(name) == trunk)):
            first = self._old[origin].link.seq if origin in self._old else 1
            mark = self.applied.get(origin)
            if mark is None or not first <= seq <= mark.seq:
                continue
            known = mark.hash if mark.seq == seq else self.hash_of(Dot(origin, seq))
            if known is not None and known[:HASH_DIGITS] == digits:
                return origin
        return None

    # -- what the store has to call otherwise

    @property
    def news(self) -> bool:
        """Whether there are branches that the store does not tell apart yet."""
        return self.branches.keys() != self._old.keys()

    @cached_property
    def _pieces(self) -> dict[str, list[_Piece]]:
        """What becomes of each origin of the store, in order of seq."""
        cuts: dict[str, dict[int, str]] = defaultdict(dict)
        for name, branch in self.branches.items():
            link = branch.link
            origin = self._stored(link.trunk, link.seq, link.digits)
            if origin is not None:
                cuts[origin][link.seq] = name
        pieces = {}
        for origin, mark in self.applied.items():
            first = self._old[origin].link.seq if origin in self._old else 1
            starts = sorted(({first: origin} | cuts[origin]).items())
            ends = [start - 1 for start, _ in starts[1:]] + [mark.seq]
            pieces[origin] = [
                _Piece(name, start, end, origin) for (start, name), end in zip(starts, ends, strict=True) if end
            ]
        return pieces

    @property
    def renamings(self) -> list[Renaming]:
        """What the store has to rename, to be done in this order."""
        found = []
        for origin, pieces in sorted(self._pieces.items()):
            for piece in reversed(pieces):
                if piece.name != origin:
                    previous = self.branches[piece.name].link.previous[:HASH_DIGITS]
                    before = Mark(piece.first - 1, previous) if previous and piece is not pieces[0] else None
                    found.append(Renaming(origin, piece.name, piece.first, before))
        return found

    @cached_property
    def vector(self) -> dict[str, Mark]:
        """What has been applied, under the names that hold."""
        found = {}
        for origin, pieces in self._pieces.items():
            for piece, after in zip(pieces, [*pieces[1:], None], strict=True):
                mark = self.applied[origin]
                if after is not None:
                    mark = Mark(piece.last, self.branches[after.name].link.previous[:HASH_DIGITS])
                found[piece.name] = mark
        return found

    def applied_hash(self, dot: Dot) -> str | None:
        """The hash digits of an applied packet, by the name that holds."""
        piece = self._stored_as.get(dot.origin)
        if piece is None or not piece.first <= dot.seq <= piece.last:
            return None
        found = self.hash_of(Dot(piece.stored, dot.seq))
        return None if found is None else found[:HASH_DIGITS]

    @cached_property
    def _stored_as(self) -> dict[str, _Piece]:
        return {piece.name: piece for pieces in self._pieces.values() for piece in pieces}

    # -- names of packets

    def name_of(self, link: Link) -> str:
        """The origin of a packet that is here or applied."""
        path = self._path(link.trunk, link.seq, link.digits) if link.trunk in self.forked else None
        return path[0][0] if path is not None else link.trunk

    def begins(self, link: Link) -> int:
        """The number with which the origin of such a packet begins: 1, or that of the first packet after the fork."""
        path = self._path(link.trunk, link.seq, link.digits) if link.trunk in self.forked else None
        return path[0][1] if path is not None else 1

    def first_of(self, origin: str) -> int:
        """The number with which an origin begins."""
        return self.branches[origin].link.seq if origin in self.branches else 1

    def has_number(self, origin: str, seq: int) -> bool:
        """Whether a number lies in an origin, as far as it is known to reach."""
        return origin in self.vector and self.first_of(origin) <= seq <= self._ends.get(origin, seq)

    def dot_of(self, dot: Dot, digits: str) -> Dot:
        """A packet that somebody named with its hash (16 digits, or none), by the name that holds here."""
        path = self._path(trunk_of(dot.origin), dot.seq, digits[:HASH_DIGITS]) if digits else None
        return Dot(path[0][0], dot.seq) if path is not None else dot

    @cached_property
    def _ends(self) -> dict[str, int]:
        """Where an origin ends because it forks."""
        found = {}
        for branch in self.branches.values():
            seq, digits = branch.link.parent
            if seq and (path := self._path(branch.link.trunk, seq, digits)) is not None:
                found[path[0][0]] = seq
        return found

    def span(self, origin: str, group: tuple[int, int]) -> tuple[int, int]:
        """The part of a group that belongs to one origin. Only who signs two packets of one number on purpose forks in
        the middle of a group."""
        return max(group[0], self.first_of(origin)), min(group[1], self._ends.get(origin, group[1]))

    def _path(self, trunk: str, seq: int, digits: str) -> tuple[tuple[str, int, Mark], ...] | None:
        """(origin, its first number, mark) of a packet and of the origins that it comes from, the newest first. None:
        no such packet is known."""
        key = (trunk, seq, digits)
        if key not in self._paths:
            self._paths[key] = self._find_path(trunk, seq, digits)
        return self._paths[key]

    def _find_path(self, trunk: str, seq: int, digits: str) -> tuple[tuple[str, int, Mark], ...] | None:
        """Goes back packet by packet only among those that are here; their paths are kept."""
        todo: list[Link] = []
        at, base = (seq, digits), None
        while base is None:
            base = self._paths.get((trunk, *at)) or self._applied_path(trunk, *at)
            link = self._here[trunk].get(at) if base is None and trunk in self._here else None
            if link is None:
                break
            todo.append(link)
            at = link.parent
        for link in reversed(todo):
            base = self._onward(link, base)
            self._paths[trunk, link.seq, link.digits] = base
        return base

    def _onward(
        self, link: Link, before: tuple[tuple[str, int, Mark], ...] | None
    ) -> tuple[tuple[str, int, Mark], ...]:
        """The path of a packet behind that of the one before it."""
        mark = Mark(link.seq, link.digits)
        branch = self._by_first.get((link.trunk, link.seq, link.digits))
        if branch is not None:
            return ((branch, link.seq, mark), *(before or ()))
        if before is not None:
            (name, first, _), *rest = before
            return ((name, first, mark), *rest)
        if link.seq == 1 or link.trunk not in self.forked:
            return ((link.trunk, 1, mark),)
        # Which branch it is of nobody can tell before the packets between have come: it waits for them by hash.
        return ((f"{link.trunk}~{link.hash[:NAME_DIGITS]}", link.seq, mark),)

    def _applied_path(self, trunk: str, seq: int, digits: str) -> tuple[tuple[str, int, Mark], ...] | None:
        origin = self._stored(trunk, seq, digits) if seq else None
        if origin is None:
            return None
        pieces = self._pieces[origin]
        piece = pieces[bisect_right(pieces, seq, key=lambda piece: piece.first) - 1]
        found = [(piece.name, piece.first, Mark(seq, digits))]
        branch = self.branches.get(piece.name)
        while branch is not None and branch.link.seq > 1:
            before, known = branch.link.parent
            parent = self._stored(trunk, before, known)
            if parent is None:
                break
            pieces = self._pieces[parent]
            piece = pieces[bisect_right(pieces, before, key=lambda piece: piece.first) - 1]
            found.append((piece.name, piece.first, Mark(before, known)))
            branch = self.branches.get(piece.name)
        return tuple(found)

    # -- what others wrote

    def knows(self, context: Vector) -> bool:
        """Whether every name in a context means here what it meant to its author."""
        return not any("~" in name or name in self.forked for name in context)

    def resolve(self, context: Vector) -> dict[str, Mark]:
        """A vector that somebody wrote, in the names that hold here. What is not known stays as it was named, with its
        hash, so that it is waited for."""
        if self.knows(context):
            return dict(context)
        found: dict[str, Mark] = {}
        unknown: dict[str, Mark] = {}
        for name, mark in context.items():
            trunk, digits = trunk_of(name), mark.hash[:HASH_DIGITS]
            path = None
            if name != trunk or trunk in self.forked:
                path = self._path(trunk, mark.seq, digits)
                if path is None:
                    unknown[name] = mark
                    continue
            for origin, _, met in path or ((name, 1, mark),):
                if origin not in found or found[origin].seq < met.seq:
                    found[origin] = met
        for name, mark in unknown.items():
            free = name not in found and (name not in self.vector or self.vector[name].seq < mark.seq)
            found[name if free else f"{trunk_of(name)}~{mark.hash[:NAME_DIGITS]}"] = mark
        return found

    def covered(self, vector: Vector) -> dict[str, Mark]:
        """A vector that somebody wrote, as what it covers of the packets that are here. An entry on a side that is not
        known says nothing of them; it stands under a name of its own."""
        known = {name: mark for name, mark in vector.items() if self._means(name, mark)}
        others = {name: mark for name, mark in vector.items() if name not in known}
        apart = {f"{trunk_of(name)}~{mark.hash[:NAME_DIGITS]}": mark for name, mark in others.items()}
        return apart | self.resolve(known)

    def _means(self, name: str, mark: Mark) -> bool:
        trunk, here = trunk_of(name), self.vector.get(name)
        if name in self.branches and (here is None or mark.seq > here.seq):
            return True  # its author knows the branch, and more of it
        if name == trunk and trunk not in self.forked:
            if here is None or mark.seq > here.seq:
                return True
            known = here.hash if mark.seq == here.seq else self.applied_hash(Dot(name, mark.seq))
            return known is None or known[:HASH_DIGITS] == mark.hash[:HASH_DIGITS]
        return self._path(trunk, mark.seq, mark.hash[:HASH_DIGITS]) is not None

    def origin_in(self, context: Vector, name: str, seq: int) -> str:
        """What the dot (name, seq) of an author with this context means here."""
        mark = context.get(name) or context.get(trunk_of(name))
        path = self._path(trunk_of(name), mark.seq, mark.hash[:HASH_DIGITS]) if mark is not None else None
        return next((origin for origin, first, _ in path or () if first <= seq), name)


def links_of(branches: Mapping[str, Branch]) -> dict[str, list[object]]:
    """Branches as plain data: name -> first number, hash of the first manifest and of the one before it."""
    return {name: [b.link.seq, b.link.hash, b.link.previous] for name, b in branches.items()}


def branches_from(data: Mapping[str, list[object]]) -> list[Branch]:
    """The inverse of `links_of`."""
    return [
        Branch(name, Link(trunk_of(name), int(str(seq)), str(digest), str(previous)))
        for name, (seq, digest, previous) in data.items()
    ]
