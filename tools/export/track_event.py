"""Perfetto's trace format: tracks, slices, instants, counters and scheduling as TracePacket
messages.

The field numbers are those of Perfetto's trace_packet.proto, track_event.proto,
track_descriptor.proto and ftrace_event.proto; tests/tools/perfetto.proto repeats the ones used
here. Times are ns of the clock BOOTTIME. Names are interned: each is written once, and a number
stands for it afterwards. Nothing is kept in memory but these names.
"""

from typing import BinaryIO

from export.protobuf import delimited, integer, tag, text, varint
from export.tasks import PRIORITY

# Fields of TracePacket.
TIMESTAMP, CLOCK_SNAPSHOT, SEQUENCE, INTERNED, FLAGS, TRACK_EVENT, DESCRIPTOR, FTRACE = \
    8, 6, 10, 12, 13, 11, 60, 1
STATE_CLEARED, NEEDS_STATE = 1, 2  # sequence_flags
BOOTTIME = 6
SLICE_BEGIN, SLICE_END, INSTANT, COUNTER = 1, 2, 3, 4  # TrackEvent.type
BYTES_UNIT = 3  # CounterDescriptor.unit
EXPLICIT_ORDER = 3  # TrackDescriptor.child_ordering

# What most packets have in common, encoded once.
_PACKET = tag(1, 2)
_TIME = tag(TIMESTAMP, 0)
_IN_EVENT = integer(SEQUENCE, 1) + integer(FLAGS, NEEDS_STATE) + tag(TRACK_EVENT, 2)
_TYPE = {kind: integer(9, kind) + tag(11, 0) for kind in (SLICE_BEGIN, SLICE_END, INSTANT, COUNTER)}
_NAME = tag(10, 0)
_COUNTER_VALUE = tag(30, 0)
_ANNOTATION = tag(4, 2)

# InternedData's field for each kind of name.
_EVENT_NAMES, _ARGUMENT_NAMES, _ARGUMENT_VALUES = 2, 3, 29
_UNSIGNED, _SIGNED, _ADDRESS, _NAMED = tag(3, 0), tag(4, 0), tag(7, 0), tag(17, 0)


class Address(int):
    """An argument that is shown as hexadecimal."""


class TraceFile:
    """Writes packets to a file as they come. Slices of one track begin and end in the order of
    time; otherwise the order does not matter, as the reader sorts.
    """

    def __init__(self, file: BinaryIO, t_first: int) -> None:
        self._write = file.write
        self._interned: dict[tuple[int, str], bytes] = {}
        self._new_names = b""
        clock = integer(1, BOOTTIME) + integer(2, t_first)
        self._packet(integer(TIMESTAMP, t_first) + delimited(
            CLOCK_SNAPSHOT, delimited(1, clock) + integer(2, BOOTTIME)))
        self._packet(integer(SEQUENCE, 1) + integer(FLAGS, STATE_CLEARED))

    def _packet(self, packet: bytes) -> None:
        self._write(_PACKET + varint(len(packet)) + packet)

    # ---- tracks: a number names each; 0 is the whole trace

    def process(self, track: int, t: int, pid: int, name: str) -> None:
        """A process; its counters and lanes are children of this track. t: when it began."""
        self._descriptor(track, t, delimited(3, integer(1, pid) + text(6, name)))

    def thread(self, track: int, t: int, pid: int, name: str) -> None:
        """The main thread of a process: its tid is the pid."""
        self._descriptor(track, t, delimited(4, integer(1, pid) + integer(2, pid) + text(5, name)))

    def group(self, track: int, name: str) -> None:
        """A track without events, whose children are shown in the order of their rank."""
        self._descriptor(track, None, text(2, name) + integer(11, EXPLICIT_ORDER))

    def lane(self, track: int, parent: int, name: str) -> None:
        """A track of slices; tracks of one parent and one name are shown as one."""
        self._descriptor(track, None, integer(5, parent) + text(2, name))

    def counter_track(self, track: int, parent: int, name: str, *, rank: int = 0,
                      scale: str = "") -> None:
        """A counter in bytes. scale: counters of the same one share the vertical axis."""
        counter = integer(3, BYTES_UNIT) + (text(7, scale) if scale else b"")
        self._descriptor(track, None, integer(5, parent) + text(2, name) + delimited(8, counter)
                         + integer(12, rank))

    def _descriptor(self, track: int, t: int | None, fields: bytes) -> None:
        time = b"" if t is None else integer(TIMESTAMP, t)
        self._packet(time + integer(SEQUENCE, 1)
                     + delimited(DESCRIPTOR, integer(1, track) + fields))

    # ---- events

    def begin(self, t: int, track: int, name: str, arguments: bytes = b"") -> None:
        self._event(t, _TYPE[SLICE_BEGIN] + varint(track) + _NAME
                    + self._intern(_EVENT_NAMES, name) + arguments)

    def end(self, t: int, track: int) -> None:
        """The end of the slice that began last on this track and is still open."""
        self._event(t, _TYPE[SLICE_END] + varint(track))

    def instant(self, t: int, track: int, name: str, arguments: bytes = b"") -> None:
        self._event(t, _TYPE[INSTANT] + varint(track) + _NAME + self._intern(_EVENT_NAMES, name)
                    + arguments)

    def counter(self, t: int, track: int, value: int) -> None:
        self._event(t, _TYPE[COUNTER] + varint(track) + _COUNTER_VALUE + varint(value))

    def _event(self, t: int, event: bytes) -> None:
        packet = _TIME + varint(t) + _IN_EVENT + varint(len(event)) + event
        if self._new_names:
            packet += delimited(INTERNED, self._new_names)
            self._new_names = b""
        self._write(_PACKET + varint(len(packet)) + packet)

    def arguments(self, **values) -> bytes:
        """Debug annotations, for begin and instant; one that is None is left out."""
        out = b""
        for name, value in values.items():
            if value is None:
                continue
            if isinstance(value, str):
                encoded = _NAMED + self._intern(_ARGUMENT_VALUES, value)
            elif isinstance(value, Address):
                encoded = _ADDRESS + varint(value)
            else:
                encoded = (_SIGNED if value < 0 else _UNSIGNED) + varint(value)
            annotation = b"\x08" + self._intern(_ARGUMENT_NAMES, name) + encoded  # 8: name_iid
            out += _ANNOTATION + varint(len(annotation)) + annotation
        return out

    def _intern(self, kind: int, name: str) -> bytes:
        """The number of a name, encoded; a new one is defined by the next packet."""
        number = self._interned.get((kind, name))
        if number is None:
            number = varint(len(self._interned) + 1)
            self._interned[kind, name] = number
            self._new_names += delimited(kind, b"\x08" + number + text(2, name))
        return number

    # ---- scheduling, as ftrace tells it

    def ftrace(self, cpu: int, events: list[bytes]) -> None:
        """Events of one CPU in the order of time."""
        self._packet(delimited(FTRACE, integer(1, cpu) + b"".join(events)))


def sched_switch(t: int, prev: tuple[str, int], state: int, next_: tuple[str, int]) -> bytes:
    """For ftrace(). prev, next_: (comm, pid); state: why prev leaves, as Linux numbers it."""
    switch = (text(1, prev[0]) + integer(2, prev[1]) + integer(3, PRIORITY) + integer(4, state)
              + text(5, next_[0]) + integer(6, next_[1]) + integer(7, PRIORITY))
    return _ftrace_event(t, prev[1], delimited(4, switch))


def sched_wakeup(t: int, waker_pid: int, woken: tuple[str, int], target_cpu: int) -> bytes:
    """For ftrace(). woken: (comm, pid)."""
    wakeup = (text(1, woken[0]) + integer(2, woken[1]) + integer(3, PRIORITY) + integer(4, 1)
              + integer(5, target_cpu))
    return _ftrace_event(t, waker_pid, delimited(17, wakeup))


def _ftrace_event(t: int, pid: int, event: bytes) -> bytes:
    return delimited(2, integer(1, t) + integer(2, pid) + event)
