"""Verifying packets before a byte of them is decoded (docs/spec/packet.md, steps R1-R9). No pyarrow here."""

from __future__ import annotations

import hashlib
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from satchel.errors import BadPacket, FormatTooNew
from satchel.files import FileTrouble, open_regular
from satchel.files.trouble import translated
from satchel.model.ids import Dot, node_of
from satchel.packet.envelope import Envelope
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from satchel.packet.manifest import MANIFEST_NAME, Manifest, TableEntry, manifest_hash
from satchel.packet.members import Members
from satchel.packet.problem import Problem, Waiting
from satchel.packet.signers import Kind, check_network, read_signed

_PIECE = 1 << 20
_SMALL = 64 * 1024  # bytes of a manifest that is worth keeping


def _parse(payload: bytes, limits: Limits) -> Manifest:
    """A manifest is read at the exchange, when it is collected, and from the archive: equal bytes, equal manifest."""
    return _parsed(payload, limits) if len(payload) <= _SMALL else Manifest.parse(payload, limits)


@lru_cache(maxsize=512)
def _parsed(payload: bytes, limits: Limits) -> Manifest:
    return Manifest.parse(payload, limits)


_PACKET = Kind(Manifest.payload_type, "a packet", _parse, lambda manifest: node_of(manifest.origin), MANIFEST_NAME)


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """A manifest whose signature holds: of this network, by the node that it names. `envelope` is the file it was
    read from, `hash` the sha256 of the verified bytes."""

    manifest: Manifest
    hash: str
    envelope: bytes
    limits: Limits = DEFAULT_LIMITS  # under which it was read; its parts are read under the same


@dataclass(frozen=True, slots=True)
class Parts:
    """How a packet's files stand. *Complete*: all are there in full length. *Valid*: also unaltered."""

    incomplete: tuple[Problem, ...] = ()  # missing or short: may still be arriving
    invalid: tuple[Problem, ...] = ()  # never becomes right by waiting
    extra: tuple[str, ...] = ()  # names in the folder that the manifest does not know; nothing reads them

    @property
    def complete(self) -> bool:
        """Nothing is missing; says nothing about what is in it."""
        return not self.incomplete

    @property
    def valid(self) -> bool:
        """Complete, and every hash is right."""
        return not self.incomplete and not self.invalid


def read_manifest(data: bytes, members: Members, limits: Limits | None = None) -> SignedManifest | Waiting:
    """The manifest in a file `manifest.json`. Waiting: its signer has no accepted card yet, or its format is newer.
    BadPacket: it is not to be trusted. `limits`: those of `members` where none are given."""
    limits = limits or members.limits
    read = read_signed(_PACKET, data, members, limits, lambda envelope: _unknown_signer(envelope, members, limits))
    if isinstance(read, Waiting):
        return read
    manifest, envelope = read
    node = node_of(manifest.origin)
    if members.role(node) == "reader":
        raise BadPacket(f"{node} is a reader: its packets are refused", MANIFEST_NAME)
    return SignedManifest(manifest, manifest_hash(envelope.payload), data, limits)


def _unknown_signer(envelope: Envelope, members: Members, limits: Limits) -> Waiting:
    """What an unverified manifest says of itself decides only whether it waits, never what is applied."""
    keyid = envelope.signatures[0].keyid
    try:
        manifest = Manifest.parse(envelope.payload, limits)
    except FormatTooNew as newer:
        return Waiting(f"a packet signed by {keyid}", f"an upgrade: {newer.message}")
    node = node_of(manifest.origin)
    check_network(_PACKET, manifest, members)
    if members.is_revoked(node):
        raise BadPacket(f"revoked: nothing of {node} counts, since {node} was revoked", MANIFEST_NAME)
    if members.key_of(node) is not None:
        raise BadPacket(f"not signed by the key of {node}", MANIFEST_NAME)
    if (refused := members.refused(keyid)) is not None:
        raise BadPacket(f"the card of {node} was refused: {refused}", MANIFEST_NAME)
    return Waiting(str(manifest.dot), f"the card of {node}")


def verify_parts(folder: Path, manifest: Manifest) -> Parts:
    """Compares the files in a packet's folder with its manifest: sizes first, then hashes, nothing decoded.
    FileTrouble if the folder itself cannot be read."""
    incomplete: list[Problem] = []
    invalid: list[Problem] = []
    for table in manifest.tables:
        waits, reason = _compare(folder, table)
        if reason:
            (incomplete if waits else invalid).append(Problem(str(manifest.dot), table.file, reason))
    return Parts(tuple(incomplete), tuple(invalid), _extra(folder, manifest))


def _compare(folder: Path, table: TableEntry) -> tuple[bool, str]:
    """Whether a part may still be arriving, and what is wrong with it; "" if nothing is."""
    path = folder / table.file  # a plain name: the manifest's model refuses any other
    try:
        mode = path.lstat()
    except FileNotFoundError:
        return True, "missing"
    except OSError as error:
        return True, f"cannot be read: {error.strerror}"
    if not stat.S_ISREG(mode.st_mode):
        return False, "no regular file"
    if mode.st_size != table.bytes:
        words = f"{mode.st_size} of {table.bytes} bytes"
        return (True, f"short: {words}") if mode.st_size < table.bytes else (False, f"too long: {words}")
    try:
        same = hash_file(path, table.bytes) == table.sha256
    except FileTrouble as trouble:
        return True, f"cannot be read: {trouble.message}"
    return False, "" if same else "altered: its sha256 is not the manifest's"


def hash_file(path: Path, size: int) -> str:
    """sha256 (hex) of a regular file's first `size` bytes, and of one more if it has grown meanwhile."""
    digest, left = hashlib.sha256(), size + 1
    with open_regular(path) as file, translated(path):
        while left and (piece := file.read(min(_PIECE, left))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def _extra(folder: Path, manifest: Manifest) -> tuple[str, ...]:
    known = {MANIFEST_NAME, *(table.file for table in manifest.tables)}
    with translated(folder):
        return tuple(sorted(entry.name for entry in folder.iterdir() if entry.name not in known))


def verify_chain(packets: Iterable[SignedManifest]) -> list[Problem]:
    """What is wrong between packets: gaps, forks, a hash of the packet before that is not that packet's, groups whose
    packets disagree. Duplicates of one packet are no problem."""
    origins: dict[str, dict[int, dict[str, Manifest]]] = defaultdict(lambda: defaultdict(dict))
    for packet in packets:
        origins[packet.manifest.origin][packet.manifest.seq][packet.hash] = packet.manifest
    return [problem for origin in sorted(origins) for problem in _origin_problems(origin, origins[origin])]


def _origin_problems(origin: str, chain: dict[int, dict[str, Manifest]]) -> Iterator[Problem]:
    seqs = sorted(chain)
    for before, seq in zip([0, *seqs], seqs, strict=False):
        dot = str(Dot(origin, seq))
        if seq != before + 1:
            missing = f"{origin}/{before + 1}" + (f" to {origin}/{seq - 1}" if seq > before + 2 else "")
            yield Problem(dot, "", f"gap: {missing} missing before it")
        if len(chain[seq]) > 1:
            yield Problem(dot, MANIFEST_NAME, f"fork: {len(chain[seq])} valid manifests have this number")
        for manifest in chain[seq].values():
            if seq == before + 1 and seq > 1 and manifest.previous not in chain[before]:
                yield Problem(dot, MANIFEST_NAME, f"the hash of the packet before is not that of {origin}/{before}")
    yield from _group_problems(chain)


def _group_problems(chain: dict[int, dict[str, Manifest]]) -> Iterator[Problem]:
    for manifests in chain.values():
        for manifest in manifests.values():
            before = chain.get(manifest.seq - 1, {}).get(manifest.previous or "")
            if before is not None and not _groups_fit(before, manifest):
                yield Problem(str(manifest.dot), MANIFEST_NAME, "its group is not that of the packet before it")


def _groups_fit(before: Manifest, manifest: Manifest) -> bool:
    """Either the packet goes on with the group before it, or that one is whole and a new one begins."""
    if before.seq == before.group[1]:
        return manifest.group[0] == manifest.seq
    same_seal = (before.kind, before.configuration, before.created) == (
        manifest.kind,
        manifest.configuration,
        manifest.created,
    )
    return manifest.group == before.group and same_seal
