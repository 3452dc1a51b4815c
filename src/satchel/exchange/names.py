"""Names that become paths: each is checked here, whatever packet or caller it comes from (PROTOCOL, Packet format)."""

from __future__ import annotations

import re

from satchel.errors import BadPacket
from satchel.model.devices import is_device
from satchel.model.ids import ORIGIN_NAME, RESERVED_NETWORKS

MARKER = "manifest.json"  # its presence makes the packet exist
MARKER_UNDER_WAY = "manifest.json.tmp"
LABEL = "satchel.json"  # network and format of an exchange

NETWORK_FOLDER = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
SNAPSHOT_FOLDER = re.compile(r"[a-z0-9][a-z0-9-]{0,30}-[0-9]{13,15}")  # author and milliseconds; no packet's folder
PACKET_FOLDER = re.compile(r"[0-9]{10,18}-[0-9a-f]{8}")
PART_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}\.parquet")
SIDE_FOLDERS = ("acks", "nodes")
SIDE_NAME = re.compile(r"[a-z0-9][a-z0-9._~-]{0,99}\.json")


def packet_path(network: str, origin: str, seq: int, suffix: str) -> str:
    """`acme/site-a/0000000012-5f0c9a17`: where a packet lies below `packets/`. BadPacket: a name that may not
    become a path."""
    return checked_packet_path(f"{network}/{origin}/{seq:010d}-{suffix}")


def checked_packet_path(relative: str) -> str:
    """The path below `packets/` as it is. BadPacket: it is not one that `packet_path` makes."""
    network, _, rest = relative.partition("/")
    origin, _, folder = rest.partition("/")
    if not NETWORK_FOLDER.fullmatch(network) or network in RESERVED_NETWORKS or is_device(network):
        raise BadPacket(f"{network!r} cannot be a network's folder")
    if not ORIGIN_NAME.fullmatch(origin) or is_device(origin):
        raise BadPacket(f"{origin!r} is not an origin's name")
    if not PACKET_FOLDER.fullmatch(folder):
        raise BadPacket(f"{folder!r} is not a packet's folder")
    return relative


def checked_part_name(name: str) -> str:
    """A part's file name as it is. BadPacket: it may not become a path."""
    if not PART_NAME.fullmatch(name) or is_device(name):
        raise BadPacket(f"{name!r} is not a part's file name")
    return name


def checked_side_path(relative: str) -> str:
    """`acks/site-a.json` or `nodes/...json` as it is. BadPacket: it may not become a path."""
    folder, _, name = relative.partition("/")
    if folder not in SIDE_FOLDERS or not SIDE_NAME.fullmatch(name) or is_device(name):
        raise BadPacket(f"{relative!r} is not the name of a card, statement or acknowledgement")
    return relative
