"""What media and people do to packets: nothing altered is accepted, nothing that may be arriving is called bad."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from satchel.errors import BadPacket
from satchel.exchange import Archive, open_exchange
from satchel.files.faults import faults
from satchel.packet.problem import Waiting
from satchel.packet.verify import SignedManifest, read_manifest, verify_parts
from satchel.sync.collecting import Collector
from satchel.sync.opening import reading
from satchel.sync.quarantine import Quarantine
from satchel.sync.report import Report
from satchel.sync.site import Site, now_ms
from tests.sync.sites import Place

Files = dict[str, bytes]


@contextmanager
def desk(branch: Place, root: Path) -> Iterator[Callable[[Path], Collector]]:
    """Collects folders for the branch into an archive that is new each time."""
    numbers = itertools.count()
    with reading(branch.home) as site:

        def collect(folder: Path) -> Collector:
            number = next(numbers)
            archive = Archive(root / f"archive-{number}", site.archive.network)
            quarantine = Quarantine(root / f"quarantine-{number}", now_ms())
            collector = Collector(site, archive, Report(), quarantine)
            exchange = open_exchange(folder)
            collector.collect(exchange, exchange.listing())
            collector.settle()
            return collector

        yield collect


def packet_of(office: Place, edit: str = "UPDATE customers SET town = 'Kiel' WHERE id = 'c1'") -> Path:
    """The folder of a new packet with two parts, alone below `loose`."""
    office.sql(edit, "INSERT INTO stock VALUES (hex(randomblob(4)), 7)")
    loose = office.root / f"loose-{len(list(office.root.glob('loose-*')))}"
    office.export(loose)
    for side in ("nodes", "acks"):
        shutil.rmtree(loose / side, ignore_errors=True)
    newest = max(loose.rglob("manifest.json"), key=lambda path: path.parent.name).parent
    for packet in {path.parent for path in loose.rglob("manifest.json")} - {newest}:
        shutil.rmtree(packet)
    return newest


def files_of(packet: Path) -> Files:
    found = {path.name: path.read_bytes() for path in packet.iterdir()}
    assert sorted(found) == ["customers.parquet", "manifest.json", "stock.parquet"]
    return found


def damaged(whole: bytes) -> Iterator[bytes]:
    """Every byte with one bit flipped (another bit each time), and every truncation."""
    for at in range(len(whole)):
        yield whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :]
    for keep in range(len(whole)):
        yield whole[:keep]


# -- every byte


def accepted(site: Site, data: bytes) -> bool:
    try:
        return not isinstance(read_manifest(data, site.members), Waiting)
    except BadPacket:
        return False


def test_no_flipped_bit_and_no_truncation_of_a_manifest_is_accepted(office: Place, branch: Place) -> None:
    whole = (packet_of(office) / "manifest.json").read_bytes()
    with reading(branch.home) as site:
        assert accepted(site, whole)
        assert sum(accepted(site, data) for data in damaged(whole)) == 0


@pytest.mark.parametrize("name", ["customers.parquet", "stock.parquet"])
def test_no_flipped_bit_and_no_truncation_of_a_part_is_accepted_and_each_time_the_file_is_named(
    office: Place, branch: Place, name: str
) -> None:
    packet = packet_of(office)
    with reading(branch.home) as site:
        signed = read_manifest((packet / "manifest.json").read_bytes(), site.members)
    assert isinstance(signed, SignedManifest)
    assert verify_parts(packet, signed.manifest).valid
    whole = (packet / name).read_bytes()
    for data in damaged(whole):
        (packet / name).write_bytes(data)
        parts = verify_parts(packet, signed.manifest)
        assert parts.complete == (len(data) == len(whole)), "complete and valid are two words"
        assert not parts.valid
        assert [problem.file for problem in (*parts.invalid, *parts.incomplete)] == [name]


def test_what_is_damaged_anywhere_is_not_collected_and_the_file_is_named(
    office: Place, branch: Place, tmp_path: Path
) -> None:
    packet = packet_of(office)
    with desk(branch, tmp_path) as collect:
        for name, whole in files_of(packet).items():
            for data in itertools.islice(damaged(whole), 0, None, 211):
                (packet / name).write_bytes(data)
                collector = collect(packet)
                assert collector.taken == set()
                troubles = [*collector.report.quarantined, *collector.report.waiting]
                assert [entry["packet"] for entry in troubles] == ["office/2"]
                assert name in troubles[0].get("reason", troubles[0].get("for", ""))
            (packet / name).write_bytes(whole)
        assert collect(packet).taken == {"office/2"}


# -- parts


def told(collector: Collector) -> tuple[list[str], list[str]]:
    """(what waits and for what, what is bad and why)."""
    waits = [f"{entry['packet']}: {entry['for']}" for entry in collector.report.waiting]
    return waits, [f"{entry['packet']}: {entry['reason']}" for entry in collector.report.quarantined]


def test_a_missing_part_and_an_empty_one_may_be_arriving(office: Place, branch: Place, tmp_path: Path) -> None:
    packet = packet_of(office)
    with desk(branch, tmp_path) as collect:
        for name in ("stock.parquet", "customers.parquet"):
            whole = (packet / name).read_bytes()
            (packet / name).unlink()
            assert told(collect(packet)) == ([f"office/2: the rest of its files ({name})"], [])
            (packet / name).touch()
            assert told(collect(packet)) == ([f"office/2: the rest of its files ({name})"], [])
            (packet / name).write_bytes(whole)


def test_an_extra_part_is_not_read_and_harms_nobody(office: Place, branch: Place, tmp_path: Path) -> None:
    packet = packet_of(office)
    (packet / "secrets.parquet").write_bytes(b"PAR1 of a stranger")
    with desk(branch, tmp_path) as collect:
        collector = collect(packet)
    assert collector.taken == {"office/2"}
    (copy,) = collector.archive.root.rglob("manifest.json")
    assert sorted(path.name for path in copy.parent.iterdir()) == [
        "customers.parquet",
        "manifest.json",
        "stock.parquet",
    ]


def test_swapped_parts_and_manifests_of_two_valid_packets(office: Place, branch: Place, tmp_path: Path) -> None:
    one, two = packet_of(office), packet_of(office, "UPDATE customers SET town = 'Rom' WHERE id = 'c1'")
    good = files_of(one), files_of(two)
    with desk(branch, tmp_path) as collect:
        for name in good[0]:
            (one / name).write_bytes(good[1][name])
            collector = collect(one)
            assert collector.taken == set(), name
            waits, bad = told(collector)
            assert waits or bad
            (one / name).write_bytes(good[0][name])
        (one / "stock.parquet").write_bytes(good[0]["customers.parquet"])
        (one / "customers.parquet").write_bytes(good[0]["stock.parquet"])
        assert collect(one).taken == set()


# -- names


def test_a_stick_that_writes_all_names_in_capitals(office: Place, branch: Place, tmp_path: Path) -> None:
    packet = packet_of(office)
    folder = tmp_path / "STICK" / "PACKETS" / "ACME" / "OFFICE" / packet.name.upper()
    folder.mkdir(parents=True)
    for name, data in files_of(packet).items():
        (folder / name.upper()).write_bytes(data)
    assert branch.node.import_(tmp_path / "STICK").applied == ["office/2"]
    opened: list[Path] = []
    with faults(lambda step, path: opened.append(path) if step == "open" else None):
        assert branch.node.import_(tmp_path / "STICK").applied == []
    assert not [path for path in opened if path.name.endswith(".PARQUET")], "what is here is known by its name"


@pytest.mark.parametrize("capitals", [False, True])
def test_a_torn_manifest_is_named_after_its_folder(
    office: Place, branch: Place, tmp_path: Path, capitals: bool
) -> None:
    packet = packet_of(office)
    folder = tmp_path / "stick" / ("OFFICE" if capitals else "office") / packet.name
    shutil.copytree(packet, folder)
    (folder / "manifest.json").write_bytes(b'{"payload": "' + bytes(range(256)) + b'"}')
    with desk(branch, tmp_path) as collect:
        collector = collect(tmp_path / "stick")
    (entry,) = collector.report.quarantined
    assert (entry["packet"], entry["file"]) == ("office/2", "manifest.json")
    assert entry["where"] == str(folder)


def test_what_systems_and_people_leave_beside_a_packet_is_ignored(office: Place, branch: Place, tmp_path: Path) -> None:
    packet = packet_of(office)
    whole = files_of(packet)
    for name in ("manifest (1).json", "manifest (conflicted copy).json", "stock (1).parquet", ".DS_Store", "Thumbs.db"):
        (packet / name).write_bytes(whole["manifest.json"][:50])
    copy = packet.with_name(packet.name + " (conflicted copy)")
    shutil.copytree(packet, copy)
    (copy / "manifest.json").unlink()
    shutil.copytree(packet, packet.parents[1] / "site-a (conflicted copy)" / packet.name)
    (packet.parents[1] / "site-a (conflicted copy)" / packet.name / "stock.parquet").unlink()
    with desk(branch, tmp_path) as collect:
        collector = collect(packet.parents[2])
    assert collector.taken == {"office/2"}
    assert told(collector) == ([], []), "what came whole from one place is no trouble at another"


def test_a_stick_that_contains_itself(office: Place, branch: Place, tmp_path: Path) -> None:
    packet = packet_of(office)
    for folder in (packet, packet.parent, packet.parents[3]):
        (folder / "loop").symlink_to(packet.parents[3], target_is_directory=True)
    with desk(branch, tmp_path) as collect:
        assert collect(packet.parents[3]).taken == {"office/2"}
    listing = open_exchange(packet.parents[3]).listing()
    assert [place.path for place in listing.packets] == [packet]


def test_folders_without_end_are_entered_to_a_depth(office: Place, branch: Place, tmp_path: Path) -> None:
    packet = packet_of(office)
    deep = tmp_path / "stick" / Path(*["d"] * 60)
    deep.mkdir(parents=True)
    shutil.copytree(packet, deep / packet.name)
    shutil.copytree(packet, tmp_path / "stick" / packet.name)
    listed: list[Path] = []
    with desk(branch, tmp_path) as collect, faults(lambda step, path: listed.append(path) if step == "list" else None):
        assert collect(tmp_path / "stick").taken == {"office/2"}
    assert max(len(path.relative_to(tmp_path).parts) for path in listed) <= 10


# -- copies


@pytest.mark.parametrize("names", [("a-copy", "z-copy"), ("z-copy", "a-copy")])
@pytest.mark.parametrize(
    "damage", ["no manifest", "no part", "short part", "bad part", "bad manifest", "torn manifest"]
)
def test_of_two_copies_the_whole_one_is_used(
    office: Place, branch: Place, tmp_path: Path, names: tuple[str, str], damage: str
) -> None:
    packet = packet_of(office)
    good, other = (tmp_path / "stick" / name / packet.name for name in names)
    shutil.copytree(packet, good)
    shutil.copytree(packet, other)
    marker, part = other / "manifest.json", other / "stock.parquet"
    if damage == "no manifest":
        marker.unlink()
    elif damage == "no part":
        part.unlink()
    elif damage == "short part":
        os.truncate(part, 100)
    elif damage == "bad part":
        part.write_bytes(bytes(part.stat().st_size))
    else:
        marker.write_bytes(b"{}" if damage == "bad manifest" else marker.read_bytes()[:99])
    with desk(branch, tmp_path) as collect:
        collector = collect(tmp_path / "stick")
    assert collector.taken == {"office/2"}
    assert told(collector) == ([], [])
    assert collector.quarantine.entries() == []
    report = branch.node.import_(tmp_path / "stick")
    assert (report.applied, report.quarantined) == (["office/2"], [])
    again = branch.node.import_(tmp_path / "stick")
    assert (again.applied, again.quarantined) == ([], []), "nor is a bad copy of what is here any trouble later"
    assert branch.node.status()["quarantined"] == []


# -- arriving


def test_all_orders_of_copying_while_an_importer_looks_on(office: Place, branch: Place, tmp_path: Path) -> None:
    """Each file appears empty, then half, then whole; the importer looks at every step."""
    packet = packet_of(office)
    files = files_of(packet)
    with desk(branch, tmp_path) as collect:
        for number, order in enumerate(itertools.permutations([*files, "satchel.json"])):
            folder = tmp_path / f"stick-{number}" / packet.name
            folder.mkdir(parents=True)
            label = json.dumps({"format": 1, "network": network_of(branch)}).encode()
            for name in order:
                data = files.get(name, label)
                target = folder / name if name in files else folder.parent / name
                steps = [data] if name == "satchel.json" else [b"", data[: len(data) // 2], data]
                for content in steps:
                    target.write_bytes(content)
                    whole = all((folder / n).is_file() and (folder / n).read_bytes() == files[n] for n in files)
                    collector = collect(folder.parent)
                    assert collector.taken == ({"office/2"} if whole else set())
                    assert collector.report.quarantined == []


def network_of(place: Place) -> str:
    with reading(place.home) as site:
        return site.settings.network_id


def meddler(at: int, file: Path, vanish: bool) -> Callable[[str, Path], None]:
    """At the given step of the file layer the file vanishes or is cut short."""
    count = itertools.count(1)

    def meddle(step: str, path: Path) -> None:
        if next(count) == at and file.exists():
            if vanish:
                file.unlink()
            else:
                os.truncate(file, 7)

    return meddle


def test_files_that_appear_and_vanish_at_any_step_of_a_collection(office: Place, branch: Place, tmp_path: Path) -> None:
    """At each step of the file layer in turn, each file vanishes or is cut short."""
    packet = packet_of(office)
    files = files_of(packet)
    stick = tmp_path / "stick" / packet.name

    def restore() -> None:
        shutil.rmtree(stick, ignore_errors=True)
        shutil.copytree(packet, stick)

    with desk(branch, tmp_path) as collect:
        restore()
        steps: list[str] = []
        with faults(lambda step, path: steps.append(step)):
            assert collect(stick.parent).taken
        for at, name, vanish in itertools.product(range(1, len(steps) + 1), files, (True, False)):
            restore()
            with faults(meddler(at, stick / name, vanish)):
                collector = collect(stick.parent)
            assert collector.report.quarantined == []
            for marker in collector.archive.root.rglob("manifest.json"):
                assert {p.name: p.read_bytes() for p in marker.parent.iterdir()} == files, "never half"


def test_a_packet_that_arrives_while_it_is_listed_is_taken_now_or_next_time(
    office: Place, branch: Place, tmp_path: Path
) -> None:
    packet = packet_of(office)
    stick = tmp_path / "stick"
    (stick / "a").mkdir(parents=True)

    def arrive(step: str, path: Path) -> None:
        if step == "list" and path == stick / "a" and not (stick / "b").exists():
            shutil.copytree(packet, stick / "b")
            shutil.copytree(packet, stick / "a" / packet.name)

    with desk(branch, tmp_path) as collect:
        with faults(arrive):
            first = collect(stick)
        assert first.report.quarantined == []
        assert first.taken == {"office/2"}
