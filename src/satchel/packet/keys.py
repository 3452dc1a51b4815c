"""Keys of nodes: ed25519 (RFC 8032)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import KeyTrouble
from satchel.files import FileTrouble, read_limited, replace, write_new

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# The library is imported where a signature is made or checked: a run that finds nothing new needs neither (ADR 28).
KEY_BYTES = 32
KEYID_DIGITS = 16
_PEM_BYTES = 1 << 16


@dataclass(frozen=True)
class PublicKey:
    """What everybody may know of a node's key: 32 raw bytes."""

    raw: bytes

    @staticmethod
    def parse(text: str) -> PublicKey:
        """A key as `text` writes it; KeyTrouble if it is none."""
        try:
            raw = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise KeyTrouble("not a public key: no base64") from error
        if len(raw) != KEY_BYTES or base64.b64encode(raw).decode("ascii") != text:
            raise KeyTrouble(f"not a public key: an ed25519 key has {KEY_BYTES} bytes")
        return PublicKey(raw)

    @cached_property
    def text(self) -> str:
        """The key in base64, as cards have it."""
        return base64.b64encode(self.raw).decode("ascii")

    @cached_property
    def keyid(self) -> str:
        """The fingerprint: first 16 hex digits of the sha256 of the raw key. It finds a key; it proves nothing."""
        return hashlib.sha256(self.raw).hexdigest()[:KEYID_DIGITS]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether this key's owner signed exactly this message."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class PrivateKey:
    """A node's own key. It never leaves the home; it has no readable form but the PEM file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        self._key = key
        self.public = PublicKey(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @staticmethod
    def generate() -> PrivateKey:
        """A fresh key from the system's randomness."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return PrivateKey(Ed25519PrivateKey.generate())

    @staticmethod
    def from_raw(raw: bytes) -> PrivateKey:
        """The key of an invitation; KeyTrouble if these are not 32 bytes."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        try:
            return PrivateKey(Ed25519PrivateKey.from_private_bytes(raw))
        except ValueError as error:
            raise KeyTrouble("not a private key: an ed25519 key has 32 bytes") from error

    def raw(self) -> bytes:
        """The 32 secret bytes; only an invitation carries them."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    def sign(self, message: bytes) -> bytes:
        """64 bytes of signature over the message."""
        return self._key.sign(message)

    def save(self, path: Path) -> None:
        """Writes the key as PEM (PKCS 8) into a new file that only its owner may read, and flushes it. KeyTrouble if
        the file exists or cannot be written: a key is never overwritten."""
        try:
            write_new(path, self._pem(), mode=0o600)
        except FileTrouble as error:
            raise KeyTrouble(f"cannot write the key: {error.message}", error.hint) from error

    def replace(self, path: Path) -> None:
        """Puts the key in the place of another one, whole or not at all. KeyTrouble if it cannot be written."""
        try:
            replace(path, self._pem(), mode=0o600)
        except FileTrouble as error:
            raise KeyTrouble(f"cannot write the key: {error.message}", error.hint) from error

    def _pem(self) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        return self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @staticmethod
    def load(path: Path) -> PrivateKey:
        """The key in a PEM file. KeyTrouble if it is missing, unreadable, or no ed25519 key."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(read_limited(path, _PEM_BYTES, follow_links=True), password=None)
        except FileTrouble as error:
            raise KeyTrouble(f"cannot read the key: {error.message}", "Put the node's key back.") from error
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise KeyTrouble(f"not a key: {path}", "Put the node's key back from its backup.") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise KeyTrouble(f"not an ed25519 key: {path}", "Put the node's key back from its backup.")
        return PrivateKey(key)
