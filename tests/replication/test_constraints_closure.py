"""Which rows must be decided together so that the outcome is that of all rows: what a store has to look for.

When some rows were touched, the rows to decide again are these, until there are no more of them:

- every row that is not absent and shares a claim with one of them: claims of the image and of `would`, old and new;
- every parent of one of them that is not plainly shown. Plainly shown: in the table exactly as it was written, no
  reference led to a twin, no note, and in a circle `first`. A row with SET DEFAULT has its default parent as well;
- the children, absent ones aside, of each one whose status, row, twin or `first` changed; of each that did not come in
  at once (not `first`); and of each that is deleted, whether it is back or not: whether they need it is asked again. Of
  rows with SET DEFAULT those that are not plainly shown are children of the default parent as well.

Parents that are plainly shown are handed in as fixed. Parents and children are meant by the images and by `would`.
"""

from __future__ import annotations

import random
from dataclasses import replace
from types import ModuleType

import pytest

from satchel.model.admission import Candidate, RowId
from satchel.model.key import key_text
from satchel.replication.constraints import keep_constraints
from tests.replication import toy
from tests.replication.closing import Closing, Rows
from tests.replication.random_schemas import Drawn, draw, draw_rows


@pytest.fixture(scope="module")
def spec() -> ModuleType:
    module = toy.load_spec()
    if module is None:
        pytest.skip("the specification's model is not beside this repository")
    return module


def check(drawn: Drawn, now: Rows) -> tuple[int, int]:
    """-> rows that were decided again, all rows"""
    before = keep_constraints(drawn.tables, drawn.rows.values(), drawn.default)
    closing = Closing(drawn.tables, drawn.rows, now, before, drawn.default)
    inside, out = closing.extent(row for row in now if now[row] != drawn.rows.get(row))
    full = keep_constraints(drawn.tables, now.values(), drawn.default)
    for row, outcome in full.items():
        assert outcome == (out[row] if row in inside else before[row]), row
    return len(inside), len(full)


def some(rng: random.Random, fresh: Rows) -> dict[RowId, Candidate]:
    return {row: fresh[row] for row in rng.sample(list(fresh), min(len(fresh), rng.randrange(1, 4)))}


def check_toy(spec: ModuleType, seed: int) -> tuple[int, int]:
    rng = random.Random(seed)
    old, fresh = ({c.id: c for c in toy.to_candidates(toy.crowd(spec, rng)).values()} for _ in range(2))
    return check(Drawn(toy.tables_of(spec), old), old | some(rng, fresh))


def check_drawn(seed: int) -> tuple[int, int]:
    rng = random.Random(seed)
    drawn = draw(rng, 6)
    alike = {(i[0], key_text(drawn.tables[i[0]], i[1])): i for i in drawn.rows}
    now = dict(drawn.rows)
    for row, candidate in some(rng, draw_rows(rng, drawn.tables, 6)).items():
        known = alike.get((row[0], key_text(drawn.tables[row[0]], row[1])), row)
        now[known] = replace(candidate, id=known)
    return check(drawn, now)


@pytest.mark.parametrize("part", range(4))
def test_deciding_the_rows_that_hang_together_is_deciding_all(spec: ModuleType, part: int) -> None:
    counts = [check_toy(spec, seed) for seed in range(part, 600, 4)]
    assert sum(decided for decided, _ in counts) < sum(rows for _, rows in counts) * 0.5


@pytest.mark.parametrize("part", range(4))
def test_deciding_the_rows_that_hang_together_is_deciding_all_in_any_schema(part: int) -> None:
    counts = [check_drawn(seed) for seed in range(part, 600, 4)]
    assert sum(decided for decided, _ in counts) < sum(rows for _, rows in counts) * 0.6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_deciding_the_rows_that_hang_together_is_deciding_all_many_times_over(spec: ModuleType, part: int) -> None:
    for seed in range(10_000 + part, 13_000, 4):
        check_toy(spec, seed)
        check_drawn(seed)
