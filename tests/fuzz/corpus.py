"""Valid files of a small network: what a fuzzer starts from, and the readers that it is to break.

The keys are fixed, so that a finding can be read again by another run.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from satchel.errors import SatchelError
from satchel.model.vector import Mark
from satchel.packet.ack import Ack, open_ack
from satchel.packet.card import Card, make_founder_card, read_card
from satchel.packet.configuration import Configuration
from satchel.packet.deciding import node_file_name
from satchel.packet.document import Document, Network
from satchel.packet.envelope import read_envelope, seal_envelope
from satchel.packet.invitation import InvitationFile, read_invitation
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import Limits
from satchel.packet.manifest import MANIFEST_NAME, Manifest
from satchel.packet.members import Members
from satchel.packet.reader import open_packet
from satchel.packet.snapshot import SnapshotManifest, read_snapshot
from satchel.packet.statement import Statement, make_revocation, make_seen
from satchel.packet.verify import read_manifest
from tests.packet.builders import CUSTOMERS, NOW, Acme, customers

LIMITS = Limits(manifest_bytes=1 << 20, json_values=20_000, free_decoded_bytes=32 << 20, footer_bytes=1 << 20)
Reader = Callable[[bytes], object]


@dataclass
class Corpus:
    """One network in a folder of its own."""

    folder: Path

    @cached_property
    def acme(self) -> Acme:
        """An office, a branch that joined, a configuration and a statement."""
        made = Acme(self.folder)
        made.office.key = PrivateKey.from_raw(b"office" + bytes(26))
        made.network = made.office.network = Network(id="0b6c0d0e-6a3e-4a35-9f0e-5f0a6c1d2e3f", name="acme")
        made.files = [make_founder_card(made.office.key, made.network, "office", NOW)]
        made.join("branch")
        made.files.append(Configuration.of(made.network, [CUSTOMERS], signer="office", stamp=1).seal(made.office.key))
        made.files.append(make_seen(made.office.key, made.network, "office", "c0ffee", NOW))
        return made

    @cached_property
    def members(self) -> Members:
        """Who belongs to it."""
        return self.acme.members

    @cached_property
    def packet(self) -> tuple[Manifest, Path]:
        """A packet of the office and its folder."""
        signed, folder = self.acme.office.seal(customers(3, columns=["name"]))
        return signed.manifest, folder

    @cached_property
    def seeds(self) -> dict[str, bytes]:
        """Name of a target -> a file that its reader takes."""
        manifest, folder = self.packet
        ack = {
            "network": {"id": self.acme.network.id, "name": "acme"},
            "node": "office",
            "origin": "office",
            "counter": "7",
            "vector": {"office": [1, "0" * 16]},
            "waiting": [{"packet": "branch/2", "for": "branch/1"}],
            "configuration": 1,
            "clock": "2026-05-03T10:00:00.000Z",
        }
        card, _, configuration, statement = self.acme.files
        return {
            "manifest": (folder / MANIFEST_NAME).read_bytes(),
            "ack": Ack.parse(json.dumps({"format": {"major": 1}, **ack}).encode()).seal(self.acme.office.key),
            "card": card,
            "configuration": configuration,
            "statement": statement,
            "revocation": make_revocation(
                self.acme.office.key,
                self.acme.network,
                "office",
                "branch",
                {"branch": Mark(3, "0" * 16)},
                ["0" * 16],
                NOW,
            ),
            "snapshot": self.snapshot(manifest),
            "invitation": self.acme.invite("kiosk"),
            "part": (folder / manifest.tables[0].file).read_bytes(),
        }

    def snapshot(self, manifest: Manifest) -> bytes:
        """What an admin signs of a state; only the manifest."""
        fields = json.loads(manifest.to_bytes())
        kept = {name: fields[name] for name in ("format", "network", "configuration", "created", "software", "tables")}
        books = {"rows": 1, "bytes": 1, "sha256": "0" * 64}
        said = {
            "author": "office",
            "stamp": str(NOW),
            "vector": {"office": [1, "0" * 16]},
            "packets": {**books, "file": "packets.parquet"},
            "nodes": {**books, "file": "nodes.parquet"},
            "branches": {"office~00000000": [1, "0" * 64, ""]},
        }
        return SnapshotManifest.parse(json.dumps({**kept, **said}).encode()).seal(self.acme.office.key)

    @cached_property
    def readers(self) -> Mapping[str, Reader]:
        """Name of a target -> what reads such files."""
        return {
            "manifest": lambda data: read_manifest(data, self.members, LIMITS),
            "ack": lambda data: open_ack(data, self.members, LIMITS),
            "card": lambda data: read_card(data, LIMITS),
            "configuration": self.read_node_file,
            "statement": self.read_node_file,
            "revocation": self.read_node_file,
            "snapshot": lambda data: read_snapshot(data, self.members, LIMITS),
            "invitation": lambda data: read_invitation(data, NOW),
            "part": self.read_part,
        }

    def read_node_file(self, data: bytes) -> object:
        """As a site takes files of `nodes/`."""
        name = node_file_name(data, LIMITS)
        found = Members.from_files(self.acme.office.key.public, [*self.acme.files, data], LIMITS)
        for configuration in found.configurations:
            configuration.document(LIMITS).shared_tables()
        return name

    def read_part(self, data: bytes) -> int:
        """As a packet whose member signed this very part."""
        manifest, folder = self.packet
        part = folder / manifest.tables[0].file
        if not data:
            return 0
        part.write_bytes(data)
        fields = json.loads(manifest.to_bytes())
        fields["tables"][0] |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        return open_packet(folder, Manifest.parse(json.dumps(fields).encode()), LIMITS).check()

    def signed(self, target: str, payload: bytes) -> bytes:
        """The payload as a file of this kind, rightly signed by the office."""
        kinds: dict[str, type[Document]] = {
            "manifest": Manifest,
            "ack": Ack,
            "card": Card,
            "configuration": Configuration,
            "statement": Statement,
            "revocation": Statement,
            "snapshot": SnapshotManifest,
            "invitation": InvitationFile,
        }
        return seal_envelope(kinds[target].payload_type, payload, [self.acme.office.key])

    def read(self, target: str, data: bytes) -> bool:
        """Whether the file was taken. Anything but an error of satchel's leaves this function: that is a finding."""
        try:
            self.readers[target](data)
        except SatchelError:
            return False
        return True

    def read_both(self, target: str, data: bytes) -> bool:
        """The bytes as the file, and as what a member signed: most readers only begin behind the signature."""
        whole = self.read(target, data)
        return (target != "part" and self.read(target, self.signed(target, data))) or whole

    def payload(self, target: str) -> bytes:
        """What is inside the seed."""
        seed = self.seeds[target]
        return seed if target == "part" else read_envelope(seed).payload


TARGETS = ("manifest", "ack", "card", "configuration", "statement", "revocation", "snapshot", "invitation", "part")


def tokens(corpus: Corpus) -> list[bytes]:
    """Words that a mutation may put in: names of fields, values at the edges, hostile names."""
    words: set[bytes] = set()
    for target in TARGETS:
        if target != "part":
            _collect(json.loads(corpus.payload(target)), words)
    edges = ["1e400", "NaN", "-1", "0", "9" * 400, "9223372036854775808", "null", "[]", "{}", '"\\ud800"', '"\\u0000"']
    hostile = [
        '"../x"',
        '"/etc/passwd"',
        '"con.parquet"',
        '"_satchel_note"',
        '"sqlite_master"',
        '"a~b"',
        '"\\u001b[2J"',
    ]
    return sorted(words | {text.encode() for text in (*edges, *hostile)} | {b"[" * 300, b'{"a":' * 300})


def _collect(value: Any, words: set[bytes]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            words.add(json.dumps(name).encode() + b":")
            _collect(inner, words)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, words)
    else:
        words.add(json.dumps(value).encode())


def temporary() -> Corpus:
    """A corpus in a folder that the system clears away."""
    return Corpus(Path(tempfile.mkdtemp(prefix="satchel-fuzz-")))
