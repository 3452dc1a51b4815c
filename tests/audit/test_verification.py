from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from satchel.audit.verification import verify_paths
from satchel.errors import UsageError, VerificationFailed
from satchel.model.ids import Dot
from satchel.model.vector import Mark
from satchel.packet.keys import PrivateKey
from satchel.packet.manifest import MANIFEST_NAME
from satchel.packet.part import PartWriter
from satchel.packet.rows import wrap
from satchel.packet.signing import SealFacts, sign_packets
from satchel.packet.written import Written
from tests.audit.builders import CUSTOMERS, NOW, Archive, Node, alter, batch, row


def problems(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(problem["packet"], problem["file"], problem["reason"].split(":")[0]) for problem in report["problems"]]


def folder_of(archive: Archive, origin: str, seq: int) -> Path:
    return next((archive.root / "acme" / origin).glob(f"{seq:010d}-*"))


def exchange(archive: Archive, place: Path) -> Path:
    """The same packets as an exchange has them."""
    shutil.copytree(archive.root / "acme", place / "packets" / "acme")
    shutil.copytree(archive.root / "nodes", place / "nodes")
    return place


def test_a_whole_archive_has_no_problems(history: Archive) -> None:
    report = verify_paths(history.root)
    files = [path for path in history.root.rglob("*") if path.is_file()]
    assert (report["packets"], report["files"]) == (6, len(files))
    assert report["bytes"] == sum(path.stat().st_size for path in files)
    assert (report["problems"], report["incomplete"], report["warnings"]) == ([], [], [])
    assert report["root"] == history.office.key.public.keyid
    office, site = history.office, history.office.last
    assert site is not None
    assert report["heads"]["office"] == {"seq": 4, "hash": site.hash}
    assert set(report["heads"]) == {"office", "site-b"}
    assert office.vector["office"].seq == 4


def test_an_archive_without_packets_has_no_problems(archive: Archive) -> None:
    report = verify_paths(archive.root)
    assert (report["packets"], report["problems"], report["heads"]) == (0, [], {})


def test_a_folder_without_anything_of_ours_is_refused_with_a_hint(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "not-there"):
        with pytest.raises(UsageError) as caught:
            verify_paths(place)
        assert caught.value.hint
    with pytest.raises(UsageError):
        verify_paths()


def test_an_altered_part_is_named_with_its_packet(history: Archive) -> None:
    folder = folder_of(history, "site-b", 2)
    alter(folder / "customers.parquet")
    [problem] = verify_paths(history.root)["problems"]
    assert (problem["packet"], problem["file"]) == ("site-b/2", "customers.parquet")
    assert problem["reason"].startswith("altered")
    assert problem["folder"] == str(folder)


def test_every_altered_byte_of_a_packet_is_noticed(archive: Archive) -> None:
    folder = archive.office.write(row({"id": 1, "name": "Ann"}))
    for path in sorted(folder.iterdir()):
        genuine = path.read_bytes()
        for place in range(0, len(genuine), 97):
            alter(path, place)
            assert verify_paths(archive.root)["problems"], f"{path.name} at {place}"
            path.write_bytes(genuine)
    assert verify_paths(archive.root)["problems"] == []


def test_a_missing_part_is_incomplete_and_a_problem(history: Archive) -> None:
    (folder_of(history, "office", 4) / "codes.parquet").unlink()
    report = verify_paths(history.root)
    assert problems(report) == [("office/4", "codes.parquet", "missing")]
    assert [entry["packet"] for entry in report["incomplete"]] == ["office/4"]


def test_a_short_part_is_incomplete_and_a_problem(history: Archive) -> None:
    part = folder_of(history, "office", 1) / "customers.parquet"
    part.write_bytes(part.read_bytes()[:-9])
    report = verify_paths(history.root)
    assert problems(report) == [("office/1", "customers.parquet", "short")]
    assert len(report["incomplete"]) == 1


def test_a_folder_without_manifest_is_incomplete_only(history: Archive) -> None:
    (folder_of(history, "site-b", 2) / MANIFEST_NAME).unlink()
    report = verify_paths(history.root)
    assert [entry["packet"] for entry in report["incomplete"]] == ["site-b/2"]
    assert report["problems"] == []
    assert report["packets"] == 5


def test_a_parquet_file_that_no_manifest_knows_is_a_problem(history: Archive) -> None:
    folder = folder_of(history, "office", 1)
    shutil.copy(folder / "customers.parquet", folder / "slipped-in.parquet")
    assert problems(verify_paths(history.root)) == [
        ("office/1", "slipped-in.parquet", "the manifest does not know this file")
    ]


def test_what_systems_leave_behind_is_no_problem(history: Archive) -> None:
    folder = folder_of(history, "office", 1)
    for name in (".DS_Store", "Thumbs.db", "._customers.parquet"):
        (folder / name).write_bytes(b"x")
    (folder / "note.txt").write_bytes(b"x")
    report = verify_paths(history.root)
    assert report["problems"] == []
    assert ["note.txt" in warning for warning in report["warnings"]] == [True]


def test_a_gap_in_an_archive_is_named(history: Archive) -> None:
    history.office.sees(history.office)
    shutil.rmtree(folder_of(history, "office", 2))
    report = verify_paths(history.root)
    assert [(p["packet"], p["reason"]) for p in report["problems"]] == [("office/3", "gap: office/2 missing before it")]


def test_the_missing_end_of_an_origin_is_known_by_who_had_seen_it(history: Archive) -> None:
    site = history.join("site-c").sees(history.office)
    site.write(row({"id": 9}))
    site.write(row({"id": 9}, "update"))
    shutil.rmtree(folder_of(history, "office", 4))
    report = verify_paths(history.root)
    assert [(p["packet"], p["reason"]) for p in report["problems"]] == [
        ("site-c/1", "gap: it had seen office/4, which is not here")
    ]


def test_an_exchange_need_not_be_whole(history: Archive, tmp_path: Path) -> None:
    stick = exchange(history, tmp_path / "stick")
    for folder in (stick / "packets" / "acme" / "office").iterdir():
        if not folder.name.startswith("0000000004"):
            shutil.rmtree(folder)
    report = verify_paths(stick)
    assert report["problems"] == []
    assert [warning.split(";")[0] for warning in report["warnings"]] == [
        "office/4: gap: office/1 to office/3 missing before it"
    ]
    assert verify_paths(stick, history.root)["warnings"] == []


def test_a_fork_is_named(archive: Archive) -> None:
    twin = archive.join("site-b")
    other = Node(archive, twin.name, twin.key)
    twin.write(row({"id": 1, "name": "one"}))
    other.write(row({"id": 1, "name": "two"}))
    assert problems(verify_paths(archive.root)) == [("site-b/1", MANIFEST_NAME, "fork")]


def test_a_packet_that_follows_another_one_is_named(archive: Archive) -> None:
    site = archive.join("site-b")
    other = Node(archive, site.name, site.key)
    first = site.write(row({"id": 1, "name": "one"}))
    other.write(row({"id": 1, "name": "two"}))
    site.write(row({"id": 2}))
    shutil.rmtree(first)
    [problem] = verify_paths(archive.root)["problems"]
    assert problem["packet"] == "site-b/2"
    assert problem["reason"] == "the hash of the packet before is not that of site-b/1"


def test_a_packet_that_had_seen_another_one_of_that_number_is_named(archive: Archive) -> None:
    archive.office.write(row({"id": 1}))
    site = archive.join("site-b")
    site.vector = {"office": Mark(1, "0" * 16)}
    site.write(row({"id": 2}))
    [problem] = verify_paths(archive.root)["problems"]
    assert problem["reason"] == "it had seen another packet office/1, with the hash 0000000000000000"


def test_a_packet_of_nobody_known_is_not_verified(history: Archive) -> None:
    stranger = history.join("site-c", known=False)
    stranger.write(row({"id": 66}))
    assert problems(verify_paths(history.root)) == [("site-c/1", MANIFEST_NAME, "waits for the card of site-c")]


def test_a_packet_of_a_reader_is_refused(history: Archive) -> None:
    history.join("site-c", "reader").write(row({"id": 66}))
    assert problems(verify_paths(history.root)) == [("site-c/1", MANIFEST_NAME, "site-c is a reader")]


def test_a_packet_of_another_network_is_refused(history: Archive, tmp_path: Path) -> None:
    foreign = Archive(tmp_path / "foreign")
    folder = foreign.office.write(row({"id": 1}))
    shutil.copytree(folder, history.root / "acme" / "office" / "0000000077-00000000")
    report = verify_paths(history.root, root=history.office.key.public)
    [problem] = report["problems"]
    assert problem["packet"] == "office/77"
    assert problem["reason"].startswith("of another network")


def test_a_second_founder_s_card_needs_a_word_which_is_meant(history: Archive, tmp_path: Path) -> None:
    foreign = Archive(tmp_path / "foreign")
    for card in (foreign.root / "nodes").glob("card-*"):
        shutil.copy(card, history.root / "nodes" / "card-other.json")
    with pytest.raises(VerificationFailed, match="several founders"):
        verify_paths(history.root)
    report = verify_paths(history.root, root=history.office.key.public)
    assert [problem["packet"] for problem in report["problems"]] == [""]


def test_a_pinned_founder_that_is_not_there_fails(history: Archive) -> None:
    with pytest.raises(VerificationFailed):
        verify_paths(history.root, root=PrivateKey.generate().public)


def test_an_altered_acknowledgement_is_named(history: Archive) -> None:
    path = history.root / "acks" / "site-b.json"
    path.write_bytes(path.read_bytes().replace(b'"sig": "', b'"sig": "A', 1)[:-1])
    assert [(packet, file) for packet, file, _ in problems(verify_paths(history.root))] == [("", "acks/site-b.json")]


def test_an_acknowledgement_signed_by_another_node_is_named(history: Archive) -> None:
    Node(history, "office", history.join("site-c").key).acknowledge()
    [problem] = verify_paths(history.root)["problems"]
    assert problem["file"] == "acks/office.json"
    assert "is signed by site-c" in problem["reason"]


def test_an_altered_card_is_named(history: Archive) -> None:
    path = next((history.root / "nodes").glob("card-site-b-*"))
    alter(path, 60)
    report = verify_paths(history.root)
    assert f"nodes/{path.name}" in {problem["file"] for problem in report["problems"]}
    assert {"site-b/1", "site-b/2"} <= {problem["packet"] for problem in report["problems"]}


def sealed_by_hand(node: Node, dot: Dot, rows: int) -> None:
    """A packet that its node signed although its part is not what the manifest says: `dot` stands in the rows, and
    the manifest counts `rows`."""
    folder = node.archive.root / "acme" / node.name / "0000000001-0000abcd"
    folder.mkdir(parents=True)
    writer = PartWriter(folder, CUSTOMERS, "customers.parquet")
    writer.write(wrap(CUSTOMERS, batch(CUSTOMERS, [row({"id": 1, "name": "Ann"})]), dot.origin, dot.seq))
    part = writer.finish()
    part = type(part)(part.table, part.file, rows, part.size, part.sha256)
    written = Written(Dot(node.name, 1), "0000abcd", folder, (part,), ())
    facts = SealFacts(node.archive.network, 1, "changes", {}, NOW, "satchel test")
    [signed] = sign_packets([written], facts, node.key, None)
    (folder / MANIFEST_NAME).write_bytes(signed.envelope)


@pytest.mark.parametrize(
    ("dot", "rows", "reason"),
    [
        (Dot("office", 1), 1, None),
        (Dot("office", 1), 2, "1 rows instead of 2"),
        (Dot("office", 2), 1, "a row of another packet"),
        (Dot("site-b", 1), 1, "a row of another origin"),
    ],
)
def test_signed_parts_must_hold_what_their_manifest_says(
    archive: Archive, dot: Dot, rows: int, reason: str | None
) -> None:
    sealed_by_hand(archive.office, dot, rows)
    found = verify_paths(archive.root)["problems"]
    assert [(p["packet"], p["file"], p["reason"]) for p in found] == (
        [("office/1", "customers.parquet", reason)] if reason else []
    )


def test_a_part_that_is_no_parquet_is_named_though_it_is_signed(archive: Archive) -> None:
    sealed_by_hand(archive.office, Dot("office", 1), 1)
    part = next(archive.root.rglob("customers.parquet"))
    assert isinstance(pq.read_table(part), pa.Table)
    shutil.rmtree(part.parent)
    garbage = archive.join("site-b")
    folder = archive.root / "acme" / "site-b" / "0000000001-0000abcd"
    folder.mkdir(parents=True)
    (folder / "customers.parquet").write_bytes(b"PAR1 nothing PAR1")
    import hashlib

    from satchel.packet.written import Part

    data = (folder / "customers.parquet").read_bytes()
    made = Part(CUSTOMERS, "customers.parquet", 1, len(data), hashlib.sha256(data).hexdigest())
    written = Written(Dot("site-b", 1), "0000abcd", folder, (made,), ())
    facts = SealFacts(archive.network, 1, "changes", {}, NOW, "satchel test")
    (folder / MANIFEST_NAME).write_bytes(sign_packets([written], facts, garbage.key, None)[0].envelope)
    assert [(packet, file) for packet, file, _ in problems(verify_paths(archive.root))] == [
        ("site-b/1", "customers.parquet")
    ]


def test_nothing_is_written(history: Archive) -> None:
    def state() -> list[tuple[str, int, bytes]]:
        return [(str(p), p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(history.root.rglob("*")) if p.is_file()]

    before = state()
    verify_paths(history.root)
    assert state() == before
