"""What a watch costs that has nothing to do, and whether it grows.

python -m tests.daemon.endurance --rounds 10000 --idle 60 --burst 1000
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import satchel
from satchel.daemon.round import BOTH, play_round
from tests.sync.sites import SCHEMA, Place, emptied, found_network, join_network, make_database, meet


def network(root: Path) -> tuple[Place, Place, Path]:
    office = found_network(root, make_database(root / "office.db", *SCHEMA))
    branch = join_network(office, "branch", emptied(office.db, root / "branch.db"))
    meet(root / "share", [office, branch])
    return office, branch, root / "share"


def rounds(place: Place, share: Path, count: int) -> tuple[float, int]:
    """Seconds of processor a round, and by how many kB memory grew after the first tenth."""
    after_warming = 0
    began = time.process_time()
    for number in range(count):
        play_round(place.home, [share], BOTH, lambda event, about: None)
        if number == count // 10:
            after_warming = memory()
    return (time.process_time() - began) / count, memory() - after_warming


def memory() -> int:
    """Resident now, kB."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * resource.getpagesize() // 1024


def idle(place: Place, share: Path, seconds: float) -> float:
    """Share of a core that a watch takes which has nothing to do."""
    command = [sys.executable, "-m", "satchel", "--home", str(place.home), "watch", "--exchange", str(share)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        time.sleep(5)
        before = spent(process.pid)
        time.sleep(seconds)
        used = spent(process.pid) - before
        process.terminate()
    return used / seconds


def spent(process: int) -> float:
    """Seconds of processor of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def burst(office: Place, branch: Place, root: Path, share: Path, count: int) -> tuple[float, int]:
    """Seconds until packets that come all at once are applied, and in how many rounds."""
    held = root / "held"
    held.mkdir()
    for number in range(count):
        office.sql(f"UPDATE stock SET pieces = {number}")
        office.node.export()
    shutil.copytree(office.home / "outbox" / "packets", held / "packets")
    applying = []
    node = satchel.open(branch.home)
    node.on("sync-finished", lambda event, report: applying.append(len(report.applied)))
    watch = node.watch(share)
    import threading

    thread = threading.Thread(target=watch.run, daemon=True)
    thread.start()
    time.sleep(2)
    began = time.monotonic()
    shutil.copytree(held / "packets", share / "packets", dirs_exist_ok=True)
    wanted = office.vector()["office"]
    while branch.vector()["office"] < wanted:
        time.sleep(0.2)
    took = time.monotonic() - began
    watch.stop()
    thread.join(30)
    return took, sum(bool(number) for number in applying)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--idle", type=float, default=60)
    parser.add_argument("--burst", type=int, default=1_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        office, branch, share = network(root)
        if chosen.idle:
            print(f"idle: {idle(branch, share, chosen.idle):.2%} of a core")
        if chosen.rounds:
            seconds, grown = rounds(branch, share, chosen.rounds)
            print(f"{chosen.rounds} rounds: {seconds * 1000:.1f} ms of processor each, memory grew by {grown} kB")
        if chosen.burst:
            took, applied = burst(office, branch, root, share, chosen.burst)
            print(f"{chosen.burst} packets at once: applied in {applied} rounds, {took:.1f} s after the copy began")


if __name__ == "__main__":
    main()
