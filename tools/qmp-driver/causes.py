"""The causal chain of one eviction, from a session's database: what made memory short, who looked for pages, what was seen of
this one, how it left, and who wanted it back.

States are asked of the span tables; what only an event tells (an accessed bit, who woke kswapd) is looked up in the event
tables between the beginning of the reclaim pass and the eviction, so that a chain costs what it is long.
"""

import sqlite3
from dataclasses import asdict, dataclass, field

from biography import OPEN, PAGE_SIZE, Biography
from results import rows, value

EVICTION = "id, t, pfn, slot, reason AS verdict, kind, pass_id, content_id, n"


@dataclass
class Fault:
    """A page fault: the trap and what came of it. latency_ns None: the trace saw no end of it."""

    t: int
    pid: int
    va: int
    kind: str | None
    result: str | None
    latency_ns: int | None


@dataclass
class Trigger:
    """Why somebody reclaimed. by: who wanted memory; fault: what it was in, if in a fault."""

    kind: str  # of the pass: kswapd, direct, madvise
    t: int | None = None  # when low was found crossed, or direct reclaim began
    t_begin: int | None = None  # when the reclaimer began
    by: int | None = None
    task: str | None = None
    nr_free: int | None = None
    watermark: str | None = None
    watermark_frames: int | None = None
    fault: Fault | None = None


@dataclass
class Pass:
    pass_id: int
    kind: str
    pid: int
    task: str
    t_begin: int
    t_end: int
    priority: int
    nr_free: int
    nr_scanned: int | None
    id_begin: int


@dataclass
class Look:
    t: int
    mappings: int
    referenced: int


@dataclass
class Mapping:
    """One page-table entry that referred to the content when it was evicted, or when it was looked at."""

    mm_id: int
    va: int
    pid: int | None
    task: str
    looked_at: bool = False
    t_accessed: int | None = None  # the pass found the accessed bit set then
    t_unmapped: int | None = None
    unmapped_by: str | None = None  # pass, an earlier pass, fork (copied as a swap entry), or why it went by itself
    # cleared: by the pass, of a page of a file: not the entry, but the page cache names the slot
    t_back: int | None = None  # when the entry stopped naming the slot, or of a file maps the page again
    back_by: str | None = None  # swapin, or why it was given up; fault: of a file
    fault: Fault | None = None


@dataclass
class Return:
    """The first read of the content after the eviction."""

    t_begin: int
    t_end: int | None
    pfn: int
    readahead: bool
    reader: int | None  # whose fault or madvise read it
    pid: int | None  # whose fault mapped it first; None: nobody's
    latency_ns: int | None
    distance_pages: int


@dataclass
class Chain:
    eviction: dict
    trigger: Trigger
    reclaim: Pass
    t_listed: int | None = None
    from_list: str | None = None
    why_listed: str | None = None
    t_isolated: int | None = None
    look: Look | None = None
    t_decided: int | None = None
    t_slot: int | None = None  # this pass gave it the slot; None: it had one
    t_write_begin: int | None = None
    t_write_end: int | None = None
    t_freed: int | None = None
    refault: Return | None = None
    t_next_eviction: int | None = None
    mapping_id: int | None = None  # of a file whose page it is
    pgoff: int | None = None  # which page of it
    mappings: list[Mapping] = field(default_factory=list)

    def as_json(self) -> dict:
        return asdict(self)


def evictions_of_frame(database: sqlite3.Connection, pfn: int) -> list[dict]:
    """All evictions from a frame, in the order of time."""
    return _dicts(database, f"SELECT {EVICTION} FROM eviction WHERE pfn = :pfn ORDER BY id", pfn=pfn)


def evictions_of_address(database: sqlite3.Connection, mm_id: int, va: int) -> list[dict]:
    """All evictions of a content that the entry at an address named."""
    columns = ", ".join(f"e.{name}" for name in EVICTION.split(", "))
    return _dicts(database, f"""
        SELECT {columns} FROM pte_span p JOIN eviction e
        ON e.slot = p.slot AND e.t >= p.t_begin AND e.t < p.t_end
        WHERE p.mm_id = :mm AND p.va = :va AND p.slot IS NOT NULL
        UNION -- of a file's page, while the address was in a VMA of the file
        SELECT {columns} FROM vma_span v JOIN i_mmap_span i USING (vma_id)
        JOIN cache_span c ON c.mapping_id = i.mapping_id AND c.pgoff = i.pgoff + (:va - v.va_start) / {PAGE_SIZE}
        JOIN eviction e ON e.slot = c.slot AND e.t >= c.t_begin AND e.t < c.t_end
        WHERE v.mm_id = :mm AND v.va_start <= :va AND :va < v.va_end AND e.t >= i.t_begin AND e.t < i.t_end
        AND e.t >= v.t_begin AND e.t < v.t_end ORDER BY 1""", mm=mm_id, va=va)


def _dicts(database: sqlite3.Connection, sql: str, **parameters) -> list[dict]:
    names = [column[0] for column in database.execute(sql, parameters).description]
    return [dict(zip(names, row)) for row in rows(database, sql, **parameters)]


class Causes:
    """Looks up the links of chains. Task names come from the session's biographies."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self.story = Biography(database)

    def chain(self, eviction: dict) -> Chain:
        reclaim = self._pass(eviction["pass_id"])
        chain = Chain(eviction, self._trigger(reclaim), reclaim)
        self._add_list(chain)
        self._add_look(chain)
        self._add_way_out(chain)
        chain.t_next_eviction = self._value(
            "SELECT t FROM eviction WHERE slot = :slot AND t > :t AND content_id = :content ORDER BY t LIMIT 1",
            slot=eviction["slot"], t=eviction["t"], content=eviction["content_id"])
        chain.refault = self._return(chain)
        place = self._row("SELECT mapping_id, pgoff FROM cache_span WHERE slot = :slot AND t_begin <= :t AND :t < t_end",
                          slot=eviction["slot"], t=eviction["t"])
        if place:
            chain.mapping_id, chain.pgoff = place
        self._add_mappings(chain)
        return chain

    def _rows(self, sql: str, **parameters) -> list[tuple]:
        return rows(self._database, sql, **parameters)

    def _row(self, sql: str, **parameters) -> tuple | None:
        found = self._rows(sql, **parameters)
        return found[0] if found else None

    def _value(self, sql: str, **parameters):
        return value(self._database, sql, **parameters)

    # ---- what made memory short ----

    def _pass(self, pass_id: int) -> Pass:
        kind, pid, t_begin, t_end, priority, nr_free, scanned = self._row(
            "SELECT kind, pid, t_begin, t_end, priority, free_begin, nr_scanned FROM reclaim_pass WHERE pass_id = :pass",
            **{"pass": pass_id})
        begin = self._value("SELECT id FROM reclaim_pass_begin WHERE pass_id = :pass", **{"pass": pass_id})
        return Pass(pass_id, kind, pid, self.story.task(t_begin, pid=pid), t_begin, t_end, priority, nr_free, scanned, begin)

    def _trigger(self, reclaim: Pass) -> Trigger:
        trigger = Trigger(reclaim.kind)
        if reclaim.kind == "kswapd":
            self._add_wakeup(trigger, reclaim)
        elif reclaim.kind == "direct":
            self._add_direct(trigger, reclaim)
        else:
            trigger.t = trigger.t_begin = reclaim.t_begin
            trigger.by = reclaim.pid
        if trigger.by is not None:
            trigger.task = self.story.task(trigger.t, pid=trigger.by)
            trigger.fault = self._fault_around(trigger.by, trigger.t)
        return trigger

    def _add_wakeup(self, trigger: Trigger, reclaim: Pass) -> None:
        """The last time that kswapd began before the pass, and who had woken it. Neither is known when tracing began later."""
        woke = self._row("SELECT id, t FROM mm_vmscan_kswapd_wake WHERE id < :id ORDER BY id DESC LIMIT 1",
                         id=reclaim.id_begin)
        if not woke:
            return
        trigger.t_begin = woke[1]
        wakeup = self._row("SELECT id, t, cpu, nr_free FROM mm_vmscan_wakeup_kswapd WHERE id < :id ORDER BY id DESC LIMIT 1",
                           id=woke[0])
        if wakeup:
            event, trigger.t, cpu, trigger.nr_free = wakeup
            trigger.by = self._current_task(event, cpu)
            trigger.watermark = "low"
            trigger.watermark_frames = self._value("SELECT watermark_low FROM session_begin")

    def _add_direct(self, trigger: Trigger, reclaim: Pass) -> None:
        begin = self._row("SELECT id, t FROM mm_vmscan_direct_reclaim_begin WHERE pid = :pid AND id < :id "
                          "ORDER BY id DESC LIMIT 1", pid=reclaim.pid, id=reclaim.id_begin)
        trigger.by = reclaim.pid
        trigger.t = trigger.t_begin = begin[1] if begin else reclaim.t_begin
        # The begin does not tell how much was free; the first pass of this task behind it does.
        trigger.nr_free = self._value("SELECT nr_free FROM reclaim_pass_begin WHERE pid = :pid AND id > :id "
                                      "ORDER BY id LIMIT 1", pid=reclaim.pid, id=begin[0] if begin else reclaim.id_begin - 1)
        trigger.watermark = "min"
        trigger.watermark_frames = self._value("SELECT watermark_min FROM session_begin")

    def _current_task(self, event: int, cpu: int) -> int | None:
        """Whom the CPU ran when it emitted the event."""
        pid = self._value("SELECT next_pid FROM sched_switch WHERE cpu = :cpu AND id < :id ORDER BY id DESC LIMIT 1",
                          cpu=cpu, id=event)
        if pid is None:
            pid = self._value("SELECT pid FROM state_cpu WHERE arg_cpu = :cpu AND id < :id ORDER BY id DESC LIMIT 1",
                              cpu=cpu, id=event)
        return pid

    def _fault_around(self, pid: int, t: int) -> Fault | None:
        """The fault that a task was in."""
        found = self._row("SELECT t, pid, va, kind, result, latency_ns FROM fault WHERE pid = :pid AND t <= :t "
                          "ORDER BY t DESC LIMIT 1", pid=pid, t=t)
        if not found or (found[5] is not None and found[0] + found[5] < t):
            return None
        return Fault(*found)

    # ---- what was seen of the page, and how it left ----

    def _add_list(self, chain: Chain) -> None:
        """Between isolation and eviction the page is on the list of isolated pages, and on no other."""
        isolated = self._value("SELECT t_begin FROM lru_span WHERE pfn = :pfn AND list = 'isolated' AND t_begin <= :t "
                               "ORDER BY t_begin DESC LIMIT 1", pfn=chain.eviction["pfn"], t=chain.eviction["t"])
        if isolated is None:
            return
        chain.t_isolated = isolated
        before = self._row("SELECT list, t_begin, why_in FROM lru_span WHERE pfn = :pfn AND t_begin < :t AND t_end <= :t "
                           "AND list <> 'isolated' ORDER BY t_begin DESC LIMIT 1", pfn=chain.eviction["pfn"], t=isolated)
        if before:
            chain.from_list, chain.t_listed, chain.why_listed = before

    def _add_look(self, chain: Chain) -> None:
        # A pass may look twice: it deactivates the page, then takes it from the inactive list.
        decision = self._row("SELECT id, t FROM reclaim_decision WHERE pfn = :pfn AND id >= :begin AND pass_id = :pass "
                             "ORDER BY id DESC LIMIT 1", pfn=chain.eviction["pfn"], begin=chain.reclaim.id_begin,
                             **{"pass": chain.reclaim.pass_id})
        if not decision:
            return
        chain.t_decided = decision[1]
        look = self._row("SELECT t, mappings, referenced FROM lru_referenced WHERE id > :begin AND id < :end "
                         "AND pfn = :pfn AND pass_id = :pass ORDER BY id DESC LIMIT 1",
                         begin=chain.reclaim.id_begin, end=decision[0],
                         pfn=chain.eviction["pfn"], **{"pass": chain.reclaim.pass_id})
        chain.look = Look(*look) if look else None

    def _add_way_out(self, chain: Chain) -> None:
        pfn, slot, t = (chain.eviction[name] for name in ("pfn", "slot", "t"))
        chain.t_slot = self._value("SELECT t FROM swap_slot_alloc WHERE id > :begin AND id < :end AND pfn = :pfn "
                                   "AND slot = :slot", begin=chain.reclaim.id_begin, end=chain.eviction["id"],
                                   pfn=pfn, slot=slot)
        write = self._row("SELECT t_begin, t_end FROM swap_io WHERE pfn = :pfn AND slot = :slot AND direction = 'out' "
                          "AND pass_id = :pass AND t_end <= :t", pfn=pfn, slot=slot, t=t,
                          **{"pass": chain.reclaim.pass_id})
        if write:
            chain.t_write_begin, chain.t_write_end = write
        chain.t_freed = self._value("SELECT t_end FROM page_life WHERE pfn = :pfn AND t_begin <= :t AND t_end >= :t "
                                    "AND t_end < :open", pfn=pfn, t=t, open=OPEN)

    # ---- who mapped it, and who wanted it back ----

    def _return(self, chain: Chain) -> Return | None:
        found = self._row("SELECT t, slot, pfn, readahead, pid, latency_ns, distance_pages FROM refault "
                          "WHERE eviction_id = :id", id=chain.eviction["id"])
        if not found:
            return None
        t, slot, pfn, readahead, pid, latency, distance = found
        read = self._row("SELECT t_end, pid FROM swap_io WHERE slot = :slot AND direction = 'in' AND t_begin = :t "
                         "AND pfn = :pfn", slot=slot, t=t, pfn=pfn)
        end, reader = read or (None, None)
        return Return(t, end, pfn, bool(readahead), reader, pid, latency, distance)

    def _add_mappings(self, chain: Chain) -> None:
        pfn, slot, t = (chain.eviction[name] for name in ("pfn", "slot", "t"))
        t_look = chain.look.t if chain.look else chain.t_isolated
        looked = set(self._rows("SELECT mm_id, va FROM rmap_span WHERE pfn = :pfn AND t_begin <= :t AND :t < t_end",
                                pfn=pfn, t=t_look)) if t_look is not None else set()
        holding = set(self._rows("SELECT mm_id, va FROM pte_span WHERE slot = :slot AND t_begin <= :t AND :t < t_end",
                                 slot=slot, t=t))
        young = {}
        if chain.look:
            for t_young, mm_id, va in self._rows(
                    "SELECT t, mm_id, va FROM pte_young WHERE id > :begin AND id < :end AND pfn = :pfn "
                    "AND t BETWEEN :isolated AND :look", begin=chain.reclaim.id_begin, end=chain.eviction["id"], pfn=pfn,
                    isolated=chain.t_isolated or 0, look=chain.look.t):
                young[mm_id, va] = t_young
        for mm_id, va in sorted(looked | holding):
            pid = self._value("SELECT pid FROM task_span WHERE mm_id = :mm AND t_begin <= :t ORDER BY t_begin DESC LIMIT 1",
                              mm=mm_id, t=t)
            mapping = Mapping(mm_id, va, pid, self.story.task(chain.reclaim.t_begin, mm_id=mm_id),
                              looked_at=(mm_id, va) in looked and chain.look is not None,
                              t_accessed=young.get((mm_id, va)))
            if (mm_id, va) in holding:
                self._add_swap_entry(chain, mapping)
            else:
                mapping.t_unmapped, mapping.unmapped_by = self._row(
                    "SELECT t_end, why_out FROM pte_span WHERE mm_id = :mm AND va = :va AND pfn = :pfn AND t_end > :look "
                    "AND t_begin <= :t ORDER BY t_begin DESC LIMIT 1", mm=mm_id, va=va, pfn=pfn, look=t_look, t=t)
                if mapping.unmapped_by == "swapout":
                    mapping.unmapped_by = "cleared"
                    self._add_file_entry(chain, mapping)
            chain.mappings.append(mapping)
        chain.mappings.sort(key=lambda m: (m.t_unmapped or 0, m.mm_id, m.va))

    def _add_swap_entry(self, chain: Chain, mapping: Mapping) -> None:
        """An entry may be rewritten while it names the slot: its spans then follow each other without a gap."""
        spans = self._rows("SELECT t_begin, t_end, why_in, why_out FROM pte_span WHERE mm_id = :mm AND va = :va "
                           "AND slot = :slot ORDER BY t_begin", mm=mapping.mm_id, va=mapping.va,
                           slot=chain.eviction["slot"])
        here = next(n for n, span in enumerate(spans) if span[0] <= chain.eviction["t"] < span[1])
        first = last = here
        while first and spans[first - 1][1] == spans[first][0]:
            first -= 1
        while last + 1 < len(spans) and spans[last + 1][0] == spans[last][1]:
            last += 1
        mapping.t_unmapped, _, why, _ = spans[first]
        if why == "swapout":
            why = "pass" if mapping.t_unmapped >= chain.reclaim.t_begin else "an earlier pass"
        mapping.unmapped_by = why
        _, t_end, _, why_out = spans[last]
        if t_end == OPEN or (chain.t_next_eviction is not None and t_end > chain.t_next_eviction):
            return
        mapping.t_back, mapping.back_by = t_end, why_out
        if why_out == "swapin":
            mapping.fault = self._fault_at(mapping, t_end)

    def _add_file_entry(self, chain: Chain, mapping: Mapping) -> None:
        """An entry of a page of a file is empty while the page is away; the page that it maps next may be another file's, or a
        copy: it is the content that came back if the page cache has it at the same place."""
        found = self._row("SELECT p.t_begin, p.why_in FROM pte_span p JOIN cache_span c ON c.pfn = p.pfn "
                          "AND c.t_begin <= p.t_begin AND p.t_begin < c.t_end WHERE p.mm_id = :mm AND p.va = :va "
                          "AND p.kind = 'page' AND p.t_begin > :t AND c.mapping_id = :mapping AND c.pgoff = :pgoff "
                          "ORDER BY p.t_begin LIMIT 1", mm=mapping.mm_id, va=mapping.va, t=chain.eviction["t"],
                          mapping=chain.mapping_id, pgoff=chain.pgoff)
        if not found or (chain.t_next_eviction is not None and found[0] > chain.t_next_eviction):
            return
        mapping.t_back, mapping.back_by = found
        mapping.fault = self._fault_at(mapping, found[0])

    def _fault_at(self, mapping: Mapping, t: int) -> Fault | None:
        """The last fault at an address until t."""
        found = self._row("SELECT t, pid, va, kind, result, latency_ns FROM fault WHERE mm_id = :mm "
                          "AND va >= :va AND va < :va + :page AND t <= :t ORDER BY t DESC LIMIT 1",
                          mm=mapping.mm_id, va=mapping.va, page=PAGE_SIZE, t=t)
        return Fault(*found) if found else None
