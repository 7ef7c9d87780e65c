"""What each frame, and each swap slot, was used for over time: a picture of rows and bins whose
cells hold the state that most of the row's frames were in for most of the bin.
"""

import sqlite3
from array import array
from bisect import bisect_right
from collections.abc import Iterator

from results import rows, value

from .clock import Clock, Occupancy

MAX_ROWS = 512

# State 0 is free. Kinds of page_life that are not named are "kernel". An anonymous page has the state of its list; one of a
# file, which is on the same lists, only that of the last two.
FRAME_STATES = ("free", "kernel", "pgtable", "anon", "active_anon", "inactive_anon", "isolated",
                "file", "unevictable")
STATE_OF_KIND = {"pgtable": 2, "anon": 3, "file": 7, "shmem": 7}
STATE_OF_LIST = {"active_anon": 4, "inactive_anon": 5, "isolated": 6, "unevictable": 8}
KERNEL, ANON = 1, 3
OF_ALL_KINDS = ("isolated", "unevictable")

SLOT_STATES = ("free", "only in swap", "also in memory")

Span = tuple[int, int, int, int, int]  # first object, number of objects, state, t_begin, t_end


class Strip:
    """Rows of objects (frames, slots) by number; states by share of time."""

    def __init__(self, numbers: list[int], nr_states: int, clock: Clock) -> None:
        self._numbers = numbers
        self._clock = clock
        self._a_row = max(1, -(-len(numbers) // MAX_ROWS))
        self._nr_rows = -(-len(numbers) // self._a_row)
        self._states = nr_states
        self._rows = [[None] * nr_states for _ in range(self._nr_rows)]

    def add(self, number: int, state: int, t_begin: int, t_end: int, weight: int = 1) -> None:
        """An object that is not in the strip counts for the one before it: there is none."""
        row = self._rows[(bisect_right(self._numbers, number) - 1) // self._a_row]
        if row[state] is None:
            row[state] = Occupancy()
        row[state].add(self._clock.place(t_begin), self._clock.place(t_end), weight)

    def as_tree(self) -> dict:
        cells = array("B")
        for index in range(self._nr_rows):
            cells.extend(self._row(index))
        first = array("I", self._numbers[::self._a_row])
        return {"rows": self._nr_rows, "a_row": self._a_row, "count": len(self._numbers), "bins": self._clock.bins,
                "first": first, "last": self._numbers[-1] if self._numbers else 0, "cells": cells}

    def _row(self, index: int) -> bytearray:
        """The state with the largest share of each bin; what no span covers is state 0."""
        height = min(self._a_row, len(self._numbers) - index * self._a_row)
        used = [(state, occupancy) for state, occupancy in enumerate(self._rows[index])
                if occupancy is not None]
        self._rows[index] = []
        names = (0, *(state for state, _ in used))
        levels = [0] * len(used)  # of whole bins

        def most(shares: list[float]) -> int:
            shares = [height - sum(shares), *shares]
            return names[shares.index(max(shares))]

        cells, constant = bytearray(), 0
        for place in sorted({place for _, occupancy in used
                             for place in (*occupancy.steps, *occupancy.extra)}):
            if place >= self._clock.bins:
                break
            cells += bytes((constant,)) * (place - len(cells))
            levels = [level + occupancy.steps.get(place, 0)
                      for level, (_, occupancy) in zip(levels, used)]
            cells.append(most([level + occupancy.extra.get(place, 0.0)
                               for level, (_, occupancy) in zip(levels, used)]))
            constant = most(levels)
        return cells + bytes((constant,)) * (self._clock.bins - len(cells))


def frames(database: sqlite3.Connection, clock: Clock) -> dict:
    numbers = _managed_frames(database)
    strip = Strip(numbers, len(FRAME_STATES), clock)
    held: dict[int, list[tuple[int, int]]] = {}  # first frame: when what began in it
    for pfn, count, state, begin, end in _lives(database):
        held.setdefault(pfn, []).append((begin, state))
        for number in range(pfn, pfn + count):
            strip.add(number, state, begin, end)
    for lives in held.values():
        lives.sort()
    for pfn, name, nr, begin, end in database.execute("SELECT pfn, list, nr_frames, t_begin, t_end FROM lru_span"):
        state = STATE_OF_LIST.get(name)
        lives = held.get(pfn, [])
        before = lives[bisect_right(lives, (begin, len(FRAME_STATES))) - 1][1] if lives else ANON
        if state is not None and (before == ANON or name in OF_ALL_KINDS):
            for number in range(pfn, pfn + nr):
                strip.add(number, state, begin, end)
                strip.add(number, before, begin, end, -1)
    return {"states": list(FRAME_STATES), **strip.as_tree()}


def _lives(database: sqlite3.Connection) -> Iterator[Span]:
    for pfn, order, kind, begin, end in database.execute(
            'SELECT pfn, "order", kind, t_begin, t_end FROM page_life'):
        yield pfn, 1 << order, STATE_OF_KIND.get(kind, KERNEL), begin, end


def _managed_frames(database: sqlite3.Connection) -> list[int]:
    """Frames that were ever allocated, or free at a baseline."""
    found: set[int] = set()
    for pfn, order in rows(database, 'SELECT pfn, "order" FROM page_life UNION '
                                     'SELECT pfn, "order" FROM state_free'):
        found.update(range(pfn, pfn + (1 << order)))
    return sorted(found)


def slots(database: sqlite3.Connection, clock: Clock) -> dict:
    # Slot 0 is the header of the swap area.
    nr_slots = value(database, "SELECT max(nr_slots) FROM session_begin") or 0
    used = value(database, "SELECT max(slot) FROM swap_span") or 0
    strip = Strip(list(range(1, max(nr_slots, used) + 1)), len(SLOT_STATES), clock)
    for slot, begin, end in database.execute("SELECT slot, t_begin, t_end FROM swap_span"):
        strip.add(slot, 1, begin, end)
    for slot, begin, end in database.execute("SELECT slot, t_begin, t_end FROM swap_cache_span"):
        strip.add(slot, 2, begin, end)
        strip.add(slot, 1, begin, end, -1)
    return {"states": list(SLOT_STATES), "used": used, **strip.as_tree()}
