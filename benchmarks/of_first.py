"""The first synchronisation: one node founds a network with its rows, another joins and takes them all."""

from __future__ import annotations

from benchmarks import orders
from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, Side
from benchmarks.process import Taken
from benchmarks.scene import Scene, first_synchronisation, text_pair

LARGE = 5_000_000
LIMIT = 1024  # MiB


def _sum(takes: list[Taken]) -> Taken:
    return Taken(sum(t.seconds for t in takes), sum(t.cpu for t in takes), max(t.memory for t in takes))


def first(bench: Bench) -> Finding:
    """Founding, inviting, joining, export and import, all of it."""
    scene = Scene(bench)
    plain, steps = scene.plain(), []

    def ours() -> Taken:
        takes = first_synchronisation(scene, "run-first")[1]
        steps.append(takes)
        return _sum(takes)

    def theirs() -> Taken:
        folder = bench.fresh("run-parquet")
        orders.create(folder / "data.db", 0, scene.key)
        file = folder / "orders.parquet"
        return _sum(
            [
                bench.ours("parquet:unload", path=plain, file=file),
                bench.ours("parquet:load", path=folder / "data.db", file=file),
            ]
        )

    mine, other = bench.rounds(ours, theirs, runs=min(3, bench.runs))
    bench.clear("run-first", "run-parquet")
    names = ("init", "join", "export", "import")
    parts = (f"{name} {sum(s[place].seconds for s in steps) / len(steps):.1f}" for place, name in enumerate(names))
    return Finding(Side.of(mine), Side.of(other), note=f"of ours, seconds: {', '.join(parts)}")


def large(bench: Bench) -> Taken:
    """The first synchronisation of 5,000,000 rows; its folders are removed at once."""

    def make() -> Taken:
        takes = first_synchronisation(Scene(bench, full=LARGE, tag="large-"), "large-pair")[1]
        bench.clear("large-pair", "large-text-plain")
        return _sum(takes)

    taken: Taken = bench.once("large", make)
    return taken


def memory(bench: Bench) -> Finding:
    """The peak of the largest process."""
    peak = large(bench).memory
    return Finding(Side([peak], [], [peak]), Side.limit(LIMIT), unit="MiB")


MEASURES = (
    Measure("first-sync", "first synchronisation, 1,000,000 rows, both sides",
            "reading and loading the rows by sqlite3 through Parquet, nothing else", 1.3, first, (text_pair,)),
    Measure("memory", "peak memory, first synchronisation of 5,000,000 rows", "1 GiB", 1.0, memory,
            (large,)),
)  # fmt: skip
