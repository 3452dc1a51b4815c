"""Cards, configurations and acknowledgements below the paths of an audit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from satchel.audit.held import Finding
from satchel.errors import BadPacket, FormatTooNew
from satchel.files import FileTrouble, read_limited
from satchel.packet.ack import Ack, open_ack
from satchel.packet.card import CardOnFile, read_card
from satchel.packet.keys import PublicKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.members import Members
from satchel.packet.problem import Problem, Waiting
from satchel.packet.receipt import newer


@dataclass(slots=True)
class Introduced:
    """The members, and what is wrong with the files that introduce them. `files`: their contents; `size` in bytes of
    all of them."""

    members: Members
    cards: tuple[CardOnFile, ...]
    problems: list[Finding]
    warnings: list[str]
    size: int
    files: tuple[bytes, ...] = ()


@dataclass(slots=True)
class Acks:
    """The newest acknowledgement of each node, and files that are none."""

    newest: dict[str, Ack] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    size: int = 0


def read_members(paths: Sequence[Path], root: PublicKey | None, limits: Limits = DEFAULT_LIMITS) -> Introduced:
    """The members by the files of `nodes/`. `root`: the founder's key where it is pinned. VerificationFailed: the
    founder's card is missing, or there are several and none is pinned."""
    files: dict[bytes, Path] = {}
    problems: list[Finding] = []
    for path in paths:
        try:
            files.setdefault(read_limited(path, limits.envelope_bytes), path)
        except FileTrouble as trouble:
            problems.append(_about(path, trouble.message.removeprefix(f"{path}: ")))
    members = Members.from_files(root, files, limits)
    labels = {f"nodes/{hashlib.sha256(data).hexdigest()[:8]}": path for data, path in files.items()}
    problems += [_named(problem, labels) for problem in members.problems]
    warnings = [f"{waits.what} waits for {waits.needs}" for waits in members.waiting]
    cards = tuple(card for data in files if (card := _card(data)) is not None)
    return Introduced(members, cards, problems, [*members.alarms, *warnings], sum(map(len, files)), tuple(files))


def read_acks(paths: Sequence[Path], members: Members) -> Acks:
    """The acknowledgements that their nodes signed."""
    acks = Acks()
    for path in paths:
        try:
            data = read_limited(path, members.limits.envelope_bytes)
            acks.size += len(data)
            ack = open_ack(data, members)
        except FileTrouble as trouble:
            acks.problems.append(_about(path, trouble.message.removeprefix(f"{path}: ")))
        except BadPacket as bad:
            acks.problems.append(_about(path, bad.reason))
        else:
            _take(ack, path, acks)
    return acks


def _take(ack: Ack | Waiting, path: Path, acks: Acks) -> None:
    if isinstance(ack, Waiting):
        acks.warnings.append(f"{path.name}: {ack.what} waits for {ack.needs}")
    elif (known := acks.newest.get(ack.node)) is None or newer(ack, known):
        acks.newest[ack.node] = ack


def _card(data: bytes) -> CardOnFile | None:
    try:
        return read_card(data)
    except (BadPacket, FormatTooNew):
        return None  # no card, or one that `members` has named


def _about(path: Path, reason: str) -> Finding:
    return Finding("", f"{path.parent.name}/{path.name}", reason, str(path.parent))


def _named(problem: Problem, labels: dict[str, Path]) -> Finding:
    path = labels.get(problem.file)
    return Finding("", problem.file, problem.reason) if path is None else _about(path, problem.reason)
