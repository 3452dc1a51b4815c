"""No byte of a Parquet file is decoded before signature, sizes and hashes have passed (PROTOCOL, Packet format)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest

import satchel
from satchel.errors import SatchelError
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import MANIFEST_NAME, Manifest
from tests.attacks.traitor import Traitor, customers
from tests.sync.sites import Place

Spoil = Callable[[Path, Traitor], object]


def alter_part(packet: Path, traitor: Traitor) -> None:
    part = packet / "customers.parquet"
    data = bytearray(part.read_bytes())
    data[20] ^= 1
    part.write_bytes(data)


def cut_part(packet: Path, traitor: Traitor) -> None:
    part = packet / "customers.parquet"
    part.write_bytes(part.read_bytes()[:-1])


def lengthen_part(packet: Path, traitor: Traitor) -> None:
    part = packet / "customers.parquet"
    part.write_bytes(part.read_bytes() + b"PAR1")


def sign_by_nobody(packet: Path, traitor: Traitor) -> None:
    key = PrivateKey.generate()
    payload = Manifest.open((packet / MANIFEST_NAME).read_bytes()).payload
    (packet / MANIFEST_NAME).write_bytes(seal_envelope(Manifest.payload_type, payload, [key]))


def alter_manifest(packet: Path, traitor: Traitor) -> None:
    marker = packet / MANIFEST_NAME
    data = bytearray(marker.read_bytes())
    data[data.index(b'"payload"') + 60] ^= 1
    marker.write_bytes(data)


def swap_parts(packet: Path, traitor: Traitor) -> None:
    """A part of another valid packet under this one's manifest."""
    other = traitor.write(customers("Mallory"))
    shutil.copyfile(other.folder / "customers.parquet", packet / "customers.parquet")
    shutil.rmtree(other.folder)


def link_part(packet: Path, traitor: Traitor) -> None:
    part = packet / "customers.parquet"
    part.rename(traitor.share / "elsewhere")
    part.symlink_to(traitor.share / "elsewhere")


SPOILS: dict[str, Spoil] = {
    "a part altered": alter_part,
    "a part cut off": cut_part,
    "a part lengthened": lengthen_part,
    "an unknown signer": sign_by_nobody,
    "a manifest altered": alter_manifest,
    "parts mixed and matched": swap_parts,
    "a part that is a link": link_part,
}


@pytest.fixture
def no_decoder(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Whoever decodes Parquet is heard, and fails."""
    heard: list[str] = []

    def caught(name: str) -> Callable[..., NoReturn]:
        def decode(*args: Any, **options: Any) -> NoReturn:
            heard.append(name)
            raise AssertionError(f"{name} was asked to decode")

        return decode

    for name in ("ParquetFile", "ParquetDataset", "read_table", "read_metadata", "read_schema", "read_pandas"):
        monkeypatch.setattr(pq, name, caught(name))
    for name in ("dataset", "parquet_dataset", "ParquetFileFormat"):
        monkeypatch.setattr(pyarrow.dataset, name, caught(name))
    yield heard


def attempt(what: Callable[[], object]) -> None:
    with suppress(SatchelError):
        what()


def ask_everything(place: Place, share: Path, loose: Path) -> None:
    """Every way in which a packet is looked at."""
    for way in (
        lambda: place.node.import_(share, dry_run=True),
        lambda: place.node.sync(share, dry_run=True),
        lambda: place.node.import_(loose),
        lambda: place.node.sync(share),
        lambda: place.node.sync(share),
        lambda: place.node.export(share),
        place.node.status,
        lambda: satchel.verify(loose),
        lambda: satchel.verify(share / "packets" / "acme" / "branch", share / "nodes"),
    ):
        attempt(way)


@pytest.mark.parametrize("what", SPOILS)
def test_nothing_of_an_unverified_packet_is_decoded(
    office: Place, branch: Place, share: Path, no_decoder: list[str], what: str
) -> None:
    traitor = Traitor(branch, share)
    packet = traitor.send(customers("Eve"))
    loose = office.root / "loose"
    SPOILS[what](packet, traitor)
    shutil.copytree(packet, loose / packet.name, symlinks=True)
    shutil.copytree(share / "nodes", loose / "nodes")
    before = office.dump()
    ask_everything(office, share, loose)
    assert no_decoder == []
    assert office.dump() == before
    assert office.node.status()["vector"] == {"office": 1}


def test_a_good_packet_is_decoded_and_so_the_trap_is_heard(
    office: Place, branch: Place, share: Path, no_decoder: list[str]
) -> None:
    Traitor(branch, share).send(customers("Eve"))
    attempt(lambda: office.node.sync(share))
    assert "ParquetFile" in no_decoder


@pytest.mark.parametrize("what", SPOILS)
def test_an_audit_asks_no_file_of_an_unverified_packet(office: Place, branch: Place, share: Path, what: str) -> None:
    traitor = Traitor(branch, share)
    packet = traitor.send(customers("Eve"))
    SPOILS[what](packet, traitor)
    try:
        with satchel.audit(share) as audit:
            rows = audit.sql("SELECT name FROM customers").fetchall()
    except (SatchelError, duckdb.Error):
        return
    assert ("Eve",) not in rows
    assert ("Mallory",) not in rows
