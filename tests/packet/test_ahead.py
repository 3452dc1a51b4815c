"""Reading one batch ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pyarrow as pa
import pytest

from satchel.errors import BadPacket
from satchel.packet.ahead import read_ahead


def batch(number: int) -> pa.RecordBatch:
    return pa.record_batch({"n": [number]})


def numbers(batches: Iterator[pa.RecordBatch]) -> list[int]:
    return [batch.column(0)[0].as_py() for batch in batches]


def test_the_batches_come_in_their_order() -> None:
    assert numbers(read_ahead(batch(n) for n in range(20))) == list(range(20))
    assert numbers(read_ahead(iter(()))) == []


def test_one_batch_is_decoded_while_another_is_in_use() -> None:
    begun = threading.Event()

    def source() -> Iterator[pa.RecordBatch]:
        yield batch(1)
        begun.set()
        yield batch(2)

    ahead = read_ahead(source())
    assert next(ahead).column(0)[0].as_py() == 1
    assert begun.wait(10), "the second batch is on its way before it is asked for"
    assert numbers(ahead) == [2]


def test_what_is_wrong_is_told_after_the_batches_before_it() -> None:
    def source() -> Iterator[pa.RecordBatch]:
        yield batch(1)
        raise BadPacket("it ends too early")

    ahead = read_ahead(source())
    assert next(ahead).num_rows == 1
    with pytest.raises(BadPacket):
        next(ahead)


def test_whoever_stops_reading_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    ahead = read_ahead(batch(n) for n in range(5))
    next(ahead)
    ahead.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before
