"""What happened to one page, from a session's database: a list of events in the order of time.

A frame's page is followed from the frame's allocation to its free. An address's page is followed
through every frame and swap slot that the address's entry ever referred to. Everything is asked by
an index, so that a story costs what it is long.
"""

import sqlite3
from dataclasses import dataclass, field

from results import rows, value

OPEN = 9223372036854775807
PAGE_SIZE = 4096
MAX_ORDER = 10
# A pass looks at a page and decides about it within so many events.
NEAR_EVENTS = 4096
WRITABLE = 1  # bit w of pte_flags


@dataclass(frozen=True)
class Life:
    """One allocation of a block of frames."""

    pfn: int
    t_begin: int
    t_end: int
    kind: str
    order: int
    life_id: int
    cpu: int | None
    pcp: int
    reserve: int

    @property
    def over(self) -> bool:
        return self.t_end < OPEN


@dataclass(order=True)
class Event:
    """where: the frame or slot it happened to; what: a kind that the summary counts."""

    t: int
    rank: int  # of events at one moment: what must have come first
    where: str = field(compare=False)
    what: str = field(compare=False)
    text: str


def lives_of_frame(database: sqlite3.Connection, pfn: int) -> list[Life]:
    """All allocations that held the frame, in the order of time; it may be inside a larger
    block.
    """
    heads = {pfn >> order << order for order in range(MAX_ORDER + 1)}
    found = rows(database, f"""
        SELECT pfn, t_begin, t_end, kind, "order", life_id, cpu, pcp, reserve FROM page_life
        WHERE pfn IN ({', '.join(map(str, heads))}) AND pfn + (1 << "order") > :pfn
        ORDER BY t_begin""", pfn=pfn)
    return [Life(*row) for row in found]


class Biography:
    """Collects events; `events` is sorted by finish()."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._tasks = rows(database, "SELECT pid, mm_id, comm, t_begin, t_end FROM task_span")
        self._seen: set[tuple] = set()
        self.events: list[Event] = []

    def finish(self) -> list[Event]:
        self.events.sort()
        return self.events

    def _tell(self, t: int, rank: int, where: str, what: str, text: str) -> None:
        # The story of an address meets the same transfer from the frame's side and from the slot's.
        if (t, where, text) not in self._seen:
            self._seen.add((t, where, text))
            self.events.append(Event(t, rank, where, what, text))

    def _rows(self, sql: str, **parameters) -> list[tuple]:
        return rows(self._database, sql, **parameters)

    def task(self, t: int, *, pid: int | None = None, mm_id: int | None = None) -> str:
        """A task as people know it: by number, or by the address space it had at t."""
        for number, space, comm, begin, end in self._tasks:
            if begin <= t < end and (number == pid or (space and space == mm_id)):
                return f"pid {number} ({comm})"
        # fork fills a child's address space before the child exists.
        for number, space, comm, begin, _ in self._tasks:
            if space and space == mm_id and t < begin:
                return f"pid {number} ({comm})"
        return f"pid {pid}" if pid is not None else f"mm {mm_id}"

    # ---- a frame ----

    def add_frame(self, life: Life, pfn: int) -> None:
        """Everything about the page in a frame, from its allocation to its free."""
        self._add_life(life, pfn)
        span = {"pfn": pfn, "begin": life.t_begin, "end": life.t_end}
        self._add_mappings(**span)
        self._add_lists(**span)
        self._add_looks(**span)
        self._add_swap_of_frame(**span)

    def _add_life(self, life: Life, pfn: int) -> None:
        where = f"frame {pfn}"
        block = f" as part of a block of {1 << life.order} frames" if life.order else ""
        if life.cpu is None:
            text = f"in use when tracing began: {life.kind}{block}"
        else:
            pid = value(self._database, "SELECT next_pid FROM sched_switch WHERE cpu = :cpu "
                        "AND id < :id ORDER BY id DESC LIMIT 1", cpu=life.cpu, id=life.life_id)
            who = self.task(life.t_begin, pid=pid) if pid is not None else "nobody known"
            text = (f"allocated by {who} on CPU {life.cpu}: {life.kind}{block}"
                    + (", from the CPU's own list" if life.pcp else "")
                    + (", below the min watermark" if life.reserve else ""))
        self._tell(life.t_begin, 0, where, "allocated", text)
        if life.over:
            self._tell(life.t_end, 9, where, "freed", "freed")

    def _add_mappings(self, pfn: int, begin: int, end: int) -> None:
        """Entries are found through the mappings that reverse mapping counted."""
        places = self._rows("SELECT DISTINCT mm_id, va FROM rmap_span WHERE pfn = :pfn "
                            "AND t_begin >= :begin AND t_begin < :end",
                            pfn=pfn, begin=begin, end=end)
        for mm_id, va in places:
            entries = self._rows("""
                SELECT flags, t_begin, t_end, why_in, why_out FROM pte_span
                WHERE mm_id = :mm AND va = :va AND kind = 'page' AND pfn = :pfn
                AND t_begin >= :begin AND t_begin < :end ORDER BY t_begin""",
                mm=mm_id, va=va, pfn=pfn, begin=begin, end=end)
            self._add_entries(f"frame {pfn}", mm_id, va, entries)

    def _add_entries(self, where: str, mm_id: int, va: int, entries: list[tuple]) -> None:
        previous = None
        for n, (flags, t, t_end, why_in, why_out) in enumerate(entries):
            place = f"0x{va:x} of {self.task(t, mm_id=mm_id)}"
            rights = "writable" if flags & WRITABLE else "read-only"
            if previous == t:
                self._tell(t, 3, where, "changed",
                           f"entry at {place} rewritten: {why_in}; {rights}")
            else:
                self._tell(t, 3, where, "mapped", f"mapped at {place}: {why_in}; {rights}")
            follows = n + 1 < len(entries) and entries[n + 1][1] == t_end
            if t_end < OPEN and not follows:
                self._tell(t_end, 5, where, "unmapped", f"unmapped from {place}: {why_out}")
            previous = t_end

    def _add_lists(self, pfn: int, begin: int, end: int) -> None:
        spans = self._rows("""
            SELECT list, t_begin, t_end, why_in, why_out FROM lru_span
            WHERE pfn = :pfn AND t_begin >= :begin AND t_begin < :end ORDER BY t_begin""",
            pfn=pfn, begin=begin, end=end)
        for n, (name, t, t_end, why_in, why_out) in enumerate(spans):
            where = f"frame {pfn}"
            if name == "isolated":
                came_from = spans[n - 1][0] if n else "a list"
                self._tell(t, 2, where, "isolated", f"isolated from {came_from} by a reclaim pass")
            else:
                self._tell(t, 4, where, "listed", f"to the head of {name}: {why_in}")
            if t_end < OPEN and n + 1 == len(spans):
                self._tell(t_end, 8, where, "unlisted", f"off {name}: {why_out}")

    def _add_looks(self, pfn: int, begin: int, end: int) -> None:
        decisions = self._rows("""
            SELECT d.id, d.t, d.pass_id, p.kind, n.name, n.doc FROM reclaim_decision d
            JOIN reclaim_pass p USING (pass_id)
            JOIN enum_name n ON n.enum = 'reclaim_verdict' AND n.value = d.verdict
            WHERE d.pfn = :pfn AND d.t >= :begin AND d.t <= :end ORDER BY d.id""",
            pfn=pfn, begin=begin, end=end)
        for event, t, pass_id, kind, verdict, meaning in decisions:
            who = f"pass {pass_id} ({kind})"
            look = self._rows("""
                SELECT t, mappings, referenced FROM lru_referenced
                WHERE id < :id AND id > :id - :near AND pfn = :pfn AND pass_id = :pass
                ORDER BY id DESC LIMIT 1""",
                id=event, near=NEAR_EVENTS, pfn=pfn, **{"pass": pass_id})
            for t_look, mappings, referenced in look:
                self._tell(t_look, 3, f"frame {pfn}", "accessed" if referenced else "idle",
                           f"{who} asked {mappings} mapping{'s' * (mappings != 1)}: accessed bit "
                           f"set in {referenced}")
            self._tell(t, 6, f"frame {pfn}", "decided", f"{who} decided {verdict}: {meaning}")

    def _add_swap_of_frame(self, pfn: int, begin: int, end: int) -> None:
        where = f"frame {pfn}"
        for slot, t, t_end in self._rows("""
                SELECT slot, t_begin, t_end FROM swap_cache_span
                WHERE pfn = :pfn AND t_begin >= :begin AND t_begin < :end""",
                pfn=pfn, begin=begin, end=end):
            self._tell(t, 1, where, "cached", f"known in the swap cache as slot {slot}")
            if t_end < OPEN:
                self._tell(t_end, 7, where, "uncached", f"leaves the swap cache (slot {slot})")
        for row in self._rows("""
                SELECT direction, slot, pfn, t_begin, t_end, error, pid, readahead FROM swap_io
                WHERE pfn = :pfn AND t_begin >= :begin AND t_begin < :end""",
                pfn=pfn, begin=begin, end=end):
            self._tell_transfer(*row)
        for t, slot, reason, pass_id, kind in self._rows("""
                SELECT e.t, e.slot, e.reason, e.pass_id, e.kind FROM swap_cache_span c
                JOIN eviction e ON e.slot = c.slot AND e.pfn = c.pfn
                WHERE c.pfn = :pfn AND c.t_begin >= :begin AND c.t_begin < :end
                AND e.t >= c.t_begin AND e.t <= :end""", pfn=pfn, begin=begin, end=end):
            self._tell(t, 6, where, "evicted", f"evicted by pass {pass_id} ({kind}, {reason}); "
                                               f"the content is in slot {slot}")

    # ---- a slot ----

    def _tell_transfer(self, direction: str, slot: int, pfn: int, t: int, t_end: int, error: int,
                       pid: int | None, readahead: int) -> None:
        took = f"{(t_end - t) / 1000:,.1f} us" + (f", error {error}" if error else "")
        if direction == "out":
            self._tell(t, 7, f"frame {pfn}", "written", f"written to slot {slot}: {took}")
        else:
            who = (self.task(t, pid=pid) if pid is not None else "nobody known")
            why = f"readahead for {who}" if readahead else f"{who} wanted it"
            self._tell(t, 2, f"frame {pfn}", "read", f"read from slot {slot}, {why}: {took}")

    def _add_slot(self, mm_id: int, va: int, slot: int, t: int, t_end: int, why_in: str,
                  why_out: str | None) -> None:
        where = f"slot {slot}"
        place = f"0x{va:x} of {self.task(t, mm_id=mm_id)}"
        self._tell(t, 5, where, "swapped", f"the entry at {place} names the slot: {why_in}")
        if t_end < OPEN and why_out != "swapin":
            self._tell(t_end, 5, where, "dropped",
                       f"the entry at {place} forgets the slot: {why_out}")
        # Other tasks may read it for mappings of their own meanwhile.
        for row in self._rows("""
                SELECT direction, slot, pfn, t_begin, t_end, error, pid, readahead FROM swap_io
                WHERE slot = :slot AND t_begin >= :begin AND t_begin < :end""",
                slot=slot, begin=t, end=t_end):
            self._tell_transfer(*row)

    # ---- an address ----

    def add_address(self, mm_id: int, va: int) -> None:
        """The page at an address of an address space, through every frame and slot it was in."""
        told: set[tuple[int, int]] = set()
        for kind, pfn, slot, t, t_end, why_in, why_out in self._rows("""
                SELECT kind, pfn, slot, t_begin, t_end, why_in, why_out FROM pte_span
                WHERE mm_id = :mm AND va = :va ORDER BY t_begin""", mm=mm_id, va=va):
            if kind == "swap":
                self._add_slot(mm_id, va, slot, t, t_end, why_in, why_out)
            elif kind == "zero":
                place = f"0x{va:x} of {self.task(t, mm_id=mm_id)}"
                self._tell(t, 3, "zero page", "mapped",
                           f"the zero page mapped at {place}: {why_in}")
                if t_end < OPEN:
                    self._tell(t_end, 5, "zero page", "unmapped",
                               f"unmapped from {place}: {why_out}")
            else:
                lives = [life for life in lives_of_frame(self._database, pfn)
                         if life.t_begin <= t < life.t_end]
                for life in lives:
                    if (pfn, life.life_id) not in told:
                        told.add((pfn, life.life_id))
                        self.add_frame(life, pfn)
