"""Free memory and the LRU lists' sizes over time."""

import sqlite3
from array import array
from itertools import accumulate

from results import rows

from .clock import OPEN, Clock

LISTS = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable", "isolated")
UNKNOWN = -1


def free_memory(database: sqlite3.Connection, clock: Clock) -> dict:
    """Fewest and most free frames of each bin; UNKNOWN before the first baseline. A change counts
    for the bin that it falls in, with the value before it and the one after.
    """
    fewest, most = array("i", [UNKNOWN]) * clock.bins, array("i", [UNKNOWN]) * clock.bins
    changes = database.execute("SELECT t, nr_free FROM free_memory ORDER BY id")
    at, value = 0, UNKNOWN
    for t, nr_free in changes:
        place = clock.bin_of(t)
        if place > at:
            # What held until now holds in all bins since.
            fewest[at + 1:place + 1] = most[at + 1:place + 1] = array("i", [value]) * (place - at)
            at = place
        if fewest[at] == UNKNOWN:
            fewest[at] = most[at] = nr_free
        elif nr_free < fewest[at]:
            fewest[at] = nr_free
        elif nr_free > most[at]:
            most[at] = nr_free
        value = nr_free
    if value != UNKNOWN:
        left = clock.bins - at - 1
        fewest[at + 1:] = most[at + 1:] = array("i", [value]) * left
    return {"fewest": fewest, "most": most}


def lru_sizes(database: sqlite3.Connection, clock: Clock) -> dict:
    """Pages on each list at the end of each bin; lists that were always empty are left out."""
    changes = rows(database, f"""
        SELECT list, (t - :begin) * :bins / (:end - :begin) AS place, sum(step) FROM (
            SELECT list, t_begin AS t, nr_frames AS step FROM lru_span
            UNION ALL SELECT list, t_end, -nr_frames FROM lru_span WHERE t_end < {OPEN})
        GROUP BY list, place""", begin=clock.begin, end=clock.end, bins=clock.bins)
    steps: dict[str, array] = {}
    for name, place, step in changes:
        of_list = steps.setdefault(name, array("i", [0]) * clock.bins)
        of_list[min(max(place, 0), clock.bins - 1)] += step
    return {name: array("i", accumulate(steps[name])) for name in LISTS if name in steps}
