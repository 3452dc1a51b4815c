"""Tables of packets that cannot be those of this network: their author is a stranger to the schema, or wants to be.

What goes on from here becomes tables and SQL of ours, and an error there would hold up every other packet, too.
"""

from __future__ import annotations

from collections.abc import Mapping

from satchel.errors import BadPacket
from satchel.model.schema import Table
from satchel.stores.sqlite.layout import Layout
from satchel.stores.sqlite.schema import MOST_COLUMNS


def check(table: Table, layouts: Mapping[str, Layout]) -> None:
    """BadPacket if a packet's table is another one than the one that is known: in the case of a name, in its key; or
    if the two have more columns together than a database can keep."""
    known = next((layout.table for name, layout in layouts.items() if name.lower() == table.name.lower()), None)
    columns = {name.lower() for name in table.names}
    if known is not None:
        if known.name != table.name:
            raise BadPacket(f"its table {table.name} is called {known.name} here")
        if (known.key, known.scope) != (table.key, table.scope):
            raise BadPacket(f"its table {table.name} has another key than here")
        spelt = {name.lower(): name for name in known.names}
        if odd := [name for name in table.names if spelt.get(name.lower(), name) != name]:
            raise BadPacket(f"its column {table.name}.{odd[0]} is called {spelt[odd[0].lower()]} here")
        columns |= spelt.keys()
    if len(columns) > MOST_COLUMNS:
        raise BadPacket(f"its table {table.name} would have {len(columns)} columns; {MOST_COLUMNS} can be kept")
