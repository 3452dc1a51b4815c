"""The whole cycle, from one node's changes to the other's rows, against programs that do the same."""

from __future__ import annotations

import json
import shutil

from benchmarks import of_delta, orders
from benchmarks.bench import Bench
from benchmarks.measure import Finding, Measure, NotMeasured, Side
from benchmarks.process import ROOT, Taken, run_process
from benchmarks.scene import Scene


def _ours(scene: Scene) -> Side:
    """Export and import, as they were taken for their own measures."""
    exports, imports = of_delta.exports(scene)[0], of_delta.imports(scene)[0]
    return Side.of([_sum(out, in_) for out, in_ in zip(exports, imports, strict=False)])


def _sum(*takes: Taken) -> Taken:
    return Taken(sum(t.seconds for t in takes), sum(t.cpu for t in takes), max(t.memory for t in takes))


def geodiff(bench: Bench) -> Finding:
    """pygeodiff reads both databases whole, and needs a copy of the old one."""
    scene = Scene(bench)
    plain = scene.plain()
    changed = bench.copy(plain, "geodiff-changed.db")
    bench.ours("application:write", path=changed, **scene.workload)

    def theirs() -> Taken:
        target, changeset = bench.copy(plain, "run.db"), bench.fresh("run-geodiff") / "changeset"
        return _sum(
            bench.theirs("geodiff:create", needs=["pygeodiff"], base=plain, changed=changed, changeset=changeset),
            bench.theirs("geodiff:apply", needs=["pygeodiff"], path=target, changeset=changeset),
        )

    [takes] = bench.rounds(theirs)
    bench.clear("geodiff-changed.db", "run-geodiff")
    return Finding(_ours(scene), Side.of(takes))


def pouch(bench: Bench) -> Finding:
    """As many documents as the delta has changes, from one PouchDB on disk to another, empty one."""
    scene = Scene(bench)
    node, package = shutil.which("node"), bench.alternatives / "node" / "node_modules" / "pouchdb"
    if node is None:
        raise NotMeasured("there is no node here")
    if not package.is_dir():
        raise NotMeasured("PouchDB is not installed: `make bench` does it where there is npm")
    script, source = ROOT / "benchmarks" / "pouch.js", bench.fresh("pouch")
    rows = orders.rows(scene.rows, scene.rows + scene.changes)
    (source / "documents.json").write_text(json.dumps([_document(row) for row in rows]))
    run_process([node, script, "fill", source / "documents.json", source / "database", package])

    def theirs() -> Taken:
        target = bench.fresh("run-pouch") / "database"
        output, whole = run_process([node, script, "replicate", source / "database", target, package])
        facts = json.loads(output)
        return Taken(facts["seconds"], facts["cpu"], whole.memory)

    [takes] = bench.rounds(theirs)
    bench.clear("pouch", "run-pouch")
    return Finding(_ours(scene), Side.of(takes))


def _document(row: tuple[object, ...]) -> dict[str, object]:
    key, *values = row
    return {"_id": key, **dict(zip(orders.COLUMNS[1:], values, strict=True))}


MEASURES = (
    Measure("cycle-geodiff", "whole cycle: export and import", "pygeodiff: create and apply", 0.5, geodiff),
    Measure("cycle-pouchdb", "whole cycle: export and import", "PouchDB: replication of as many documents", 0.05,
            pouch),
)  # fmt: skip
