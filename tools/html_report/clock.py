"""The session's time in bins of equal length, and spans of time added to them."""

from array import array
from dataclasses import dataclass
from itertools import accumulate

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
    """How much of each bin spans of time cover, 1.0 for all of it by one span."""

    def __init__(self, bins: int) -> None:
        self._partial = [0.0] * (bins + 1)
        self._whole = [0] * (bins + 2)
        self.used = False

    def add(self, begin: float, end: float, weight: int = 1) -> None:
        """begin, end: in bins."""
        if end <= begin:
            return
        self.used = True
        first, last = int(begin), int(end)
        if first == last:
            self._partial[first] += (end - begin) * weight
            return
        self._partial[first] += (first + 1 - begin) * weight
        self._partial[last] += (end - last) * weight
        self._whole[first + 1] += weight
        self._whole[last] -= weight

    def shares(self) -> list[float]:
        return [whole + partial
                for whole, partial in zip(accumulate(self._whole[:-2]), self._partial)]


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
