"""A session as a Perfetto trace: what its tasks waited for, and how much memory was free meanwhile.

Slices lie on the track of the task whose time they are: page faults, and in them direct reclaim,
reclaim passes and waits for swap; kswapd's work on the track of kswapd0. Transfers of the swap disk
have lanes of their own. Names are the ones by which Perfetto's queries and its memory plugin find
such things in a trace of Linux: slice mm_vmscan_direct_reclaim, thread kswapd0, instant
mem.oom_kill, counters MemFree, Active(anon), mem.rss.anon, mem.swap.
"""

import heapq
import sqlite3
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from export.tables import stream
from export.tasks import LINUX_STATES, Comms, linux_comm
from export.track_event import Address, TraceFile, sched_switch, sched_wakeup
from results import rows, session_values, value

OPEN = 9223372036854775807
PAGE_SIZE = 4096
COUNTERS = {  # LRU list: what /proc/meminfo of Linux calls it; isolated pages are not in it
    "active_anon": "Active(anon)", "inactive_anon": "Inactive(anon)",
    "active_file": "Active(file)", "inactive_file": "Inactive(file)",
    "unevictable": "Unevictable", "isolated": "Isolated",
}
PROCESS_COUNTERS = {"page": "mem.rss.anon", "swap": "mem.swap"}
EVENTS_IN_BUNDLE = 256


class Slice(NamedTuple):
    """Sorts by begin; of two that begin together the longer one comes first, as it contains the
    other.
    """

    t_begin: int
    minus_t_end: int
    depth: int
    pid: int
    name: str
    arguments: bytes

    @property
    def t_end(self) -> int:
        return -self.minus_t_end


def write(database: sqlite3.Connection, file: BinaryIO) -> None:
    Export(database, file).write()


class Export:

    def __init__(self, database: sqlite3.Connection, file: BinaryIO) -> None:
        self.database = database
        facts = session_values(database)
        self.t_first, self.t_last = (int(facts.get(key) or 0) for key in ("t_first", "t_last"))
        self.trace = TraceFile(file, self.t_first)
        self.last_track = 0
        self.process_tracks: dict[int, int] = {}  # by pid
        self.thread_tracks: dict[int, int] = {}

    def write(self) -> None:
        self._tasks()
        self._slices()
        self._swap_transfers()
        self._marks()
        self._losses()
        self._scheduling()
        self._memory_counters()
        self._process_counters()

    def _new_track(self) -> int:
        self.last_track += 1
        return self.last_track

    # ---- tasks

    def _tasks(self) -> None:
        """A process and a thread for each pid, which is used once in a session; named as they were
        last.
        """
        begun: dict[int, int] = {}
        comms: dict[int, str] = {}
        for t, pid, comm in rows(self.database, "SELECT t_begin, pid, comm FROM task_span "
                                                "ORDER BY t_begin"):
            begun.setdefault(pid, t)
            comms[pid] = comm
        for pid, t in begun.items():
            self._task(pid, t, comms[pid])

    def _task(self, pid: int, t: int, comm: str) -> None:
        self.process_tracks[pid], self.thread_tracks[pid] = self._new_track(), self._new_track()
        self.trace.process(self.process_tracks[pid], t, pid, linux_comm(comm))
        self.trace.thread(self.thread_tracks[pid], t, pid, linux_comm(comm))

    def _thread(self, pid: int) -> int:
        """The track of a task; one of a task that the trace did not introduce has no name."""
        if pid not in self.thread_tracks:
            self._task(pid, self.t_first, f"pid {pid}")
        return self.thread_tracks[pid]

    # ---- slices

    def _slices(self) -> None:
        """What tasks did and waited for, as slices in slices. The sources are merged by begin, and
        a slice is ended when the next one of its task begins behind it: only what is open is kept.
        """
        open_ends: dict[int, list[int]] = {}
        lanes = Lanes(self, "overlapping")
        for item in heapq.merge(self._faults(), self._direct_reclaim(), self._kswapd(),
                                self._passes(), self._swap_waits()):
            track, ends = self._thread(item.pid), open_ends.setdefault(item.pid, [])
            while ends and ends[-1] <= item.t_begin:
                self.trace.end(ends.pop(), track)
            if ends and item.t_end > ends[-1]:
                # Lost events may leave spans that do not nest.
                lanes.add(item.t_begin, item.t_end, item.name, item.arguments,
                          self.process_tracks[item.pid])
                continue
            ends.append(item.t_end)
            self.trace.begin(item.t_begin, track, item.name, item.arguments)
        for pid, ends in open_ends.items():
            for t in reversed(ends):
                if t < OPEN:
                    self.trace.end(t, self._thread(pid))

    def _stream(self, sql: str, **parameters) -> Iterator[tuple]:
        return stream(self.database, sql, open=OPEN, **parameters)

    def _faults(self) -> Iterator[Slice]:
        """From event to event: latency_ns begins a little before the first, at the trap."""
        arguments = self.trace.arguments
        for t, t_end, pid, va, kind, result, latency, stalled, reclaim in self._stream("""
                SELECT t, coalesce((SELECT t FROM page_fault_end AS over WHERE over.id > fault.id
                        AND over.pid = fault.pid AND address = va AND latency_ns IS NOT NULL
                        ORDER BY over.id LIMIT 1), :open),
                    pid, va, kind, result, latency_ns, stalled_ns, reclaim_ns
                FROM fault ORDER BY t"""):
            yield Slice(t, -t_end, 0, pid, f"page_fault {kind or 'not over'}", arguments(
                kind=kind, va=Address(va), latency_ns=latency, result=result,
                trace_stalled_ns=stalled or None, direct_reclaim_ns=reclaim or None))

    def _direct_reclaim(self) -> Iterator[Slice]:
        for t, t_end, pid, order, freed in self._stream("""
                SELECT t_begin, t_end, pid, "order", nr_reclaimed FROM direct_reclaim
                ORDER BY t_begin"""):
            yield Slice(t, -t_end, 1, pid, "mm_vmscan_direct_reclaim", self.trace.arguments(
                direct_reclaim_order=order, direct_reclaim_nr_reclaimed=freed))

    def _kswapd(self) -> Iterator[Slice]:
        # The thread is in each baseline, without which there would be no spans.
        pid = value(self.database, "SELECT pid FROM task_span WHERE comm = 'kswapd'")
        for t, t_end, free_begin, free_end in self._stream(
                "SELECT t_begin, t_end, free_begin, free_end FROM kswapd_span ORDER BY t_begin"):
            yield Slice(t, -t_end, 1, pid, "mm_vmscan_kswapd", self.trace.arguments(
                free_begin=free_begin, free_end=free_end))

    def _passes(self) -> Iterator[Slice]:
        for t, t_end, pid, pass_id, kind, priority, *counts in self._stream("""
                SELECT t_begin, t_end, pid, pass_id, kind, priority, nr_scanned, nr_freed,
                    nr_written, nr_activated, nr_deactivated, free_begin, free_end
                FROM reclaim_pass ORDER BY t_begin"""):
            names = ("nr_scanned", "nr_freed", "nr_written", "nr_activated", "nr_deactivated",
                     "free_begin", "free_end")
            yield Slice(t, -t_end, 2, pid, "reclaim_pass", self.trace.arguments(
                pass_id=pass_id, kind=kind, priority=priority, **dict(zip(names, counts))))

    def _swap_waits(self) -> Iterator[Slice]:
        """Reads that a fault waited for: from the request until the content was there."""
        for t, t_end, pid, slot, pfn, error in self._stream("""
                SELECT t_begin, t_end, pid, slot, pfn, error FROM swap_io
                WHERE direction = 'in' AND readahead = 0 ORDER BY t_begin"""):
            yield Slice(t, -t_end, 3, pid, "swap_in wait", self.trace.arguments(
                slot=slot, pfn=pfn, error=error or None))

    def _swap_transfers(self) -> None:
        """All transfers of the swap disk, as many lanes as were under way at once."""
        group = self._new_track()
        self.trace.group(group, "Swap disk")
        lanes = {"in": Lanes(self, "swap_in"), "out": Lanes(self, "swap_out")}
        for t, t_end, direction, slot, pfn, pass_id, pid, readahead, error in self._stream("""
                SELECT t_begin, t_end, direction, slot, pfn, pass_id, pid, readahead, error
                FROM swap_io ORDER BY t_begin"""):
            lanes[direction].add(t, t_end, f"swap_{direction}", self.trace.arguments(
                slot=slot, pfn=pfn, pass_id=pass_id, pid=pid, readahead=readahead or None,
                error=error or None), group)

    def _marks(self) -> None:
        """Kills, on the thread that died, and barriers, on the whole trace."""
        for t, pid, *values in self._stream("""
                SELECT t, pid, kill_id, predicted_pages, freed_pages, invoker_pid, "order", nr_free,
                    nr_free_slots FROM oom_kill ORDER BY t"""):
            names = ("kill_id", "predicted_pages", "freed_pages", "invoker_pid", "order", "nr_free",
                     "nr_free_slots")
            self.trace.instant(t, self._thread(pid), "mem.oom_kill",
                               self.trace.arguments(**dict(zip(names, values))))
        for t, n in self._stream("SELECT t, n FROM barrier ORDER BY id"):
            self.trace.instant(t, 0, "trace_barrier", self.trace.arguments(n=n))

    def _losses(self) -> None:
        """When events of a CPU are missing, and when the state is uncertain because of that."""
        lost, doubt = Lanes(self, "events lost"), Lanes(self, "state uncertain")
        for t, t_end, cpu, events in self._stream(
                "SELECT t_from, t_to, cpu, events FROM loss_window ORDER BY t_from"):
            lost.add(t, min(t_end, self.t_last), "events lost",
                     self.trace.arguments(cpu=cpu, events=events), 0)
        for t, t_end in self._stream("SELECT t_begin, t_end FROM uncertain ORDER BY t_begin"):
            doubt.add(t, min(t_end, self.t_last), "state uncertain", b"", 0)

    # ---- scheduling

    def _scheduling(self) -> None:
        """sched_switch and sched_wakeup as ftrace events, in bundles of one CPU each."""
        bundles: dict[int, list[bytes]] = {}
        comms = Comms(self.database)
        running = dict(rows(self.database, "SELECT arg_cpu, pid FROM state_cpu ORDER BY id"))
        for id_, t, cpu, pid, other, state in heapq.merge(
                self._stream("SELECT id, t, cpu, prev_pid, next_pid, prev_state FROM sched_switch "
                             "ORDER BY id"),
                self._stream("SELECT id, t, cpu, pid, target_cpu, NULL FROM sched_wakeup "
                             "ORDER BY id")):
            comms.advance(t)
            bundle = bundles.setdefault(cpu, [])
            if state is None:
                bundle.append(sched_wakeup(t, running.get(cpu, 0), (comms[pid], pid), other))
            else:
                running[cpu] = other
                bundle.append(sched_switch(t, (comms[pid], pid), LINUX_STATES[state],
                                           (comms[other], other)))
            if len(bundle) == EVENTS_IN_BUNDLE:
                self.trace.ftrace(cpu, bundle)
                bundle.clear()
        for cpu, bundle in bundles.items():
            if bundle:
                self.trace.ftrace(cpu, bundle)

    # ---- counters, in bytes

    def _memory_counters(self) -> None:
        group = self._new_track()
        self.trace.group(group, "Memory")
        marks = rows(self.database, "SELECT watermark_min, watermark_low, watermark_high, "
                                    "nr_frames, nr_slots FROM session_begin")
        free = self._counter(group, "MemFree", scale="free")
        last = None
        for t, frames in self._settled("SELECT t, nr_free FROM free_memory ORDER BY id"):
            self.trace.counter(t, free, frames * PAGE_SIZE)
            last = t
        if marks and last is not None:
            *watermarks, frames, slots = marks[0]
            for name, mark in zip(("min", "low", "high"), watermarks):
                self._constant(self._counter(group, f"watermark {name}", scale="free"), mark)
            self._constant(self._counter(group, "MemTotal"), frames)
            if slots:
                self._swap_free(group, slots)
        self._list_sizes(group)

    def _counter(self, group: int, name: str, scale: str = "") -> int:
        track = self._new_track()
        self.trace.counter_track(track, group, name, rank=track, scale=scale)
        return track

    def _constant(self, track: int, pages: int) -> None:
        for t in (self.t_first, self.t_last):
            self.trace.counter(t, track, pages * PAGE_SIZE)

    def _settled(self, sql: str) -> Iterator[tuple]:
        """Rows whose first column is a time; of several of the same nanosecond the last one."""
        before = None
        for row in self._stream(sql):
            if before is not None and row[0] != before[0]:
                yield before
            before = row
        if before is not None:
            yield before

    def _swap_free(self, group: int, slots: int) -> None:
        """Slots that hold no content."""
        track, used = self._counter(group, "SwapFree"), 0
        self.trace.counter(self.t_first, track, slots * PAGE_SIZE)
        for t, step in self._stream("""
                SELECT t, sum(step) FROM (
                    SELECT t_begin AS t, 1 AS step FROM swap_slot_life
                    UNION ALL SELECT t_end, -1 FROM swap_slot_life WHERE t_end < :open)
                GROUP BY t HAVING sum(step) <> 0 ORDER BY t"""):
            used += step
            self.trace.counter(t, track, (slots - used) * PAGE_SIZE)

    def _list_sizes(self, group: int) -> None:
        tracks: dict[str, int] = {}
        before = None
        for row in self._stream("SELECT list, t, size FROM lru_size"):
            list_, t, size = row
            if row == before:  # changes of one nanosecond have a row each
                continue
            before = row
            if list_ not in tracks:
                tracks[list_] = self._counter(group, COUNTERS[list_])
            self.trace.counter(t, tracks[list_], size * PAGE_SIZE)

    def _process_counters(self) -> None:
        """Pages that each process maps and has in swap, by its entries."""
        pids = dict(rows(self.database, "SELECT mm_id, min(pid) FROM task_span WHERE mm_id > 0 "
                                        "GROUP BY mm_id"))
        tracks: dict[tuple[int, str], int] = {}
        pages: dict[tuple[int, str], int] = {}
        for t, mm_id, kind, step in self._stream("""
                SELECT t, mm_id, kind, sum(step) FROM (
                    SELECT t_begin AS t, mm_id, kind, 1 AS step FROM pte_span
                    WHERE kind IN ('page', 'swap')
                    UNION ALL SELECT t_end, mm_id, kind, -1 FROM pte_span
                    WHERE kind IN ('page', 'swap') AND t_end < :open)
                GROUP BY t, mm_id, kind HAVING sum(step) <> 0"""):
            if mm_id not in pids:
                continue
            key = (pids[mm_id], kind)
            if key not in tracks:
                self._thread(key[0])
                tracks[key] = self._new_track()
                self.trace.counter_track(tracks[key], self.process_tracks[key[0]],
                                         PROCESS_COUNTERS[kind])
            pages[key] = pages.get(key, 0) + step
            self.trace.counter(t, tracks[key], pages[key] * PAGE_SIZE)


class Lanes:
    """Slices that overlap, on as few tracks as there are at once; a reader shows tracks of one name
    as one.
    """

    def __init__(self, export: Export, name: str) -> None:
        self.export, self.name = export, name
        self.free: dict[int, list[tuple[int, int]]] = {}  # by parent: (end of last slice, track)

    def add(self, t: int, t_end: int, name: str, arguments: bytes, parent: int) -> None:
        """Slices come in the order of their begin."""
        trace, lanes = self.export.trace, self.free.setdefault(parent, [])
        if lanes and lanes[0][0] <= t:
            _, track = heapq.heappop(lanes)
        else:
            track = self.export._new_track()
            trace.lane(track, parent, self.name)
        trace.begin(t, track, name, arguments)
        if t_end < OPEN:
            trace.end(t_end, track)
        heapq.heappush(lanes, (t_end, track))
