"""What a run that was killed leaves behind, and what the next one makes of it (PROTOCOL, Seal: write-ahead)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from satchel.errors import HomeBusy
from satchel.stores.records import Sealed
from satchel.sync import sealing
from satchel.sync.site import Site
from tests.sync.sites import Place, differences, meet, packets_in


class Killed(BaseException):
    """Nothing catches it, as nothing catches a kill."""


def killed(*_: object) -> None:
    raise Killed


def archive(place: Place) -> set[str]:
    """Whole packets of this node in its archive."""
    return packets_in(place.home / "packets" / "acme" / place.name)


def folders(place: Place) -> list[str]:
    return sorted(
        path.name.partition("-")[0].lstrip("0") for path in (place.home / "packets/acme" / place.name).iterdir()
    )


@pytest.fixture
def interrupted(office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Place]:
    """The office, whose export was killed where `step` of the sealing begins."""

    def kill(step: str) -> Place:
        office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'", "INSERT INTO stock VALUES ('s2', 2)")
        with monkeypatch.context() as patch:
            patch.setattr(sealing, step, killed)
            with pytest.raises(Killed):
                office.node.export(share)
        return office

    return kill


def test_a_kill_between_record_and_publish_is_finished_by_the_next_run(
    interrupted: Callable[[str], Place], branch: Place, share: Path
) -> None:
    office = interrupted("publish")
    assert (folders(office), archive(office)) == (["1", "2"], {"office/1"})
    assert office.vector() == {"office": 2}, "it is sealed: recorded in the database"
    report = office.node.export(share)
    assert (report.sealed, report.dropped) == ([], ["office/2"])
    assert (folders(office), archive(office)) == (["1", "2"], {"office/1", "office/2"})
    assert branch.node.sync(share).applied == ["office/2"]
    assert differences(office.dump(), branch.dump()) == {}
    meet(share, [office, branch])
    assert office.vector() == {"office": 2}


def test_edits_after_such_a_kill_are_sealed_once_and_in_order(
    interrupted: Callable[[str], Place], branch: Place, share: Path
) -> None:
    office = interrupted("publish")
    office.sql("UPDATE customers SET town = 'Husum' WHERE id = 'c1'")
    assert office.node.status()["pending"] == 1
    assert office.node.export(share).sealed == ["office/3"]
    assert branch.node.sync(share).applied == ["office/2", "office/3"]
    assert branch.rows("SELECT town FROM customers WHERE id = 'c1'") == [("Husum",)]
    versions = branch.node.history("customers", "c1")
    assert [(v["seq"], v["row"]["town"]) for v in versions] == [(1, "Ulm"), (2, "Kiel"), (3, "Husum")]


def test_parts_of_a_packet_that_was_never_recorded_are_discarded(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = sealing.write_parts

    def write_and_die(site: Site, delta: object) -> Sequence[Sealed]:
        write(site, delta)  # type: ignore[arg-type]
        raise Killed

    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    with monkeypatch.context() as patch:
        patch.setattr(sealing, "write_parts", write_and_die)
        with pytest.raises(Killed):
            office.node.export(share)
    assert folders(office) == ["1", "2"]
    assert office.vector() == {"office": 1}
    assert office.node.status()["pending"] == 1
    (orphan,) = (office.home / "packets" / "acme" / "office").glob("0000000002-*")
    report = office.node.export(share)
    assert (report.sealed, report.dropped) == (["office/2"], ["office/2"])
    assert not orphan.exists()
    assert folders(office) == ["1", "2"]
    assert branch.node.sync(share).applied == ["office/2"]
    assert differences(office.dump(), branch.dump()) == {}


def test_a_kill_before_anything_was_written_leaves_everything_pending(
    interrupted: Callable[[str], Place], branch: Place, share: Path
) -> None:
    office = interrupted("write_parts")
    assert (folders(office), office.node.status()["pending"]) == (["1"], 2)
    assert office.node.sync(share).sealed == ["office/2"]
    meet(share, [office, branch])
    assert differences(office.dump(), branch.dump()) == {}


def test_a_kill_while_a_packet_is_collected_leaves_nothing_half(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.node.sync(share)
    with monkeypatch.context() as patch:
        patch.setattr("satchel.packet.verify.verify_parts", killed)
        with pytest.raises(Killed):
            branch.node.sync(share)
    assert packets_in(branch.home / "packets") == {"office/1"}, "there are parts and no manifest"
    assert branch.node.status()["waiting"] == []
    assert branch.node.sync(share).applied == ["office/2"]
    assert differences(office.dump(), branch.dump()) == {}


def test_a_kill_between_collect_and_apply_applies_next_time(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satchel.sync.incoming import Intake

    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.node.sync(share)
    with monkeypatch.context() as patch:
        patch.setattr(Intake, "run", killed)
        with pytest.raises(Killed):
            branch.node.sync(share)
    assert branch.vector() == {"office": 1}
    assert branch.node.import_().applied == ["office/2"], "it is in the archive"


def test_a_kill_before_the_acknowledgement_costs_a_packet_sent_twice_and_nothing_else(
    office: Place, branch: Place, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from satchel.sync import running

    office.sql("UPDATE customers SET town = 'Kiel' WHERE id = 'c1'")
    office.node.sync(share)
    with monkeypatch.context() as patch:
        patch.setattr(running, "acknowledge", killed)
        with pytest.raises(Killed):
            branch.node.sync(share)
    assert branch.vector() == {"office": 2}
    assert office.node.status()["peers"][0]["behind"] == 1
    for place in (branch, office):
        assert (place.node.sync(share).applied, place.node.status()["pending"]) == ([], 0)
    assert office.node.status()["peers"][0]["behind"] == 0


# -- two at once

HOLD = """
import sys
from pathlib import Path
from satchel.sync.lock import HomeLock
with HomeLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_in_the_home_is_noticed_and_its_lock_goes_with_it(office: Place) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(office.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin is not None
    assert other.stdout is not None
    try:
        assert other.stdout.readline() == "held\n"
        for work in (office.node.export, office.node.sync, office.node.import_):
            with pytest.raises(HomeBusy):
                work()
        assert office.node.status()["node"] == "office"
    finally:
        other.kill()
        other.wait()
        other.stdin.close()
        other.stdout.close()
    office.node.export()
