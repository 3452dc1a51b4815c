from __future__ import annotations

from satchel.replication.clock import LATEST_MILLISECONDS, lift


def test_a_stamp_is_the_wall_clock() -> None:
    assert lift(1000) == 1000 << 16
    assert lift(1000, [5, 999 << 16]) == 1000 << 16


def test_a_stamp_is_lifted_over_what_is_known() -> None:
    assert lift(1000, [1000 << 16]) == (1000 << 16) + 1
    assert lift(1000, [7, 9000 << 16]) == (9000 << 16) + 1


def test_a_stamp_is_never_time_unknown() -> None:
    assert lift(0) == 1
    assert lift(-5000) == 1
    assert lift(0, [0]) == 1


def test_a_wild_clock_still_fits_64_bits_with_room_to_count_on() -> None:
    wild = lift(10**18)
    assert wild == LATEST_MILLISECONDS << 16
    assert lift(10**18, [wild]) == wild + 1
    assert wild < 2**62
