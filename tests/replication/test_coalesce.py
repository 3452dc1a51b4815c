from __future__ import annotations

from satchel.model.value import Value
from satchel.replication.coalesce import Entry, Net, coalesce

ROW = {"k": 1, "a": "a", "b": "b"}


def at(milliseconds: int, counter: int = 0) -> int:
    return (milliseconds << 16) + counter


def insert(ms: int) -> Entry:
    return Entry(ms, "I", ms)


def update(ms: int, **old: Value) -> Entry:
    return Entry(ms, "U", ms, frozenset(old), old)


def delete(ms: int, **old: Value) -> Entry:
    return Entry(ms, "D", ms, frozenset(), old or ROW)


def maybe(ms: int, **old: Value) -> Entry:
    return Entry(ms, "M", ms, frozenset(), old or ROW)


def net(*entries: Entry, now: dict[str, Value] | None = ROW, known: bool = True, floor: int = 0) -> Net | None:
    return coalesce(entries, now, known, floor)


def everything(clock: int) -> dict[str, int]:
    return dict.fromkeys(ROW, clock)


def test_an_empty_log_is_no_change() -> None:
    assert net() is None


def test_updates_add_their_columns_each_with_its_own_time() -> None:
    assert net(update(1, a=0), update(2, b=0)) == Net(False, at(2), {"a": at(1), "b": at(2)}, False)
    assert net(update(1, a=0), update(2, a=1)) == Net(False, at(2), {"a": at(2)}, False)


def test_a_column_that_went_there_and_back_is_a_write() -> None:
    assert net(update(1, a="a"), update(2, a="x")) == Net(False, at(2), {"a": at(2)}, False)


def test_an_update_that_changes_no_value_is_no_change() -> None:
    assert net(update(1), update(2)) is None
    assert net(update(1, a=0), update(9)) == Net(False, at(1), {"a": at(1)}, False)


def test_an_insert_writes_every_column_and_updates_after_it_their_own() -> None:
    assert net(insert(1), update(2, a=0), known=False) == Net(False, at(2), everything(at(1)) | {"a": at(2)}, True)


def test_a_row_inserted_and_deleted_between_two_seals_never_existed() -> None:
    assert net(insert(1), delete(2), now=None, known=False) is None
    assert net(insert(1), update(2, a=0), delete(3), now=None, known=False) is None


def test_its_times_are_forgotten_with_it() -> None:
    assert net(insert(9), delete(9), insert(1), known=False) == Net(False, at(1), everything(at(1)), True)


def test_a_delete_keeps_the_image_of_the_last_seal() -> None:
    image = {"k": 1, "a": "first", "b": "b"}
    log = (update(1, a="first"), update(2, a="second"), delete(3, k=1, a="third", b="b"))
    assert net(*log, now=None) == Net(True, at(3), {}, False, image)


def test_the_image_is_not_that_of_a_row_born_since() -> None:
    log = (update(1, a="was"), delete(2, k=1, a="x", b="b"), insert(3), delete(4, k=1, a="new", b="new"))
    assert net(*log, now=None) == Net(True, at(4), {}, False, {"k": 1, "a": "was", "b": "b"})


def test_the_image_has_no_column_that_was_added_later() -> None:
    log = (delete(1, k=1, a="a"), insert(2), update(3, b="x"), delete(4, k=1, a="a", b="b"))
    assert net(*log, now=None) == Net(True, at(4), {}, False, {"k": 1, "a": "a"})


def test_an_insert_after_a_delete_is_a_fresh_row() -> None:
    assert net(update(1, a=0), delete(2), insert(3)) == Net(False, at(3), everything(at(3)), True)


def test_times_are_lifted_over_the_siblings_and_over_the_last_change() -> None:
    assert net(update(5, a=0), update(3, b=0), floor=at(7)) == Net(
        False, at(7, 2), {"a": at(7, 1), "b": at(7, 2)}, False
    )
    assert net(update(5, a=0), delete(5), insert(5)) == Net(False, at(5, 2), everything(at(5, 2)), True)


def test_a_replace_on_a_key_is_an_update_of_what_differs() -> None:
    expected = Net(False, at(2), {"a": at(2)}, False)
    assert net(maybe(2, k=1, a="old", b="b"), insert(2)) == expected
    assert net(maybe(2, k=1, a="old", b="b"), delete(2, k=1, a="old", b="b"), insert(2)) == expected
    assert net(maybe(2, k=1, a="a", b=1), insert(2), now={"k": 1, "a": "a", "b": 1.0}) == Net(
        False, at(2), {"b": at(2)}, False
    )


def test_a_replace_that_changes_nothing_is_no_change() -> None:
    assert net(maybe(2), insert(2)) is None
    assert net(maybe(2), delete(2), insert(2)) is None


def test_a_replace_is_compared_with_the_row_as_it_came_out_then() -> None:
    log = (maybe(1, k=1, a="0", b="b"), insert(1), update(2, a="0"))
    assert net(*log) == Net(False, at(2), {"a": at(2)}, False)
    log = (maybe(1, k=1, a="0", b="b"), insert(1), maybe(2, k=1, a="0", b="x"), insert(2))
    assert net(*log, now={"k": 1, "a": "0", "b": "x"}) == Net(False, at(1), {"b": at(1)}, False)


def test_a_replace_of_a_row_born_since_stays_a_birth() -> None:
    log = (insert(1), maybe(2, k=1, a="old", b="b"), insert(2))
    assert net(*log, known=False) == Net(False, at(2), everything(at(1)) | {"a": at(2)}, True)


def test_a_row_that_was_perhaps_displaced_and_is_there_is_no_change() -> None:
    assert net(maybe(1), maybe(2)) is None


def test_a_row_that_was_perhaps_displaced_and_is_gone_is_deleted_then() -> None:
    assert net(maybe(2), now=None) == Net(True, at(2), {}, False, ROW)
    log = (update(1, a="first"), maybe(2))
    assert net(*log, now=None) == Net(True, at(2), {}, False, ROW | {"a": "first"})


def test_a_displaced_row_that_the_network_did_not_have_never_existed() -> None:
    assert net(insert(1), maybe(2), now=None, known=False) is None


def test_an_upsert_is_just_its_update() -> None:
    assert net(maybe(1, k=1, a=0, b="b"), update(1, a=0)) == Net(False, at(1), {"a": at(1)}, False)


def test_a_row_that_the_log_says_is_alive_and_that_is_gone_is_deleted() -> None:
    assert net(update(1, a=0), now=None) == Net(True, at(1, 1), {}, False, {"a": 0})
    assert net(delete(1), insert(2), now=None) == Net(True, at(2, 1), {}, False, ROW)
    assert net(insert(2), now=None, known=False) is None


def test_a_row_that_the_log_says_is_deleted_and_that_is_there_is_written_whole() -> None:
    assert net(delete(1)) == Net(False, at(1, 1), everything(at(1, 1)), False)
    assert net(insert(1), delete(2), known=False) == Net(False, at(2), everything(at(2)), True)


def test_an_update_of_a_row_that_the_log_says_is_deleted_writes_it_whole() -> None:
    assert net(delete(1), update(2, a=0)) == Net(False, at(2), everything(at(2)), False)


def test_an_update_of_a_row_that_the_network_does_not_have_writes_it_whole() -> None:
    assert net(update(1, a=0), update(2, b=0), known=False) == Net(
        False, at(2), {"k": at(2), "a": at(1), "b": at(2)}, True
    )


def test_a_column_that_was_dropped_since_is_not_written() -> None:
    assert net(update(1, gone=0)) is None
    assert net(update(1, gone=0, a=0)) == Net(False, at(1), {"a": at(1)}, False)


def test_a_row_deleted_after_an_insert_that_was_ignored_is_not_replaced() -> None:
    fresh = Net(False, at(3), everything(at(3)), True)
    assert net(maybe(1), delete(2), insert(3)) == fresh
    assert net(maybe(1), insert(3)) == fresh  # displaced by another row in between
