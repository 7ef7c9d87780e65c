"""The session's time in bins of equal length, and spans of time added to them."""

from array import array
from dataclasses import dataclass

OPEN = 9223372036854775807  # t_end of what was still there when the trace ended


@dataclass(frozen=True)
class Clock:
    """begin, end: nanoseconds since boot of the first and behind the last event; bins between them."""

    begin: int
    end: int
    bins: int

    @property
    def step(self) -> float:
        """Nanoseconds of a bin."""
        return (self.end - self.begin) / self.bins

    def bin_of(self, t: int) -> int:
        return min(max((t - self.begin) * self.bins // (self.end - self.begin), 0), self.bins - 1)

    def place(self, t: int) -> float:
        """In bins from the beginning; what lies outside is at the edge."""
        return (min(max(t, self.begin), self.end) - self.begin) * self.bins / (self.end - self.begin)


class Occupancy:
    """How much of each bin spans of time cover, 1.0 for all of it by one span. Only bins where that changes are kept:
    `steps` is the change at the bin for it and all later ones, `extra` what comes to it alone.
    """

    def __init__(self) -> None:
        self.steps: dict[int, int] = {}
        self.extra: dict[int, float] = {}

    def add(self, begin: float, end: float, weight: int = 1) -> None:
        """begin, end: in bins."""
        if end <= begin:
            return
        first, last = int(begin), int(end)
        extra, steps = self.extra, self.steps
        if first == last:
            extra[first] = extra.get(first, 0.0) + (end - begin) * weight
            return
        extra[first] = extra.get(first, 0.0) + (first + 1 - begin) * weight
        extra[last] = extra.get(last, 0.0) + (end - last) * weight
        steps[first + 1] = steps.get(first + 1, 0) + weight
        steps[last] = steps.get(last, 0) - weight


def merged(spans: list[tuple[int, int]], gap: float) -> tuple[array, array]:
    """Begins and ends of spans in order of time; those closer than the gap (ns) are one."""
    begins, ends = array("d"), array("d")
    for begin, end in sorted(spans):
        if ends and begin - ends[-1] <= gap:
            ends[-1] = max(ends[-1], end)
        else:
            begins.append(begin)
            ends.append(end)
    return begins, ends
