"""A session as a trace.dat (version 6), which trace-cmd and KernelShark read: every event as an
ftrace event.

The payload of an event is that of the trace, behind ftrace's common fields; its format file says
where the fields are and how to print them. sched_switch and the wakeups have the fields that they
have in Linux, as readers expect them: names of tasks, and a priority, which is always that of nice
0. Events of Linux keep their system there, others are in the system "palimpsest".
"""

import heapq
import shutil
import sqlite3
import struct
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from export import layout
from export.event_format import FIRST_ID, SYSTEM_OF, Format
from export.ring_buffer import EVENT_FORMAT, PAGE_FORMAT, PAGE_SIZE, RingBuffer
from export.tables import quoted, stream
from export.tasks import IDLE_COMM, LINUX_STATES, PRIORITY, Comms, linux_comm
from results import rows

MAGIC = b"\x17\x08\x44tracing6\0"
LITTLE_ENDIAN, LONG_SIZE = 0, 8
OPTION_DONE, OPTION_TRACECLOCK = 0, 4
CLOCK = b"[mono]\n"  # nanoseconds that only go forward; "boot" is printed without a point
COPY_SIZE = 1 << 20


def write(database: sqlite3.Connection, directory: Path, file: BinaryIO) -> None:
    """directory: the session's. The streams of the CPUs lie beside `file` until they are whole."""
    formats = [Format(event, layout.names_of(database)) for event in layout.events(directory, database)]
    with ExitStack() as stack:
        streams = Streams(stack, Path(file.name).parent)
        _events(database, formats, streams)
        parts = streams.close()
        _header(database, formats, len(parts), file)
        _places(parts, file)
        for part in parts:
            part.seek(0)
            shutil.copyfileobj(part, file, COPY_SIZE)


class Streams:
    """One ring buffer a CPU, in files without a name that end with the stack."""

    def __init__(self, stack: ExitStack, directory: Path) -> None:
        self._stack, self._directory = stack, directory
        self._rings: dict[int, RingBuffer] = {}

    def __getitem__(self, cpu: int) -> RingBuffer:
        if cpu not in self._rings:
            file = tempfile.TemporaryFile(dir=self._directory, buffering=COPY_SIZE)
            self._rings[cpu] = RingBuffer(self._stack.enter_context(file))
        return self._rings[cpu]

    def close(self) -> list[BinaryIO]:
        """The file of each CPU from 0 to the highest."""
        rings = [self[cpu] for cpu in range(max(self._rings, default=0) + 1)]
        for ring in rings:
            ring.finish_page()
        return [ring.file for ring in rings]


# ---- events


def _events(database: sqlite3.Connection, formats: list[Format], streams: Streams) -> None:
    """All events in the order of the trace, each into the stream of its CPU."""
    running: dict[int, int] = {}  # by CPU: the pid, as its last sched_switch says
    comms = Comms(database)
    kinds = {number: format.event.name for number, format in enumerate(formats)
             if format.event.name in ("sched_switch", "state_cpu", "sched_wakeup", "sched_wakeup_new")}
    packers = [format.pack for format in formats]
    losses = _losses(database)
    for row in heapq.merge(*(_rows(database, number, format)
                             for number, format in enumerate(formats))):
        _, number, t, cpu = row[:4]
        values, pid, kind = row[4:], running.get(cpu, 0), kinds.get(number)
        if kind is not None:
            comms.advance(t)
            values = _scheduling(kind, cpu, values, running, comms)
        lost = losses.get(cpu)
        if lost and lost[-1][0] <= t:
            streams[cpu].lost(_number(lost, t))
        streams[cpu].add(t, packers[number](pid, *values))


def _rows(database: sqlite3.Connection, number: int, format_: Format) -> Iterator[tuple]:
    """(id, number, t, cpu, fields...); ids are unique, so that more is never compared."""
    columns = [f"CAST({quoted(field.column)} AS BLOB)" if field.text else quoted(field.column)
               for field in format_.event.fields]
    return stream(database, f"SELECT {', '.join(['id', str(number), 't', 'cpu', *columns])} "
                            f"FROM {quoted(format_.event.name)} ORDER BY id")


def _scheduling(kind: str, cpu: int, values: tuple, running: dict[int, int], comms: Comms) -> tuple:
    """Notes who runs, and gives a switch or a wakeup the fields of Linux."""
    if kind == "state_cpu":
        cpu, running[cpu] = values
        return values
    if kind == "sched_switch":
        prev, next_, state = values
        running[cpu] = next_
        return (comms[prev].encode(), prev, PRIORITY, LINUX_STATES[state],
                comms[next_].encode(), next_, PRIORITY)
    pid, target_cpu = values
    return comms[pid].encode(), pid, PRIORITY, target_cpu


def _losses(database: sqlite3.Connection) -> dict[int, list[tuple[int, int | None]]]:
    """By CPU, the last one first: before which time events are missing, and how many if that is known."""
    found: dict[int, list[tuple[int, int | None]]] = {}
    for cpu, t_to, events in rows(database, "SELECT cpu, t_to, events FROM loss_window "
                                            "ORDER BY t_to DESC"):
        found.setdefault(cpu, []).append((t_to, events))
    return found


def _number(lost: list[tuple[int, int | None]], t: int) -> int | None:
    """How many events are missing until t; they are taken off the list."""
    counts = []
    while lost and lost[-1][0] <= t:
        counts.append(lost.pop()[1])
    return None if None in counts else sum(counts)


# ---- the file around them


def _header(database: sqlite3.Connection, formats: list[Format], cpus: int,
            file: BinaryIO) -> None:
    file.write(MAGIC + struct.pack("<BBI", LITTLE_ENDIAN, LONG_SIZE, PAGE_SIZE))
    file.write(b"header_page\0" + _sized(PAGE_FORMAT))
    file.write(b"header_event\0" + _sized(EVENT_FORMAT))
    file.write(struct.pack("<I", 0))  # events of ftrace itself
    systems: dict[str, list[Format]] = {}
    for format_ in formats:
        systems.setdefault(format_.system, []).append(format_)
    file.write(struct.pack("<I", len(systems)))
    for system, members in sorted(systems.items()):
        file.write(system.encode() + b"\0" + struct.pack("<I", len(members)))
        for format_ in members:
            file.write(_sized(format_.text))
    file.write(struct.pack("<II", 0, 0))  # addresses of functions, formats of printk
    comms = {0: IDLE_COMM} | dict(rows(database, "SELECT pid, comm FROM task_span ORDER BY t_begin"))
    file.write(_sized("".join(f"{pid} {linux_comm(comm)}\n" for pid, comm in comms.items())))
    file.write(struct.pack("<I", cpus) + b"options  \0")
    file.write(struct.pack("<HI", OPTION_TRACECLOCK, len(CLOCK)) + CLOCK)
    file.write(struct.pack("<H", OPTION_DONE) + b"flyrecord\0")


def _sized(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _places(parts: list[BinaryIO], file: BinaryIO) -> None:
    """Where the stream of each CPU begins in the file, at the beginning of a page, and its size."""
    end = file.tell() + 16 * len(parts) + 8 + len(CLOCK)
    padding = -end % PAGE_SIZE
    offset = end + padding
    for part in parts:
        file.write(struct.pack("<QQ", offset, part.tell()))
        offset += part.tell()
    file.write(struct.pack("<Q", len(CLOCK)) + CLOCK + b"\0" * padding)
