"""Whether the database follows what the network agreed on: looked at by every command, and seldom something to do."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from satchel.stores.counts import RowCounts
    from satchel.sync.site import Site

FOLLOWED = "configuration"  # note: file name of the configuration that the database follows
CAUGHT_UP = "caught_up"  # note: what the database had, and what was agreed, when nothing was missing there


def noted_version(site: Site) -> int:
    """The version of the configuration that the database follows; 0: none."""
    parts = site.notes.get(FOLLOWED, "").split("-")
    return int(parts[1]) if len(parts) > 2 and parts[0] == "config" and parts[1].isdecimal() else 0


def is_behind(site: Site) -> bool:
    """Whether the home lacks the configuration that the database follows: a home that was restored from a backup."""
    agreed = site.members.agreed
    return (0 if agreed is None else agreed.version) < noted_version(site)


def adopt(site: Site) -> None:
    """Makes the database follow the network's configuration, if it does not yet; says in the site's warnings what
    changed. A kill in between is harmless: the note is written last, and the next command adopts again."""
    agreed = site.members.agreed
    if agreed is None or site.notes.get(FOLLOWED) == agreed.file_name or is_behind(site):
        return
    from satchel.sync.adopting import take_over

    take_over(site, agreed)


def catch_up(site: Site) -> None:
    """Has an admin's node sign the next version if its database has tables or columns that the network's configuration
    does not name."""
    if site.joining or site.members.role(site.settings.node) != "admin" or is_behind(site):
        return
    if (standing := _standing(site)) == site.notes.get(CAUGHT_UP):
        return
    from satchel.sync.catching_up import sign_next

    sign_next(site)
    if standing == _standing(site) and not site.dry_run:  # nothing was signed
        site.learned[CAUGHT_UP] = standing


def _standing(site: Site) -> str:
    names = sorted((table.name, sorted(table.names)) for table in site.store.tables())
    here = site.notes.get("fingerprint", "")
    return f"{site.agreed.file_name} {here} {hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]}"


def follow(site: Site) -> None:
    """Adds to this database what others have, if the network asks for it; the values that were kept appear."""
    if not site.agreed.follows or not site.store.lacks():
        return
    site.warnings += site.store.follow()
    site.warnings += site.store.renew_capture()


def decide_again(site: Site) -> RowCounts:
    """Looks once more at rows that this database did not take, or lacked the columns for, or that another policy
    decides now. What is pending was sealed before."""
    from satchel.stores.counts import RowCounts

    if not site.store.needs_retry():
        return RowCounts()
    with site.store.applying() as applying:
        with applying.delta(site.rules) as delta:  # somebody writes at this moment: the next run is soon enough
            if delta is not None:
                return RowCounts()
        counts = applying.retry(site.rules)
        applying.commit()
    return counts
