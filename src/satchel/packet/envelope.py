"""Signed files: DSSE envelopes (docs/spec/trust.md, steps E1-E4; secure-systems-lab/dsse).

What is signed is the type of the payload and its exact bytes, so that nothing depends on how JSON is written and a
card can never pass for a manifest. The payload travels inside the envelope: a reader uses the bytes that it verified.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from satchel.errors import BadPacket
from satchel.packet.json_text import dump_json, load_object
from satchel.packet.keys import PrivateKey, PublicKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits

SIGNATURE_BYTES = 64
_KEYID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature; `keyid` only helps to find the key."""

    keyid: str
    sig: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """A signed file that was taken apart. Nothing in it is to be believed before `verify`."""

    payload_type: str
    payload: bytes
    signatures: tuple[Signature, ...]

    def verify(self, key: PublicKey) -> bool:
        """Whether the owner of this key signed this payload as this type."""
        message = _signed_bytes(self.payload_type, self.payload)
        return any(s.keyid == key.keyid and key.verifies(s.sig, message) for s in self.signatures)


def seal_envelope(payload_type: str, payload: bytes, signers: Sequence[PrivateKey]) -> bytes:
    """The bytes of a signed file: JSON with `payloadType`, `payload` (base64) and `signatures`."""
    message = _signed_bytes(payload_type, payload)
    signatures = [{"keyid": key.public.keyid, "sig": _encode(key.sign(message))} for key in signers]
    return dump_json({"payloadType": payload_type, "payload": _encode(payload), "signatures": signatures})


def open_envelope(data: bytes, payload_type: str, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Takes a signed file apart. BadPacket if it is not exactly an envelope of this payload type."""
    envelope = read_envelope(data, limits)
    if envelope.payload_type != payload_type:
        raise BadPacket(f"signed as {envelope.payload_type[:80]!r}, not as {payload_type!r}")
    return envelope


def read_envelope(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Envelope:
    """Takes a signed file of any payload type apart. BadPacket if it is no envelope."""
    # Base64 makes the payload larger by a third; the payload itself is measured when it is parsed. Around it stand no
    # more than a few values, and nobody has signed anything yet.
    fields = load_object(data, limits.envelope_bytes, 20 * (limits.signatures + 1))
    if fields.keys() != {"payloadType", "payload", "signatures"}:
        raise BadPacket("not a signed file: payloadType, payload and signatures expected, nothing else")
    payload_type, signatures = fields["payloadType"], fields["signatures"]
    if not isinstance(payload_type, str) or not payload_type.isascii():
        raise BadPacket("not a signed file: the payload type is no text")
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= limits.signatures:
        raise BadPacket(f"not a signed file: 1 to {limits.signatures} signatures expected")
    found = tuple(_read_signature(entry) for entry in signatures)
    if len({signature.keyid for signature in found}) != len(found):
        raise BadPacket("one key signed twice")
    return Envelope(payload_type, _decode(fields["payload"]), found)


def _read_signature(entry: object) -> Signature:
    if not isinstance(entry, dict) or entry.keys() != {"keyid", "sig"}:
        raise BadPacket("a signature has keyid and sig, nothing else")
    keyid, sig = entry["keyid"], _decode(entry["sig"])
    if not isinstance(keyid, str) or not _KEYID.fullmatch(keyid) or len(sig) != SIGNATURE_BYTES:
        raise BadPacket("not an ed25519 signature")
    return Signature(keyid, sig)


def _signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: lengths in front, so that type and payload cannot run into each other."""
    kind = payload_type.encode("utf-8")
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: object) -> bytes:
    """Base64 in its one canonical form: otherwise one signed file would have many spellings."""
    if not isinstance(text, str):
        raise BadPacket("base64 text expected")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadPacket("not base64") from error
    if _encode(data) != text:
        raise BadPacket("base64 in an unusual spelling")
    return data
