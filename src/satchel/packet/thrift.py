"""Thrift's compact protocol, as far as a Parquet footer needs it: numbers, texts, lists and structs.

The library that decodes Parquet ends the whole process on some footers that contradict themselves, and spends far more
memory on a large one than it has bytes. So a footer is read here first, value by value, and counted (step R7).
"""

from __future__ import annotations

from typing import Any

from satchel.errors import BadPacket

Struct = dict[int, Any]  # id of the field -> number, text (bytes), list or struct

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_DEPTH = 12  # of structs and lists in each other; a footer has half of that
_VARINT_BYTES = 10


class CompactReader:
    """Reads one struct from bytes. BadPacket for what is no struct, or has more than `values` values."""

    def __init__(self, data: bytes, values: int, file: str = "") -> None:
        self._data = data
        self._at = 0
        self._left = values
        self._file = file

    def read(self) -> Struct:
        """The struct that the bytes begin with."""
        try:
            return self._struct(_DEPTH)
        except IndexError as short:
            raise self._bad("it ends too early") from short

    def _bad(self, what: str) -> BadPacket:
        return BadPacket(f"the Parquet footer is not right: {what}", self._file)

    def _struct(self, depth: int) -> Struct:
        found: Struct = {}
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            field = field + step if step else self._zigzag()
            if field in found:
                raise self._bad("a field stands twice")
            found[field] = self._value(kind, depth, in_list=False)
        return found

    def _value(self, kind: int, depth: int, *, in_list: bool) -> Any:
        self._left -= 1
        if self._left < 0:
            raise self._bad("it has more values than are allowed")
        if kind in (_I16, _I32, _I64):
            return self._zigzag()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in (_LIST, _SET) and depth:
            return self._list(depth - 1)
        if kind == _STRUCT and depth:
            return self._struct(depth - 1)
        if kind in (_TRUE, _FALSE):
            return self._byte() == _TRUE if in_list else kind == _TRUE
        if kind == _BYTE:
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        raise self._bad("a value of a kind that no footer has")

    def _list(self, depth: int) -> list[Any]:
        head = self._byte()
        count, kind = head >> 4, head & 15
        if count == 15:
            count = self._varint()
        if count > min(self._left, len(self._data) - self._at):  # no value is shorter than a byte
            raise self._bad("a list is longer than the footer")
        return [self._value(kind, depth, in_list=True) for _ in range(count)]

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _bytes(self, count: int) -> bytes:
        if count > len(self._data) - self._at:
            raise self._bad("a text is longer than the footer")
        start, self._at = self._at, self._at + count
        return self._data[start : self._at]

    def _varint(self) -> int:
        number = 0
        for place in range(_VARINT_BYTES):
            byte = self._byte()
            number |= (byte & 127) << 7 * place
            if byte < 128:
                return number
        raise self._bad("a number is too long")

    def _zigzag(self) -> int:
        number = self._varint()
        return number >> 1 ^ -(number & 1)
