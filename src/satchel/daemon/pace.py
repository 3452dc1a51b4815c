"""How often the watch looks, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds."""

    every: float = 300.0  # a round on the schedule, whatever else happens
    settle: float = 2.0  # so long the database has to be quiet before its changes are sealed
    unrest: float = 30.0  # and no longer than this somebody waits who never is quiet
    hurry: float = 0.2  # so long nothing more may arrive before it is taken in: a burst goes in one round
    crowd: float = 2.0  # and no longer than this something waits that arrived
    look: float = 5.0  # between two looks at the exchanges, where no event says that something came
    beat: float = 0.25  # between two looks at the database and at requests
    first_pause: float = 5.0  # after a round that failed; doubles up to `most_pause`
    most_pause: float = 300.0
    share: float = 0.005  # of a core that looking at exchanges may take: a slow listing is made less often
