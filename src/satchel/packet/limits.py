"""Limits on what a packet may ask of its reader, in one place (PROTOCOL, Packet format; ADR 23).

Everything here is checked before memory is spent on it. The writer keeps to the defaults, so that no honest packet is
ever refused. `[limits]` in `satchel.toml` changes them for the reader of one home.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers beyond which nothing is read. Sizes in bytes."""

    manifest_bytes: int = 32 * MIB  # any signed file: manifest, card, configuration, acknowledgement, invitation
    json_values: int = 1_500_000  # in one signed file, at 200 bytes of memory: a list counts as 4, an object as 10
    signatures: int = 4  # per envelope
    tables: int = 2_000  # per packet or configuration
    columns: int = 980  # per table: what a database here can keep
    name_length: int = 255  # characters in the name of a table or column
    text_length: int = 1_000  # characters in any other text of a signed file
    group_packets: int = 100_000  # packets of one seal
    rows: int = 5_000_000  # per packet
    part_bytes: int = 1 << 30  # one Parquet file: no file over 1 GiB
    footer_bytes: int = 64 * MIB  # of one Parquet file
    footer_values: int = 2_000_000  # in that footer
    free_decoded_bytes: int = 512 * MIB  # what any part may become in memory, however small it is
    growth: int = 4  # beyond that, a part may decode to this many times its size

    @staticmethod
    def of(chosen: Mapping[str, object]) -> Limits:
        """The defaults with some numbers changed. ValueError names what is no limit, or no number above 0."""
        known = {field.name for field in fields(Limits)}
        for name, number in chosen.items():
            if name not in known or not isinstance(number, int) or isinstance(number, bool) or number < 1:
                raise ValueError(name)
        return Limits(**{name: number for name, number in chosen.items() if isinstance(number, int)})

    def changed(self) -> dict[str, int]:
        """What is not as by default."""
        return {f.name: number for f in fields(Limits) if (number := getattr(self, f.name)) != f.default}

    @property
    def envelope_bytes(self) -> int:
        """A signed file as it lies in a folder: its payload in base64, and what is around it."""
        return self.manifest_bytes * 4 // 3 + 4096


DEFAULT_LIMITS = Limits()
