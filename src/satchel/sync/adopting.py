"""Taking over a configuration: the database captures and translates what the network agreed on last."""

from __future__ import annotations

from satchel.sync.site import Site

CONFIGURATION = "configuration"  # note: file name of the configuration that the database follows


def adopt(site: Site) -> None:
    """Makes the database follow the network's configuration, if it does not yet; says in the site's warnings what
    changed. A kill in between is harmless: the note is written last, and the next command adopts again."""
    configuration = site.members.configuration
    if configuration is None or site.notes.get(CONFIGURATION) == configuration.file_name:
        return
    site.warnings += site.store.adopt(configuration.shared_tables())
    site.note(configuration=configuration.file_name)
