"""Which pages the report tells the story of: those with the most to tell, each for a reason."""

import sqlite3
from typing import NamedTuple

from results import rows

INIT_MM = 1  # its few pages swap like everybody's, and tell less than a workload's
PAGE_MASK = -4096


class Choice(NamedTuple):
    """A page by the address space and the address that it is followed at, and why it was chosen."""

    mm_id: int
    va: int
    why: str


def choose(database: sqlite3.Connection) -> list[Choice]:
    found: dict[tuple[int, int], Choice] = {}
    for choice in (*_most_shared(database), *_most_shared_slot(database), *_back_most(database),
                   *_longest_wait(database), *_of_victim(database)):
        found.setdefault((choice.mm_id, choice.va), choice)
    return list(found.values())


def of_task(database: sqlite3.Connection, pid: int, va: int) -> Choice | None:
    """The page at an address of a task; of its address spaces the one that had something there."""
    found = rows(database, """
        SELECT task_span.mm_id FROM task_span JOIN pte_span ON pte_span.mm_id = task_span.mm_id
        WHERE pid = :pid AND va = :va ORDER BY task_span.t_begin DESC LIMIT 1""",
        pid=pid, va=va & PAGE_MASK)
    return Choice(found[0][0], va & PAGE_MASK, "asked for") if found else None


def _most_shared(database: sqlite3.Connection) -> list[Choice]:
    found = rows(database, """
        WITH most AS (SELECT pfn, mappings, t FROM most_shared_ever LIMIT 1)
        SELECT mm_id, va, mappings FROM rmap_span JOIN most USING (pfn)
        WHERE t_begin <= most.t AND most.t < t_end ORDER BY mm_id LIMIT 1""")
    return [Choice(mm, va, f"shared the most: {n} mappings at once") for mm, va, n in found]


def _most_shared_slot(database: sqlite3.Connection) -> list[Choice]:
    """A page that several address spaces had in swap at once; the swap cache's own reference may be
    one of those counted, so the entries are.
    """
    found = rows(database, f"""
        WITH most AS (SELECT slot, t_begin AS t FROM swap_span WHERE refs > 1
            ORDER BY refs DESC, t_begin LIMIT 1),
        entry AS (SELECT mm_id, va, (SELECT count(*) FROM pte_span AS other
                WHERE other.slot = most.slot AND other.t_begin <= most.t AND most.t < other.t_end) AS n
            FROM pte_span JOIN most USING (slot)
            WHERE t_begin <= most.t AND most.t < t_end AND mm_id <> {INIT_MM})
        SELECT mm_id, va, n FROM entry WHERE n > 1 ORDER BY mm_id LIMIT 1""")
    return [Choice(mm, va, f"in swap for {n} address spaces at once") for mm, va, n in found]


def _back_most(database: sqlite3.Connection) -> list[Choice]:
    found = rows(database, f"""
        SELECT mm_id, va, count(*) AS n FROM pte_span WHERE why_in = 'swapin' AND mm_id <> {INIT_MM}
        GROUP BY mm_id, va ORDER BY n DESC, mm_id, va LIMIT 1""")
    return [Choice(mm, va, f"came back from swap the most often: {n} times" if n > 1 else
                   "came back from swap") for mm, va, n in found]


def _longest_wait(database: sqlite3.Connection) -> list[Choice]:
    found = rows(database, f"""
        SELECT mm_id, va & {PAGE_MASK}, latency_ns FROM fault
        WHERE result = 'major' AND mm_id <> {INIT_MM} ORDER BY latency_ns DESC LIMIT 1""")
    return [Choice(mm, va, f"waited for the longest: {latency / 1e6:.1f} ms for the disk")
            for mm, va, latency in found]


def _of_victim(database: sqlite3.Connection) -> list[Choice]:
    found = rows(database, """
        SELECT pte_span.mm_id, va, count(*) AS n FROM pte_span
        JOIN (SELECT mm_id FROM oom_kill ORDER BY t LIMIT 1) AS victim USING (mm_id)
        GROUP BY va ORDER BY n DESC, va LIMIT 1""")
    return [Choice(mm, va, "of the first victim of the OOM killer") for mm, va, _ in found]
