"""Limits: named in one file, changed in `satchel.toml`, and kept for little memory and time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest

from satchel.errors import SatchelError
from satchel.packet.configuration import Configuration
from satchel.packet.envelope import seal_envelope
from satchel.packet.keys import PrivateKey
from satchel.packet.limits import DEFAULT_LIMITS, Limits
from tests.attacks.forge import parquet_file, wire_rows
from tests.attacks.traitor import Traitor, customers
from tests.sync.sites import Place

ROOT = Path(__file__).parents[2]
MIB = 1 << 20


def choose(place: Place, **limits: int) -> None:
    toml = place.home / "satchel.toml"
    toml.write_text(toml.read_text() + "\n[limits]\n" + "".join(f"{name} = {n}\n" for name, n in limits.items()))


def test_a_lower_limit_refuses_and_the_former_one_takes_the_packet_again(
    office: Place, branch: Place, share: Path
) -> None:
    Traitor(branch, share).send(customers("Ann", "Bob", "Eve"))
    usual = (office.home / "satchel.toml").read_text()
    choose(office, rows=2)
    [entry] = office.node.sync(share).quarantined
    assert "too many rows" in entry["reason"]
    (office.home / "satchel.toml").write_text(usual)
    assert office.node.sync(share).applied == ["branch/1"]
    assert office.node.status()["quarantined"] == []


def test_a_limit_on_decoding_reaches_the_reader_of_the_rows(office: Place, branch: Place, share: Path) -> None:
    Traitor(branch, share).send(customers(*["x" * 1000] * 100))
    choose(office, free_decoded_bytes=10, growth=1)
    [entry] = office.node.sync(share).quarantined
    assert "would become" in entry["reason"]


@pytest.mark.parametrize("text", ["rows = 0", "rows = -1", "rows = true", 'rows = "9"', "rows = 1.5", "rowz = 9"])
def test_a_limit_that_is_none_is_said_with_its_name(office: Place, text: str) -> None:
    toml = office.home / "satchel.toml"
    toml.write_text(toml.read_text() + f"\n[limits]\n{text}\n")
    with pytest.raises(SatchelError, match=f"limits.{text.partition(' ')[0]}"):
        office.node.status()


def test_every_limit_stands_in_the_settings_page_with_its_number() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    named = dict(re.findall(r"^([a-z_]+) = ([0-9_]+) ", page, re.MULTILINE))
    assert {name: int(named.get(name, "0").replace("_", "")) for name in (f.name for f in fields(Limits))} == {
        f.name: getattr(DEFAULT_LIMITS, f.name) for f in fields(Limits)
    }


def bounded(tmp_path: Path, code: str, *, megabytes: int, seconds: int) -> list[str]:
    """Runs Python code in a process of its own with so much memory above what the libraries took, and so much time."""
    script = f"""
import resource, sys
sys.path[:0] = {[str(ROOT), str(ROOT / "src")]!r}
from pathlib import Path
from satchel.errors import BadPacket
from satchel.packet import deciding, reader, verify
from tests.attacks import forge
import pyarrow.parquet
here = Path({str(tmp_path)!r})
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + ({megabytes} << 20), resource.RLIM_INFINITY))
resource.setrlimit(resource.RLIMIT_CPU, ({seconds}, {seconds}))
def refused(what):
    try:
        what()
    except BadPacket as bad:
        print("refused:", bad)
{code}
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is measured by /proc")


def huge(unit: bytes) -> bytes:
    """A signed file as large as may be, full of one thing. Any stranger can lay it into nodes/."""
    room = DEFAULT_LIMITS.manifest_bytes - 100
    payload = b'{"format":{"major":1},"x":[' + unit * (room // len(unit)) + b"0]}"
    return seal_envelope(Configuration.payload_type, payload, [PrivateKey.generate()])


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("unit", [b"{},", b"0,"], ids=["objects", "numbers"])
def test_a_huge_file_full_of_small_values(tmp_path: Path, unit: bytes) -> None:
    (tmp_path / "file").write_bytes(huge(unit))
    code = "data = (here / 'file').read_bytes()\nrefused(lambda: deciding.node_file_name(data))"
    [said] = bounded(tmp_path, code, megabytes=400, seconds=10)
    assert "values are more than" in said


@needs_proc
@pytest.mark.slow
def test_a_file_that_has_just_as_many_values_as_allowed(tmp_path: Path) -> None:
    payload = b'{"format":{"major":1},"x":[' + b'{"":0},' * (DEFAULT_LIMITS.json_values // 11 - 10) + b"0]}"
    (tmp_path / "file").write_bytes(seal_envelope(Configuration.payload_type, payload, [PrivateKey.generate()]))
    code = "data = (here / 'file').read_bytes()\nrefused(lambda: deciding.node_file_name(data))"
    [said] = bounded(tmp_path, code, megabytes=800, seconds=20)
    assert "network" in said


def dictionary_bomb(path: Path) -> int:
    """One text of a million letters, 2,048 times: 2 GB."""
    one_value = pa.DictionaryArray.from_arrays(pa.array([0] * 2048, pa.int32()), pa.array(["x" * MIB]))
    rows = wire_rows(2048).set_column(1, "name", one_value)
    assert len(parquet_file(path, rows, use_dictionary=["name"], dictionary_pagesize_limit=4 * MIB)) < 150_000
    return 2048


def bomb_of_nulls(path: Path) -> int:
    """Three rows, and 50 million nulls in a list of one of them: 200 MB of places alone, and as much for each check."""
    many = 50_000_000
    rows = wire_rows(3).combine_chunks()
    change = rows.column("_change").chunk(0)
    names = pa.ListArray.from_arrays(pa.array([0, many, many, many], pa.int32()), pa.nulls(many, pa.string()))
    parts = [names if f.name == "columns" else change.field(f.name) for f in change.type]
    forged = rows.set_column(4, "_change", pa.StructArray.from_arrays(parts, fields=list(change.type)))
    assert len(parquet_file(path, forged)) < 100_000
    return 3


def many_columns(count: int) -> Callable[[Path], int]:
    """A footer written by hand, whose schema has so many columns of three letters each."""

    def make(path: Path) -> int:
        leaf = b"\x15\x04\x25\x02\x18\x03abc\x00"
        root = b"\x48\x01r\x15" + varint(2 * count) + b"\x00"
        footer = b"\x15\x04\x19\xfc" + varint(count + 1) + root + leaf * count + b"\x16\x06\x19\x0c\x00"
        path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
        return 3

    return make


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (dictionary_bomb, "would become more than"),
        (bomb_of_nulls, "would become"),
        (many_columns(1_000_000), "more values than are allowed"),
    ],
    ids=["a dictionary", "50 million nulls", "a million columns"],
)
def test_a_small_part_that_becomes_gigabytes(tmp_path: Path, make: Callable[[Path], int], reason: str) -> None:
    rows = make(tmp_path / "part")
    (tmp_path / "acme").mkdir()
    code = f"""
from tests.packet.builders import Acme
acme = Acme(here / "acme")
data = (here / "part").read_bytes()
refused(lambda: forge.read_forged(acme, data, {rows}))
"""
    [said] = bounded(tmp_path, code, megabytes=700, seconds=20)
    assert reason in said
