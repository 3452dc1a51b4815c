"""Which rows must be decided together so that the outcome is that of all rows: what a store has to look for.

When some rows were touched, the rows to decide again are these, until there are no more of them:

- every row that is not absent and shares a claim with one of them: old or new claims, those of `would` included;
- every parent of one of them that is not plainly shown (as it was written, and at once);
- the children of each one whose status, row, twin or `first` changed, of each that did not come in at once, and of each
  that is deleted (back for a child or not).

Parents that are plainly shown are handed in as fixed.
"""

from __future__ import annotations

import random
from types import ModuleType
from typing import Any

import pytest

from satchel.replication.constraints import keep_constraints
from tests.replication import toy
from tests.replication.closing import Closing


@pytest.fixture(scope="module")
def spec() -> ModuleType:
    module = toy.load_spec()
    if module is None:
        pytest.skip("the specification's model is not beside this repository")
    return module


def check(spec: ModuleType, old: dict[str, Any], now: dict[str, Any]) -> tuple[int, int]:
    """-> rows that were decided again, all rows"""
    schema = toy.tables_of(spec)
    before = {c.id: c for c in toy.to_candidates(old).values()}
    after = {c.id: c for c in toy.to_candidates(now).values()}
    closing = Closing(schema, before, after, keep_constraints(schema, before.values()))
    inside, out = closing.extent(row for row in after if after[row] != before.get(row))
    full = keep_constraints(schema, after.values())
    for row, outcome in full.items():
        assert outcome == (out[row] if row in inside else closing.before[row]), row
    return len(inside), len(full)


@pytest.mark.parametrize("part", range(4))
def test_deciding_the_rows_that_hang_together_is_deciding_all(spec: ModuleType, part: int) -> None:
    decided = rows = 0
    for seed in range(part, 1200, 4):
        rng = random.Random(seed)
        old = toy.crowd(spec, rng)
        fresh = toy.crowd(spec, rng)
        touched = rng.sample(sorted(fresh), min(len(fresh), rng.randrange(1, 4)))
        new = old | {key: fresh[key] for key in touched}
        counts = check(spec, without_dangling(old), without_dangling(new))
        decided, rows = decided + counts[0], rows + counts[1]
    assert decided < rows * 0.9


def without_dangling(resolved: dict[str, Any]) -> dict[str, Any]:
    return resolved
