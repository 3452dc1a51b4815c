"""Limits on what a packet may ask of its reader, in one place (PROTOCOL, Packet format).

Everything here is checked before memory is spent on it. The writer keeps to the same numbers, so that no honest
packet is ever refused.
"""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers beyond which nothing is read. Sizes in bytes."""

    manifest_bytes: int = 32 * MIB  # any signed file: manifest, card, configuration, acknowledgement, invitation
    signatures: int = 4  # per envelope
    tables: int = 2_000  # per packet or configuration
    columns: int = 2_000  # per table
    name_length: int = 255  # characters in the name of a table or column
    group_packets: int = 100_000  # packets of one seal
    rows: int = 5_000_000  # per packet
    part_bytes: int = 1 << 30  # one Parquet file: no file over 1 GiB
    footer_bytes: int = 64 * MIB  # of one Parquet file
    free_decoded_bytes: int = 512 * MIB  # what any part may become in memory, however small it is
    growth: int = 4  # beyond that, a part may decode to this many times its size


DEFAULT_LIMITS = Limits()
