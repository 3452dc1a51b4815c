"""Text as codes and dictionary becomes plain text, within a budget.

A dictionary lets one long value stand for a million rows: 7.8 KB of Parquet can become 2 GB. So text is read as
codes, what it would become is added up, and only then is it spelt out.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from satchel.errors import BadPacket


class Budget:
    """Bytes that one part may still become."""

    def __init__(self, size: int, file: str) -> None:
        self._left = size
        self._size = size
        self._file = file

    def holds(self, size: int) -> bool:
        """Whether so much is left."""
        return size <= self._left

    def spend(self, size: int) -> None:
        """BadPacket when the part has become more than it may."""
        self._left -= size
        if self._left < 0:
            raise BadPacket(f"would become more than {self._size} bytes", self._file)


def plain_batch(batch: pa.RecordBatch, budget: Budget) -> pa.RecordBatch:
    """The batch without dictionaries. BadPacket if that is more than the budget has left."""
    columns = [plain_array(column, budget) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def plain_array(array: pa.Array, budget: Budget) -> pa.Array:
    """The array without dictionaries, at any depth."""
    if pa.types.is_dictionary(array.type):
        return _plain_text(array, budget)
    if pa.types.is_struct(array.type):
        fields = [plain_array(array.field(place), budget) for place in range(array.type.num_fields)]
        named = [pa.field(array.type.field(place).name, part.type) for place, part in enumerate(fields)]
        return pa.StructArray.from_arrays(fields, fields=named, mask=_nulls(array))
    if pa.types.is_list(array.type):
        offsets, values = array.offsets, plain_array(array.values, budget)
        return pa.ListArray.from_arrays(offsets, values, mask=_nulls(array))
    budget.spend(array.nbytes)
    return array


def _plain_text(array: pa.DictionaryArray, budget: Budget) -> pa.Array:
    """Text without its dictionary. What it becomes is added up before only where it could be too much."""
    lengths = pc.cast(pc.binary_length(array.dictionary), pa.int64())
    most = (pc.max(lengths).as_py() or 0) * len(array)
    if not budget.holds(most + 4 * len(array)):
        total = pc.sum(lengths.take(array.indices)).as_py() or 0
        budget.spend(total + 4 * len(array))
        return array.dictionary_decode()
    plain = array.dictionary_decode()
    budget.spend(min(most, _text_bytes(plain)) + 4 * len(array))
    return plain


def _text_bytes(array: pa.Array) -> int:
    """Bytes of all texts of an array."""
    return pc.sum(pc.binary_length(array)).as_py() or 0


def _nulls(array: pa.Array) -> pa.Array | None:
    return pc.is_null(array) if array.null_count else None
