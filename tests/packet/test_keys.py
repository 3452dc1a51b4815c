from __future__ import annotations

import hashlib
import stat
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from satchel.errors import KeyTrouble
from satchel.packet.keys import PrivateKey, PublicKey


def test_a_saved_key_is_loaded_again(tmp_path: Path) -> None:
    key = PrivateKey.generate()
    key.save(tmp_path / "key.pem")
    loaded = PrivateKey.load(tmp_path / "key.pem")
    assert loaded.public == key.public
    assert key.public.verifies(loaded.sign(b"x"), b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_owner_reads_a_key_file(tmp_path: Path) -> None:
    PrivateKey.generate().save(tmp_path / "key.pem")
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    PrivateKey.generate().save(tmp_path / "key.pem")
    before = (tmp_path / "key.pem").read_bytes()
    with pytest.raises(KeyTrouble):
        PrivateKey.generate().save(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").read_bytes() == before


def test_a_missing_key_is_key_trouble(tmp_path: Path) -> None:
    with pytest.raises(KeyTrouble) as caught:
        PrivateKey.load(tmp_path / "key.pem")
    assert caught.value.hint


def test_a_file_that_is_no_key_is_key_trouble(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("-----BEGIN NONSENSE-----")
    with pytest.raises(KeyTrouble, match="not a key"):
        PrivateKey.load(tmp_path / "key.pem")


def test_a_key_of_another_kind_is_key_trouble(tmp_path: Path) -> None:
    other = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(other)
    with pytest.raises(KeyTrouble, match="ed25519"):
        PrivateKey.load(tmp_path / "key.pem")


def test_a_public_key_survives_as_text() -> None:
    public = PrivateKey.generate().public
    assert PublicKey.parse(public.text) == public


def test_the_keyid_is_the_start_of_the_hash_of_the_raw_key() -> None:
    public = PrivateKey.generate().public
    assert public.keyid == hashlib.sha256(public.raw).hexdigest()[:16]


@pytest.mark.parametrize("text", ["", "eA==", "not base64", "A" * 44, "é"])
def test_text_that_is_no_public_key_is_key_trouble(text: str) -> None:
    with pytest.raises(KeyTrouble):
        PublicKey.parse(text)
