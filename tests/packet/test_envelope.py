from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from satchel.errors import BadPacket
from satchel.packet.envelope import open_envelope, read_envelope, seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import Limits

KEY = PrivateKey.generate()
TYPE = "application/vnd.satchel.test+json"
SEALED = seal_envelope(TYPE, b'{"rows": 3}', [KEY])


def test_what_was_sealed_opens_and_verifies() -> None:
    envelope = open_envelope(SEALED, TYPE)
    assert envelope.payload == b'{"rows": 3}'
    assert envelope.verify(KEY.public)


def test_two_signers_are_both_found() -> None:
    other = PrivateKey.generate()
    envelope = open_envelope(seal_envelope(TYPE, b"x", [KEY, other]), TYPE)
    assert envelope.verify(KEY.public)
    assert envelope.verify(other.public)


def test_the_signed_bytes_are_those_of_dsse() -> None:
    [signature] = open_envelope(
        seal_envelope("http://example.com/HelloWorld", b"hello world", [KEY]), "http://example.com/HelloWorld"
    ).signatures
    assert KEY.public.verifies(signature.sig, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world")


@given(st.binary(max_size=300))
def test_bytes_from_anywhere_are_refused_and_never_crash(data: bytes) -> None:
    with pytest.raises(BadPacket):
        read_envelope(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ALMOST = st.fixed_dictionaries(
    {"payloadType": JSON | st.just(TYPE), "payload": JSON | st.just("eA=="), "signatures": JSON | st.just([])},
    optional={"more": JSON},
)


@given(JSON | ALMOST)
def test_json_from_anywhere_is_refused_and_never_crashes(value: object) -> None:
    with pytest.raises(BadPacket):
        read_envelope(json.dumps(value).encode())


@settings(max_examples=400)
@given(st.integers(0, len(SEALED) * 8 - 1))
def test_no_flipped_bit_is_accepted(bit: int) -> None:
    altered = bytearray(SEALED)
    altered[bit // 8] ^= 1 << bit % 8
    try:
        envelope = open_envelope(bytes(altered), TYPE)
    except BadPacket:
        return
    # white space outside of strings is the only thing that JSON lets pass; what is read is what was signed
    assert not envelope.verify(KEY.public) or json.loads(altered) == json.loads(SEALED)


def test_every_single_bit_of_payload_and_signature_counts() -> None:
    fields = json.loads(SEALED)
    for place in ("payload", "sig"):
        text = fields["payload"] if place == "payload" else fields["signatures"][0]["sig"]
        raw = base64.b64decode(text)
        for bit in range(len(raw) * 8):
            altered = bytearray(raw)
            altered[bit // 8] ^= 1 << bit % 8
            changed = SEALED.replace(text.encode(), base64.b64encode(altered))
            assert not open_envelope(changed, TYPE).verify(KEY.public)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f | {"more": 1}, "nothing else"),
        (lambda f: {k: v for k, v in f.items() if k != "payload"}, "nothing else"),
        (lambda f: f | {"signatures": []}, "signatures expected"),
        (lambda f: f | {"signatures": f["signatures"] * 2}, "twice"),
        (lambda f: f | {"signatures": f["signatures"] * 9}, "signatures expected|values are more"),
        (lambda f: f | {"signatures": [f["signatures"][0] | {"alg": "none"}]}, "nothing else"),
        (lambda f: f | {"payload": f["payload"] + "="}, "base64"),
        (lambda f: f | {"payload": f["payload"] + "\n"}, "base64"),
        (lambda f: f | {"payloadType": 7}, "payload type"),
    ],
)
def test_an_envelope_is_exactly_an_envelope(change: object, reason: str) -> None:
    with pytest.raises(BadPacket, match=reason):
        open_envelope(json.dumps(change(json.loads(SEALED))).encode(), TYPE)  # type: ignore[operator]


def test_a_base64_spelling_with_loose_last_bits_is_refused() -> None:
    sealed = seal_envelope(TYPE, b"x", [KEY])
    with pytest.raises(BadPacket, match="unusual"):
        open_envelope(sealed.replace(b'"eA=="', b'"eB=="'), TYPE)


def test_what_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(BadPacket, match="more than"):
        open_envelope(b" " * 10_000, TYPE, Limits(manifest_bytes=100))
