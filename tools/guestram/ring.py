"""The trace rings in a dump: which events each CPU had emitted, delivered or not (kernel/trace/ring.c).

`ring->events` counts those of delivered packets; of each packet behind them, the header's `emitted` counts the committed ones while
the packet is open or waits. A reserved event that is not committed shows in the bytes: `content_size` is what was committed,
counted down from 0, until the packet is closed and what was reserved is added.
"""

import base64
from dataclasses import dataclass

from guestram.memory import Kernel, Record

SUBBUF = 65536
HEADER = 96
U64 = (1 << 64) - 1
# struct trace_packet: ABI.
CONTENT, PACKET, DISCARDED, EMITTED = 48, 56, 72, 80


@dataclass(frozen=True)
class Packet:
    """One that is not delivered. events: committed ones; missing: bytes reserved and not committed;
    content: what was reserved, when something is missing.

    An interrupted delivery may have added the events to those of the ring already: uncertain."""

    events: int
    missing: int
    uncertain: bool
    content: bytes


def read(kernel: Kernel) -> list[dict]:
    """Per CPU: `events` in delivered packets, `discarded`, and the packets behind them. Empty while
    tracing has not begun."""
    rings = kernel.layout.variable("trace_rings").struct
    count = kernel.field(kernel.variable("trace_rings"), rings, "nr_cpus")
    offsets = kernel.memory.read(kernel.physical(kernel.variable("percpu_offset")), 8 * count)
    return [_ring(kernel, kernel.variable("trace_ring") + offset & U64)
            for offset in offsets.cast("Q").tolist()]


def _ring(kernel: Kernel, address: int) -> dict:
    ring = kernel.layout.struct("trace_ring")
    position, memory, is_open, opened, delivered, subbufs, events, discarded = kernel.record(
        address, Record(ring, "position", "memory", "is_open", "opened", "delivered", "subbuf",
                        "events", "discarded"))
    packets = []
    for number in range(delivered, opened):
        place = kernel.physical(memory) + subbufs[number % len(subbufs)] * SUBBUF
        last = bool(is_open) and number == opened - 1
        packets.append(_packet(kernel.memory.read(place, SUBBUF), events,
                               position - number * SUBBUF if last else None))
    return {"events": events, "discarded": discarded,
            "packets": [{"events": packet.events, "missing": packet.missing,
                         "uncertain": packet.uncertain,
                         "content": base64.b64encode(packet.content).decode()}
                        for packet in packets]}


def _packet(data: memoryview, delivered: int, end: int | None) -> Packet:
    """delivered: events of the ring's delivered packets; end: of an open packet, where the next
    event would be."""

    def field(offset: int) -> int:
        return int.from_bytes(data[offset:offset + 8], "little")

    content, size, emitted = field(CONTENT), field(PACKET), field(EMITTED)
    if end is not None and end <= HEADER:
        # Just opened: perhaps its header is still that of a former packet.
        return Packet(0, 0, False, b"")
    if content == size or (size and not content and emitted == delivered + field(DISCARDED)):
        # Its delivery has begun: `emitted` counts the whole stream already.
        return Packet(0, 0, False, b"")
    if size:
        end = size // 8
    missing = content if size and content < SUBBUF else end - HEADER + content & U64
    return Packet(emitted, missing, bool(size) and not missing,
                  bytes(data[:end]) if missing else b"")
