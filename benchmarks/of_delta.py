"""A day's changes on their way: export, import, both, and the bytes that they take on the medium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, Side
from benchmarks.orders import LOCAL, TEXT
from benchmarks.process import Failed, Taken
from benchmarks.scene import Scene, local_pair, text_pair


def exports(scene: Scene) -> tuple[list[Taken], list[Taken], list[Taken]]:
    """Our exports; the application's writes while a session records, with the changeset written; its writes alone."""
    bench = scene.bench

    def ours() -> Taken:
        home = bench.copy(scene.changed())
        return bench.ours("product:export", home=home, exchange=bench.fresh("run-exchange"))

    def recorded() -> Taken:
        path, changeset = bench.copy(scene.plain(), "run.db"), bench.fresh("run-session") / "changeset"
        return bench.theirs("session:record", needs=["apsw"], path=path, changeset=changeset, **scene.workload)

    def alone() -> Taken:
        path = bench.copy(scene.plain(), "run.db")
        return bench.theirs("session:write", needs=["apsw"], path=path, **scene.workload)

    def take() -> tuple[list[Taken], ...]:
        scene.changed()
        return tuple(bench.rounds(ours, recorded, alone))

    found: tuple[list[Taken], list[Taken], list[Taken]] = bench.once(f"{scene.key} exports", take)
    return found


def imports(scene: Scene) -> tuple[list[Taken], list[Taken]]:
    """Our imports of the packet; the session extension's of its changeset."""
    bench = scene.bench

    def ours() -> Taken:
        home = bench.copy(scene.pair() / "branch")
        return bench.ours("product:import_", home=home, exchange=scene.packets())

    def theirs() -> Taken:
        path = bench.copy(scene.plain(), "run.db")
        return bench.theirs("session:apply", needs=["apsw"], path=path, changeset=scene.changeset())

    def take() -> tuple[list[Taken], ...]:
        scene.packets(), scene.changeset()
        takes = bench.rounds(ours, theirs)
        _check(bench, scene.changed() / "data.db", bench.folder / "run" / "data.db", bench.folder / "run.db")
        return tuple(takes)

    found: tuple[list[Taken], list[Taken]] = bench.once(f"{scene.key} imports", take)
    return found


def _check(bench: Bench, *databases: Path) -> None:
    """Failed unless all hold the same: a figure of something else would be none."""
    sums = [bench.ours("application:content", path=path).facts["sums"] for path in databases if path.is_file()]
    if any(some != sums[0] for some in sums):
        raise Failed(f"not the same rows: {sums}")


def export(bench: Bench, key: str) -> Finding:
    """Sealing to published packet against recording and writing a changeset."""
    ours, recorded, alone = exports(Scene(bench, key))
    usual = median(t.seconds for t in alone), median(t.cpu for t in alone)
    theirs = [_added(t, *usual) for t in recorded]
    writing = median(t.facts["writing"] for t in recorded)
    note = f"of theirs {writing:.2f} s after the commit, the rest while the application wrote"
    return Finding(Side.of(ours), Side.of(theirs), note=note)


def _added(recorded: Taken, seconds: float, cpu: float) -> Taken:
    """What a session added to the application's writes; at least the time after the commit, however writes vary."""
    most = max(recorded.seconds - seconds, recorded.facts["writing"])
    return replace(recorded, seconds=most, cpu=max(0.0, recorded.cpu - cpu))


def import_(bench: Bench, key: str) -> Finding:
    """Taking in the delta against applying a changeset, which verifies, versions and remembers nothing."""
    ours, theirs = imports(Scene(bench, key))
    return Finding(Side.of(ours), Side.of(theirs))


def import_rivals(bench: Bench) -> Finding:
    """Half of the rows were edited here as well."""
    scene = Scene(bench)

    def ours() -> Taken:
        return bench.ours("product:import_", home=bench.copy(scene.rivals()), exchange=scene.packets())

    def theirs() -> Taken:
        path = bench.copy(scene.rival_plain(), "run.db")
        return bench.theirs("session:apply", needs=["apsw"], path=path, changeset=scene.changeset())

    scene.rivals(), scene.rival_plain(), scene.packets(), scene.changeset()
    mine, other = bench.rounds(ours, theirs)
    bench.clear(f"{scene.key}-rivals", f"{scene.key}-rival-plain")
    return Finding(Side.of(mine), Side.of(other), note=f"{mine[0].facts['conflicts']:,} conflicts are told")


def size(bench: Bench, key: str) -> Finding:
    """Bytes per change on the medium, manifest included."""
    scene = Scene(bench, key)
    packet = bench.ours("product:export", home=bench.copy(scene.changed()), exchange=bench.fresh("run-exchange"))
    changeset = bench.theirs("session:compressed", needs=["apsw", "zstandard"], changeset=scene.changeset())
    ours, theirs = (taken.facts["bytes"] / scene.changes for taken in (packet, changeset))
    return Finding(Side.limit(ours), Side.limit(theirs), unit="bytes")


def _of(take: Callable[[Bench, str], Finding], key: str) -> Callable[[Bench], Finding]:
    return lambda bench: take(bench, key)


_SESSION = "SQLite session extension: "
_EXPORT = ("seal to published packet: hashed, signed, flushed", _SESSION + "record and write a changeset", 1.5)
_IMPORT = (
    "import: verified, versioned, conflict-checked, acknowledged, durable",
    _SESSION + "apply the changeset",
    1.2,
)
_BYTES = ("bytes per change on the medium", "session changeset compressed with zstd", 1.3)
MEASURES = (
    Measure("export", *_EXPORT, _of(export, TEXT), (text_pair,)),
    Measure("import", *_IMPORT, _of(import_, TEXT), (text_pair,)),
    Measure("bytes", *_BYTES, _of(size, TEXT), (text_pair,)),
    Measure("import-rivals", "import; half of the rows were edited here as well",
            _SESSION + "apply, overwriting", None, import_rivals, (text_pair,)),
)  # fmt: skip
LOCAL_MEASURES = (
    Measure("export-local", *_EXPORT, _of(export, LOCAL), (local_pair,)),
    Measure("import-local", *_IMPORT, _of(import_, LOCAL), (local_pair,)),
    Measure("bytes-local", *_BYTES, _of(size, LOCAL), (local_pair,)),
)
