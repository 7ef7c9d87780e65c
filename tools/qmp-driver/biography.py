"""What happened to one page, from a session's database: a list of events in the order of time.

A frame's page is followed from the frame's allocation to its free. An address's page is followed
through every frame and swap slot that the address's entry ever referred to; while it referred to a
page of a file, also through those that the page cache had at the page's place. Everything is asked by an
index, so that a story costs what it is long.

A page of 2 MiB is one page to lists, looks and reclaim: they name its first frame.
"""

import sqlite3
from dataclasses import dataclass, field

from results import rows, value

OPEN = 9223372036854775807
PAGE_SIZE = 4096
MAX_ORDER = 10
HUGE_ORDER = 9
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

    @property
    def huge(self) -> bool:
        return self.order == HUGE_ORDER

    @property
    def frames(self) -> str:
        return f"frames {self.pfn} to {self.pfn + (1 << self.order) - 1}"


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
        # Of the threads of one address space its leader is told.
        self._tasks = rows(database, "SELECT pid, mm_id, comm, t_begin, t_end FROM task_span "
                                     "ORDER BY pid <> tgid, t_begin")
        self._seen: set[tuple] = set()
        self._told: set[tuple[int, int]] = set()  # lives of frames: frame and begin
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
        self._add_cache(**span)
        if life.huge:
            span["pfn"] = life.pfn
        self._add_lists(**span, where=f"frame {pfn}")
        self._add_looks(**span, where=f"frame {pfn}")
        self._add_swap_of_frame(**span)

    def _add_life(self, life: Life, pfn: int) -> None:
        where = f"frame {pfn}"
        block = f" as part of a block of {1 << life.order} frames" if life.order else ""
        if life.huge:
            block = f", a page of 2 MiB in {life.frames}"
        split = self._rows("SELECT pfn FROM page_split WHERE id = :id", id=life.life_id)
        if split:
            self._tell(life.t_begin, 0, where, "split", f"a page of its own, split off the page of 2 MiB from frame {split[0][0]} on")
        elif life.cpu is None:
            self._tell(life.t_begin, 0, where, "allocated", f"in use when tracing began: {life.kind}{block}")
        else:
            pid = value(self._database, "SELECT next_pid FROM sched_switch WHERE cpu = :cpu "
                        "AND id < :id ORDER BY id DESC LIMIT 1", cpu=life.cpu, id=life.life_id)
            who = self.task(life.t_begin, pid=pid) if pid is not None else "nobody known"
            text = (f"allocated by {who} on CPU {life.cpu}: {life.kind}{block}"
                    + (", from the CPU's own list" if life.pcp else "")
                    + (", below the min watermark" if life.reserve else ""))
            self._tell(life.t_begin, 0, where, "allocated", text)
        if life.over:
            was_split = life.huge and self._rows("SELECT id FROM page_split WHERE pfn = :pfn AND t = :t",
                                                 pfn=life.pfn, t=life.t_end)
            self._tell(life.t_end, -1 if was_split else 9, where, "freed",
                       "the page of 2 MiB is split into 512 pages" if was_split else "freed")

    def _add_mappings(self, pfn: int, begin: int, end: int) -> None:
        """Entries are found through the mappings that reverse mapping counted."""
        places = self._rows("SELECT DISTINCT mm_id, va FROM rmap_span WHERE pfn = :pfn "
                            "AND t_begin < :end AND t_end > :begin",
                            pfn=pfn, begin=begin, end=end)
        for mm_id, va in places:
            entries = self._rows("""
                SELECT flags, t_begin, t_end, why_in, why_out FROM pte_span
                WHERE mm_id = :mm AND va = :va AND kind = 'page' AND pfn = :pfn
                AND t_begin < :end AND t_end > :begin ORDER BY t_begin""",
                mm=mm_id, va=va, pfn=pfn, begin=begin, end=end)
            self._add_entries(f"frame {pfn}", mm_id, va, entries, begin, end)

    def _add_entries(self, where: str, mm_id: int, va: int, entries: list[tuple], begin: int, end: int) -> None:
        """What happened to them from begin to end: entries outlive a page of 2 MiB that is split."""
        previous = None
        for n, (flags, t, t_end, why_in, why_out) in enumerate(entries):
            place = f"0x{va:x} of {self.task(t, mm_id=mm_id)}"
            rights = "writable" if flags & WRITABLE else "read-only"
            if why_in == "migrate":
                rights += self._other_frame("from", mm_id, va, "t_end", t)
            if t < begin:
                pass
            elif previous == t:
                self._tell(t, 3, where, "changed",
                           f"entry at {place} rewritten: {why_in}; {rights}")
            else:
                self._tell(t, 3, where, "mapped", f"mapped at {place}: {why_in}; {rights}")
            follows = n + 1 < len(entries) and entries[n + 1][1] == t_end
            if t_end < OPEN and t_end <= end and not follows:
                to = self._other_frame("to", mm_id, va, "t_begin", t_end) if why_out == "migrate" else ""
                self._tell(t_end, 5, where, "unmapped", f"unmapped from {place}: {why_out}{to}")
            previous = t_end

    def _other_frame(self, word: str, mm_id: int, va: int, column: str, t: int) -> str:
        """Where the content of a page that moved went to, or came from."""
        found = self._rows(f"SELECT pfn FROM pte_span WHERE mm_id = :mm AND va = :va AND {column} = :t "
                           "AND kind = 'page'", mm=mm_id, va=va, t=t)
        return f", {word} frame {found[0][0]}" if found else ""

    def _add_cache(self, pfn: int, begin: int, end: int) -> None:
        """Which page of which file it is."""
        where = f"frame {pfn}"
        for mapping, pgoff, t, t_end in self._rows("""
                SELECT mapping_id, pgoff, t_begin, t_end FROM cache_span
                WHERE pfn = :pfn AND t_begin >= :begin AND t_begin < :end""", pfn=pfn, begin=begin, end=end):
            before = self._beside(mapping, pgoff, "t_end", t) or self._moved_from(mapping, pgoff, t)
            self._tell(t, 1, where, "cached", f"page {pgoff} of mapping {mapping}" + (f", so far in {before}" if before else ""))
            if t_end < OPEN:
                after = self._beside(mapping, pgoff, "t_begin", t_end) or self._moved_to(pfn, mapping, pgoff, t_end)
                self._tell(t_end, 7, where, "uncached", f"no longer page {pgoff} of mapping {mapping}: "
                           + (f"that is in {after} now" if after else "the file was cut, or is gone"))

    def _beside(self, mapping: int, pgoff: int, column: str, t: int) -> str:
        """What the page cache has at a place just before, or just after."""
        found = self._rows(f"SELECT pfn, slot FROM cache_span WHERE mapping_id = :mapping AND pgoff = :pgoff "
                           f"AND {column} = :t", mapping=mapping, pgoff=pgoff, t=t)
        return "" if not found else f"frame {found[0][0]}" if found[0][1] is None else f"slot {found[0][1]}"

    # A page of a file that moves is in no place for a moment, and its old frame isolated until later.

    def _moved_to(self, pfn: int, mapping: int, pgoff: int, t: int) -> str:
        found = self._rows("""
            SELECT c.pfn FROM lru_span o JOIN cache_span c ON c.t_begin >= :t AND c.t_begin <= o.t_end
            WHERE o.pfn = :pfn AND o.why_out = 'migrate' AND o.t_begin <= :t AND o.t_end >= :t
            AND c.mapping_id = :mapping AND c.pgoff = :pgoff AND c.kind = 'page'""",
            pfn=pfn, mapping=mapping, pgoff=pgoff, t=t)
        return f"frame {found[0][0]}" if found else ""

    def _moved_from(self, mapping: int, pgoff: int, t: int) -> str:
        found = self._rows("""
            SELECT c.pfn FROM cache_span c JOIN lru_span o ON o.pfn = c.pfn AND o.why_out = 'migrate'
                AND o.t_begin <= c.t_end AND o.t_end >= :t
            WHERE c.mapping_id = :mapping AND c.pgoff = :pgoff AND c.t_end <= :t ORDER BY c.t_end DESC LIMIT 1""",
            mapping=mapping, pgoff=pgoff, t=t)
        return f"frame {found[0][0]}" if found else ""

    def _add_lists(self, pfn: int, begin: int, end: int, where: str) -> None:
        spans = self._rows("""
            SELECT list, t_begin, t_end, why_in, why_out FROM lru_span
            WHERE pfn = :pfn AND t_begin >= :begin AND t_begin < :end ORDER BY t_begin""",
            pfn=pfn, begin=begin, end=end)
        for n, (name, t, t_end, why_in, why_out) in enumerate(spans):
            if name == "isolated":
                came_from = spans[n - 1][0] if n else "a list"
                self._tell(t, 2, where, "isolated", f"isolated from {came_from}{self._isolated_for(pfn, t, t_end, why_out)}")
            else:
                # The parts of a page that is split in order to be evicted come to the tail.
                place = name if why_in == "split" or name == "unevictable" else f"the head of {name}"
                self._tell(t, 4, where, "listed", f"to {place}: {why_in}")
            if t_end < OPEN and n + 1 == len(spans) and why_out != "split":
                self._tell(t_end, 8, where, "unlisted", f"off {name}: {why_out}")

    def _isolated_for(self, pfn: int, t: int, t_end: int, why_out: str | None) -> str:
        if why_out == "migrate":
            return " in order to move it"
        judged = self._rows("SELECT id FROM reclaim_decision WHERE pfn = :pfn AND t >= :t AND t <= :end LIMIT 1",
                            pfn=pfn, t=t, end=t_end)
        return " by a reclaim pass" if judged else ""

    def _add_looks(self, pfn: int, begin: int, end: int, where: str) -> None:
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
                self._tell(t_look, 3, where, "accessed" if referenced else "idle",
                           f"{who} asked {mappings} mapping{'s' * (mappings != 1)}: accessed bit "
                           f"set in {referenced}")
            self._tell(t, 6, where, "decided", f"{who} decided {verdict}: {meaning}")

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
        entries = self._rows("""
            SELECT kind, pfn, slot, t_begin, t_end, why_in, why_out FROM pte_span
            WHERE mm_id = :mm AND va = :va ORDER BY t_begin""", mm=mm_id, va=va)
        for n, (kind, pfn, slot, t, t_end, why_in, why_out) in enumerate(entries):
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
                self._add_frame_once(pfn, t)
                self._add_place(pfn, t, entries[n + 1][3] if n + 1 < len(entries) else self._end_of_vma(mm_id, va, t))

    def _add_frame_once(self, pfn: int, t: int) -> None:
        for life in lives_of_frame(self._database, pfn):
            if life.t_begin <= t < life.t_end and (pfn, life.t_begin) not in self._told:
                self._told.add((pfn, life.t_begin))
                self.add_frame(life, pfn)
                if life.huge and life.over:
                    self._add_frame_once(pfn, life.t_end)  # split: the same page goes on

    def _end_of_vma(self, mm_id: int, va: int, t: int) -> int:
        """When the VMA went that was there at t."""
        return value(self._database, """
            SELECT max(t_end) FROM vma_span WHERE vma_id = (SELECT vma_id FROM vma_span WHERE mm_id = :mm
                AND va_start <= :va AND :va < va_end AND t_begin <= :t AND :t < t_end)""", mm=mm_id, va=va, t=t) or t

    def _add_place(self, pfn: int, t: int, t_end: int) -> None:
        """If a frame is a page of a file at t: where else that page is until t_end."""
        for mapping, pgoff in self._rows("SELECT mapping_id, pgoff FROM cache_span WHERE pfn = :pfn "
                                         "AND t_begin <= :t AND :t < t_end", pfn=pfn, t=t):
            for other, slot, begin, end in self._rows("""
                    SELECT pfn, slot, t_begin, t_end FROM cache_span WHERE mapping_id = :mapping AND pgoff = :pgoff
                    AND t_begin > :t AND t_begin < :end""", mapping=mapping, pgoff=pgoff, t=t, end=t_end):
                if slot is None:
                    self._add_frame_once(other, begin)
                    continue
                self._tell(begin, 5, f"slot {slot}", "swapped", f"page {pgoff} of mapping {mapping} is in the slot")
                if end < OPEN and not self._beside(mapping, pgoff, "t_begin", end):
                    self._tell(end, 5, f"slot {slot}", "dropped", f"mapping {mapping} forgets the slot: the file was cut, or is gone")
