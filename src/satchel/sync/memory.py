"""What a node remembers of signed files that it has verified, so that no run does it again (ADR 28).

It stands in the notes of the database: which files were verified by their hash, and what the files of `nodes/` came to.
Whoever can write there could as well put another founder's key into `satchel.toml`; what is new, or differs by a bit,
or was judged by another satchel, is verified as if nothing were remembered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from satchel import __version__
from satchel.packet.members import Members
from satchel.packet.plain import digest_of, members_from_plain, members_to_plain

if TYPE_CHECKING:
    from satchel.packet.limits import Limits

NOTE = "verified"
_FILES, _FILES_EACH = 16, 4  # so many files are remembered, and so many more for each member
Settled = tuple[int, str]  # of a folder of the archive: up to which number, and what its names come to (sync/shelf.py)


@dataclass
class Memory:
    """`files`: digests of signed files that were good under these members; `snapshots`: likewise, with what they say;
    `key`: digest of the key's file, and its public key."""

    decided: str = ""  # digest of all that the members were decided on
    members: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    snapshots: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    key: tuple[str, str] = ("", "")
    shelf: dict[str, Settled] = field(default_factory=dict)
    _read: str = ""

    @staticmethod
    def of(text: str) -> Memory:
        """As the last run left it; nothing where another satchel wrote it, or nobody."""
        try:
            raw = json.loads(text or "{}")
            if raw.get("satchel") != __version__:
                return Memory()
            memory = Memory(
                str(raw["decided"]), dict(raw["members"]), dict.fromkeys(raw["files"]), dict(raw["snapshots"])
            )
            memory.key = (str(raw["key"][0]), str(raw["key"][1]))
            memory.shelf = {str(folder): (int(seq), str(digest)) for folder, (seq, digest) in raw["shelf"].items()}
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return Memory()
        memory._read = memory.text()
        return memory

    def text(self) -> str:
        """As it is written."""
        files = list(self.files)[-_FILES - _FILES_EACH * len(self.members.get("members", ())) :]
        fields = {"decided": self.decided, "members": self.members, "files": files, "snapshots": self.snapshots}
        return json.dumps({"satchel": __version__, **fields, "key": self.key, "shelf": self.shelf})

    def has_changed(self) -> bool:
        """Whether it is to be written again."""
        return self.text() != self._read

    # -- members

    def decide(self, root: str, files: Iterable[bytes], limits: Limits) -> Members:
        """The members by these files of `nodes/`, decided anew only if one of them is."""
        from satchel.packet.keys import PublicKey

        known = {digest_of(data): data for data in files}
        decided = hashlib.sha256("\n".join([root, repr(limits), *sorted(known)]).encode()).hexdigest()
        if decided == self.decided:
            try:
                return members_from_plain(self.members, known, limits)
            except (ValueError, KeyError, TypeError, AttributeError):
                pass
        members = Members.from_files(PublicKey.parse(root), known.values(), limits)
        self.decided, self.members = decided, members_to_plain(members)
        self.files.clear()  # who may sign what is another question now
        self.snapshots.clear()
        return members

    # -- files

    def knows(self, file: bytes) -> bool:
        """Whether a file was verified under the members that hold."""
        return digest_of(file) in self.files

    def keep(self, file: bytes) -> None:
        """A file was verified, or signed here."""
        self.files[digest_of(file)] = None
