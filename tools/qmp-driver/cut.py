"""Which events precede an instant at which the machine was stopped anywhere: what the rings in the dump say, found again in the
database.

The events of one CPU are numbered from 0 in the order of their ids, which is that of its stream. A ring tells how many of them
were reserved; an unfinished one, reserved and not committed, is told by the event's header in the dump, which is not yet what
the trace has. Events keep their stamps' order over all CPUs, and what is emitted after the machine goes on is stamped later than
all before, because QEMU's clock stands still meanwhile: so the cut is a prefix of the merged trace. That is checked for each CPU.
"""

import base64
import itertools
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import results
from errors import ToolError

PACKET_HEADER = 96
EVENT_HEADER = 8
STAMP_MASK = (1 << 48) - 1
# So many events before and behind the cut are looked at: more than one packet holds, whose delivery may have begun or not. Where
# events are unfinished, their whole packet is, and a CPU that emits little may have begun it long ago. Behind the cut others may
# emit much before a CPU tells what it was at: when the host took it away for a while.
BEFORE, BEHIND, STEP = 1 << 12, 1 << 10, 8


@dataclass(frozen=True)
class Event:
    """One event of the trace, by its id and table."""

    id: int
    table: str
    t: int


@dataclass(frozen=True)
class Cut:
    """The last event before an instant, those that were unfinished then, and for each CPU what it
    emitted last and next."""

    last: Event
    unfinished: list[Event]
    around: list[tuple[list[Event], list[Event]]]


class Trace:
    """A session's events by CPU. Cuts are asked for in the order of time."""

    def __init__(self, directory: Path, database: sqlite3.Connection) -> None:
        self._database = database
        self._tables = [table for table, in results.rows(database, "SELECT event FROM event_count")]
        self._ids: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        for line in (directory / "events.tsv").read_text().splitlines():
            number, name, size, *_ = line.split("\t")
            if name in self._tables:
                self._ids[name], self._sizes[name] = int(number, 0), int(size)
        self._nr_events = results.rows(database, "SELECT sum(n) FROM event_count")[0][0]
        self._counted = 1  # ids below are counted ...
        self._counts: list[int] = []  # ... here, by CPU

    def cut(self, cpus: list[dict], near: int) -> Cut:
        """From what guestram/ring.py read of each CPU; `near` events of each CPU around it."""
        if any(cpu["discarded"] for cpu in cpus):
            raise ToolError("events were discarded before this instant")
        # About where: unfinished events are not counted here.
        about = sum(cpu["events"] + sum(packet["events"] for packet in cpu["packets"]) for cpu in cpus)
        before = BEFORE
        while True:
            first = max(about - before, 1)
            base = self._count_below(first, len(cpus))
            if first == 1 or all(below <= _oldest(cpu) for below, cpu in zip(base, cpus)):
                break
            before *= STEP
        behind = BEHIND
        while True:
            window = self._window(first, about + behind, len(cpus))
            found = self._cut_in(window, base, cpus, near)
            if about + behind > self._nr_events or all(len(after) == near for _, after in found.around):
                return found
            behind *= STEP

    def _cut_in(self, window: list[list[Event]], base: list[int], cpus: list[dict], near: int) -> Cut:
        """The cut, from events with so many of each CPU in front of them."""
        choices = [list(self._reserved(cpu, base[number], window[number]))
                   for number, cpu in enumerate(cpus)]
        for choice in itertools.product(*choices):
            ends = [end - base[number] for number, (end, _) in enumerate(choice)]
            last = _last_of_prefix(window, ends)
            if last is not None:
                unfinished = [event for _, events in choice for event in events]
                around = [(events[max(end - near, 0):end], events[end:end + near])
                          for events, end in zip(window, ends)]
                return Cut(last, unfinished, around)
        raise ToolError("the rings in memory and the trace do not agree on what had been emitted: "
                        + ", ".join(f"CPU {number} {[end for end, _ in choice]}"
                                    for number, choice in enumerate(choices)))

    def _count_below(self, first: int, nr_cpus: int) -> list[int]:
        """Events of each CPU with an id below `first`; only what was not counted yet is read."""
        if first < self._counted or not self._counts:
            self._counted, self._counts = 1, [0] * nr_cpus
        columns = ", ".join(f"sum(cpu = {cpu})" for cpu in range(nr_cpus))
        for table in self._tables:
            found = results.rows(self._database, f"SELECT {columns} FROM {table} WHERE id >= :a AND id < :b",
                                 a=self._counted, b=first)[0]
            self._counts = [count + (more or 0) for count, more in zip(self._counts, found)]
        self._counted = first
        return self._counts

    def _window(self, first: int, behind: int, nr_cpus: int) -> list[list[Event]]:
        """Events with ids from `first` up to `behind`, by CPU."""
        found: list[list[Event]] = [[] for _ in range(nr_cpus)]
        for table in self._tables:
            for number, t, cpu in results.rows(
                    self._database, f"SELECT id, t, cpu FROM {table} WHERE id >= :a AND id < :b",
                    a=first, b=behind):
                found[cpu].append(Event(number, table, t))
        for events in found:
            events.sort(key=lambda event: event.id)
        return found

    def _reserved(self, cpu: dict, base: int, window: list[Event]):
        """How many events a CPU had reserved, and which of them are unfinished: one answer, or two
        where the dump leaves open whether the delivery of a packet had begun."""
        for before in {cpu["events"], cpu["events"] - _counted(cpu)}:
            end, unfinished = before, []
            for packet in cpu["packets"]:
                if packet["missing"]:
                    end = self._walk(packet, end, base, window, unfinished)
                else:
                    end += packet["events"]
            yield end, unfinished

    def _walk(self, packet: dict, ordinal: int, base: int, window: list[Event],
              unfinished: list[Event]) -> int:
        """Go through a packet that has unfinished events, by the sizes of those that the trace has in
        their places. Returns the ordinal behind it."""
        content = base64.b64decode(packet["content"])
        offset = PACKET_HEADER
        while offset < len(content):
            if not 0 <= ordinal - base < len(window):
                raise ToolError("the trace ends before what the ring in memory holds")
            event = window[ordinal - base]
            header = self._ids[event.table] | (event.t & STAMP_MASK) << 16
            if content[offset:offset + EVENT_HEADER] != header.to_bytes(EVENT_HEADER, "little"):
                unfinished.append(event)
            offset += EVENT_HEADER + self._sizes[event.table]
            ordinal += 1
        return ordinal


def _counted(cpu: dict) -> int:
    """Events of its first packet that cpu["events"] may hold already."""
    first = cpu["packets"][:1]
    return first[0]["events"] if first and first[0]["uncertain"] else 0


def _oldest(cpu: dict) -> int:
    """The ordinal of the first event that must be looked at: where none is unfinished, the one behind
    the cut.
    """
    begin = cpu["events"] - _counted(cpu)
    if any(packet["missing"] for packet in cpu["packets"]):
        return begin
    return begin + sum(packet["events"] for packet in cpu["packets"])


def _last_of_prefix(window: list[list[Event]], ends: list[int]) -> Event | None:
    """The last event, when the first ends[cpu] of each CPU are together a prefix of the merged trace
    that ends with a stamp; else None."""
    if any(not 0 <= end <= len(events) for events, end in zip(window, ends)):
        return None
    before = [events[end - 1] for events, end in zip(window, ends) if end]
    after = [events[end] for events, end in zip(window, ends) if end < len(events)]
    if not before:
        return None
    last = max(before, key=lambda event: event.id)
    return last if all(event.t > last.t for event in after) else None
