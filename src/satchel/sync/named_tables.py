"""Which tables a packet may write to: a member must not reach what the network does not replicate (ADR 23)."""

from __future__ import annotations

from satchel.errors import BadPacket
from satchel.packet.configuration import Configuration
from satchel.packet.manifest import Manifest
from satchel.packet.table import ascii_lower


def check_tables(manifest: Manifest, configuration: Configuration) -> None:
    """BadPacket if the packet has rows of a table that the configuration neither names nor takes in by its globs, or
    of one that it names in another case: to a database both would be one table."""
    known = {ascii_lower(name): name for name in configuration.tables}
    for entry in manifest.tables:
        name = known.get(ascii_lower(entry.name))
        if name is None and not configuration.options.takes(entry.name):
            raise BadPacket(f"the network does not replicate a table {entry.name}", entry.file)
        if name not in (None, entry.name):
            raise BadPacket(f"the network calls its table {entry.name} {name}", entry.file)
