"""How costs grow, as points of a plot: with the changes, the size of the database, the number of packets."""

from __future__ import annotations

from statistics import median
from typing import Any

from benchmarks import of_audit, of_growth
from benchmarks.bench import Bench


def take(bench: Bench) -> dict[str, Any]:
    """In seconds: {changes: [{changes, export, import}], rows: [{rows, cycle}],
    packets: [{packets, query, row, verify}]}."""
    changes = of_growth.changes(bench)
    sizes = of_growth.sizes(bench)
    return {
        "changes": [{"changes": n, "export": out, "import": in_} for n, (out, in_) in sorted(changes.items())],
        "rows": [
            {"rows": bench.count(size, 200), "cycle": median(t.seconds for t in takes)} for size, takes in sizes.items()
        ],
        "packets": of_audit.growth(bench),
    }
