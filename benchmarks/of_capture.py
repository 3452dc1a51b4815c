"""What capture costs the application: its writes with satchel's triggers, against none."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, Side
from benchmarks.orders import LOCAL, TEXT
from benchmarks.process import Taken
from benchmarks.scene import Scene, local_pair, text_pair


def _slowdown(bench: Bench, key: str, many: bool) -> Finding:
    scene = Scene(bench, key)
    return _compare(scene, scene.pair() / "office" / "data.db", scene.plain(), scene.transactions if many else 1)


def _compare(scene: Scene, captured: Path, plain: Path, transactions: int) -> Finding:
    bench = scene.bench

    def write(source: Path) -> Taken:
        path = bench.copy(source, "run.db")
        return bench.ours("application:write", path=path, transactions=transactions, **scene.workload)

    ours, theirs = bench.rounds(lambda: write(captured), lambda: write(plain))
    return Finding(Side.of(ours), Side.of(theirs))


def found_unique(bench: Bench) -> Path:
    """A database with a UNIQUE column besides its key, without satchel and as the office of a network."""

    def make() -> Path:
        scene, folder = Scene(bench), bench.fresh("unique")
        bench.ours("application:create", path=folder / "plain.db", rows=scene.rows, key=scene.key, unique=True)
        (folder / "office").mkdir()
        bench.copy(folder / "plain.db", "unique/office/data.db")
        bench.ours("product:init", home=folder / "office")
        return folder

    path: Path = bench.once("unique", make)
    return path


def unique(bench: Bench) -> Finding:
    """Rows that a REPLACE may displace are noted first."""
    folder = found_unique(bench)
    found = _compare(Scene(bench), folder / "office" / "data.db", folder / "plain.db", 1)
    bench.clear("unique")
    return found


_NOTHING = "the same writes without triggers"
MEASURES = (
    Measure("capture-big", "the application writes the delta in one transaction", _NOTHING, 1.35,
            lambda bench: _slowdown(bench, TEXT, False), (text_pair,)),
    Measure("capture-small", "the application writes the delta in 2,000 transactions", _NOTHING, 1.20,
            lambda bench: _slowdown(bench, TEXT, True), (text_pair,)),
    Measure("capture-unique", "one transaction, a table with a UNIQUE column", _NOTHING, 1.60, unique,
            (found_unique,)),
)  # fmt: skip
LOCAL_MEASURES = (
    Measure("capture-big-local", "the application writes the delta in one transaction", _NOTHING, 1.35,
            lambda bench: _slowdown(bench, LOCAL, False), (local_pair,)),
    Measure("capture-small-local", "the application writes the delta in 2,000 transactions", _NOTHING, 1.20,
            lambda bench: _slowdown(bench, LOCAL, True), (local_pair,)),
)  # fmt: skip
