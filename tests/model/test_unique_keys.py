"""Unique keys of a table, and by which collations they compare."""

from __future__ import annotations

import pytest

from satchel.model.schema import Column, Table, UniqueKey

TABLE = Table(
    "t",
    (
        Column("id", "int64", "INTEGER", "integer"),
        Column("plain", "string", "TEXT", "text"),
        Column("folded", "string", "TEXT", "text", "NOCASE"),
    ),
    ("id",),
)
FOLDS = UniqueKey(("plain",), ("NOCASE",))


def test_collations_that_are_the_columns_own_are_left_away() -> None:
    spelt = TABLE.with_unique_keys([UniqueKey(("plain", "folded"), ("BINARY", "NOCASE")), UniqueKey(("plain",))])
    assert spelt == TABLE.with_unique_keys([UniqueKey(("plain", "folded")), UniqueKey(("plain",))])
    assert (spelt.unique, spelt.unique_collations) == ((("plain", "folded"), ("plain",)), ())


def test_keys_over_the_same_columns_stand_beside_each_other_once() -> None:
    made = TABLE.with_unique_keys([UniqueKey(("plain",)), FOLDS, UniqueKey(("plain",), ("BINARY",)), FOLDS])
    assert (made.unique, made.unique_collations) == ((("plain",), ("plain",)), ((), ("NOCASE",)))
    assert made.unique_keys == (UniqueKey(("plain",)), FOLDS)
    assert made.with_unique_keys(made.unique_keys) == made


def test_keys_without_collations_are_read() -> None:
    bare = Table("t", TABLE.columns, ("id",), unique=(("plain",), ("folded",)), unique_collations=(("RTRIM",),))
    assert bare.unique_keys == (UniqueKey(("plain",), ("RTRIM",)), UniqueKey(("folded",)))


def test_a_key_over_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        TABLE.with_unique_keys([UniqueKey(("gone",), ("NOCASE",))])
