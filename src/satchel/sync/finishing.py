"""A start after a kill: what an interrupted run left is brought to its end (PROTOCOL, Seal: write-ahead)."""

from __future__ import annotations

from satchel.exchange.names import MARKER, PACKET_FOLDER
from satchel.files import remove_folder, stands
from satchel.sync.site import Site


def finish(site: Site) -> None:
    """Manifests that are recorded are written, parts of packets that were never recorded are discarded."""
    if site.store.unpublished():
        from satchel.sync.sealing import publish_unfinished

        publish_unfinished(site)
    mark = site.store.vector().get(site.own_origin)
    for folder in site.shelf.after(site.origin, mark.seq if mark else 0):
        if PACKET_FOLDER.fullmatch(folder.name) and not stands(folder / MARKER):
            remove_folder(folder)
            site.forget_shelf()
