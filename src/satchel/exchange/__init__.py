"""Named bytes in a shared place; nothing here knows what is in a packet."""

from satchel.exchange.archive import Archive
from satchel.exchange.base import Exchange
from satchel.exchange.folder import FolderExchange, open_exchange
from satchel.exchange.listing import Listing, Place
from satchel.exchange.names import packet_path

__all__ = ["Archive", "Exchange", "FolderExchange", "Listing", "Place", "open_exchange", "packet_path"]
