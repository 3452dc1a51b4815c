"""How costs grow: with the changes, and not with the size of the database or the number of packets."""

from __future__ import annotations

from pathlib import Path

from benchmarks import of_delta
from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, Side
from benchmarks.process import Taken
from benchmarks.scene import Scene

SIZES = (100_000, 1_000_000, 10_000_000)
FEW = 1_000  # changes
PACKETS = 200
BEGIN = 2  # the first cycles of a pair settle what the first synchronisation left


def readings(bench: Bench) -> dict[int, Path]:
    """Two nodes for each size of the table."""

    def make() -> dict[int, Path]:
        folders: dict[int, Path] = {}
        for size in SIZES:
            bench.say(f"making {bench.count(size, 200):,} readings at two nodes")
            folders[size] = bench.fresh(f"readings-{size}")
            bench.ours("readings:found", folder=folders[size], rows=bench.count(size, 200))
        return folders

    found: dict[int, Path] = bench.once("readings", make)
    return found


def sizes(bench: Bench) -> dict[int, list[Taken]]:
    """The cycle of 1,000 changes in tables of each size, in turn."""

    def take() -> dict[int, list[Taken]]:
        folders = readings(bench)
        seed = iter(range(1_000_000))

        def cycle(size: int) -> Taken:
            rows, changes = bench.count(size, 200), bench.count(FEW, 20)
            return bench.ours("readings:cycle", folder=folders[size], rows=rows, changes=changes, seed=next(seed))

        bench.rounds(*(lambda size=size: cycle(size) for size in SIZES), runs=1)
        takes = bench.rounds(*(lambda size=size: cycle(size) for size in SIZES))
        bench.clear(*(folder.name for folder in folders.values()))
        return dict(zip(SIZES, takes, strict=True))

    found: dict[int, list[Taken]] = bench.once("sizes", take)
    return found


def size(bench: Bench) -> Finding:
    """1,000 changes in 10,000,000 rows, against 1,000,000."""
    found = sizes(bench)
    return Finding(Side.of(found[10_000_000]), Side.of(found[1_000_000]))


def many_packets(bench: Bench) -> Path:
    """An exchange with the delta in 200 packets."""

    def make() -> Path:
        scene = Scene(bench)
        home, exchange = bench.copy(scene.pair() / "office", "many-office"), bench.fresh("many-packets")
        bench.say(f"sealing {bench.count(PACKETS, 4)} packets")
        bench.ours(
            "product:export_often", home=home, exchange=exchange, times=bench.count(PACKETS, 4), **scene.workload
        )
        bench.clear("many-office")
        return exchange

    path: Path = bench.once("many-packets", make)
    return path


def packets(bench: Bench) -> Finding:
    """The delta in 200 packets, imported in one go, against one packet."""
    scene, exchange = Scene(bench), many_packets(bench)

    def import_(source: Path) -> Taken:
        return bench.ours("product:import_", home=bench.copy(scene.pair() / "branch"), exchange=source)

    ours, theirs = bench.rounds(lambda: import_(exchange), lambda: import_(scene.packets()))
    bench.clear("many-packets")
    return Finding(Side.of(ours), Side.of(theirs), note=f"{ours[0].facts['applied']} packets")


def changes(bench: Bench) -> dict[int, tuple[float, float]]:
    """Seconds of export and import by number of changes, once each, and the delta itself."""
    from statistics import median

    scene = Scene(bench)
    found = {}
    for share in (100, 10):
        few = scene.changes // share
        home, exchange = bench.copy(scene.pair() / "office"), bench.fresh("run-exchange")
        bench.ours("application:write", path=home / "data.db", rows=scene.rows, changes=few, key=scene.key)
        out = bench.ours("product:export", home=home, exchange=exchange).seconds
        branch = bench.copy(scene.pair() / "branch")
        found[few] = (out, bench.ours("product:import_", home=branch, exchange=exchange).seconds)
    whole = of_delta.exports(scene)[0], of_delta.imports(scene)[0]
    found[scene.changes] = (median(t.seconds for t in whole[0]), median(t.seconds for t in whole[1]))
    return found


MEASURES = (
    Measure(
        "size", "1,000 changes in 10,000,000 rows: export and import", "1,000 changes in 1,000,000 rows", 1.1, size
    ),
    Measure(
        "packets",
        "200 packets of 500 changes, imported in one go",
        "one packet of 100,000",
        1.5,
        packets,
        (many_packets,),
    ),
)
