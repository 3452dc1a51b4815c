"""A visit to an exchange: what was found there, and whether it knows more of this node than the node itself does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from satchel.errors import ExchangeUnreachable, SatchelError
from satchel.exchange.folder import FolderExchange, open_exchange
from satchel.files import FileTrouble, Throttle
from satchel.sync.missing import look_for_missing
from satchel.sync.traces import Traces

if TYPE_CHECKING:
    from satchel.exchange.listing import Listing
    from satchel.sync.site import Site


@dataclass(frozen=True, slots=True)
class Visit:
    """An exchange and its listing, made once: listing is the truth of that moment."""

    exchange: FolderExchange
    listing: Listing


@dataclass(frozen=True, slots=True)
class Tour:
    """Several visits; `trouble`: with exchanges that could not be reached, or that refused."""

    visits: Sequence[Visit]
    trouble: list[SatchelError] = field(default_factory=list)

    @contextmanager
    def at(self, place: Path) -> Iterator[None]:
        """What goes wrong at one exchange, even half-way, stops none of the others."""
        try:
            yield
        except ExchangeUnreachable as away:
            self.trouble.append(away)
        except FileTrouble as trouble:
            if not trouble.path.is_relative_to(place):
                raise  # of the home
            self.trouble.append(trouble)

    def complain(self) -> None:
        """Raises the first trouble, ExchangeUnreachable or FileTrouble; after everything else was done."""
        for trouble in self.trouble:
            raise trouble


def visit(site: Site, places: Sequence[Path], *, create: bool) -> Tour:
    """Goes to every place; one that is gone does not stop the others. SatchelError: one belongs to another network."""
    visits: list[Visit] = []
    tour = Tour(visits)
    for place in places:
        with tour.at(place):
            exchange = open_exchange(place, site.settings.network_id, create=create)
            rate = site.home.bandwidth(site.settings, place)
            exchange.throttle = None if rate is None else Throttle(rate)
            visits.append(Visit(exchange, exchange.listing(site.shelf.holds)))
    return tour


def look(site: Site, tour: Tour, *, dry_run: bool = False) -> None:
    """Own sequence first (PROTOCOL, Seal: look before sealing). Opens a new epoch if the database is behind what it has
    sent; notices packets that the archive lacks because the home is behind the database. A dry run changes nothing.
    SatchelError: the home lacks the configuration that the database follows, and no place has it."""
    from satchel.sync.epochs import open_epoch, sign_of_restore

    traces = Traces(site, tour.visits)
    site.seen_counter, site.twins = traces.counter, traces.twins
    claim = sign_of_restore(site, traces)
    if claim is not None:
        from satchel.sync.lost_births import expect_lost_births

        if not dry_run:  # before the epoch opens: a kill in between leaves the sign to be seen again
            expect_lost_births(site, traces)
        open_epoch(site, claim, traces, dry_run=dry_run)
    look_for_missing(site, tour.visits, dry_run=dry_run)
