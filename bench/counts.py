"""What the instruction counter wrote (plugin/count.c), as counts between marks."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from errors import ToolError

# guest/marker.h
PROGRAM_BEGIN, PROGRAM_END, SECTION_BEGIN, SECTION_END, INIT_BEGIN = 1, 2, 3, 4, 5
END_OF = {PROGRAM_BEGIN: PROGRAM_END, SECTION_BEGIN: SECTION_END}


@dataclass(frozen=True)
class Count:
    """Instructions; user is the lower half of addresses, kernel the upper; stores is what of the kernel
    are iterations of `rep stosq`.
    """

    user: int
    kernel: int
    stores: int = 0

    def __sub__(self, other: "Count") -> "Count":
        return Count(self.user - other.user, self.kernel - other.kernel,
                     self.stores - other.stores)

    def __add__(self, other: "Count") -> "Count":
        return Count(self.user + other.user, self.kernel + other.kernel,
                     self.stores + other.stores)

    @property
    def total(self) -> int:
        return self.user + self.kernel


@dataclass
class Section:
    """What was executed between a begin mark and its end mark."""

    count: Count
    functions: dict[str, int] = field(default_factory=dict)  # of the kernel, by name


@dataclass
class Counts:
    """One run of a machine."""

    programs: list[Section]
    sections: list[Section]
    starts: dict[int, Count]  # address: what had been executed when it was reached first
    marks: list[tuple[int, Count]]
    end: Count


def _count(words: list[str]) -> Count:
    user, kernel, stores = map(int, words)
    return Count(user, kernel, stores)


class _Reader:
    """Pairs the marks; functions belong to every span that is open when they are listed."""

    def __init__(self) -> None:
        self.done: dict[int, list[Section]] = {PROGRAM_BEGIN: [], SECTION_BEGIN: []}
        self.starts: dict[int, Count] = {}
        self.marks: list[tuple[int, Count]] = []
        self.end: Count | None = None
        self._open: dict[int, Section] = {}
        self._listening: list[Section] = []

    def line(self, words: list[str]) -> None:
        match words:
            case ["mark", value, *count]:
                self._mark(int(value), _count(count))
            case ["function", name, count]:
                for section in self._listening:
                    section.functions[name] = section.functions.get(name, 0) + int(count)
            case ["start", address, *count]:
                self.starts[int(address, 16)] = _count(count)
            case ["end", *count]:
                self.end = _count(count)
                self._listening = []
            case _:
                raise ValueError(f"not a line of the counter: {' '.join(words)!r}")

    def _mark(self, value: int, at: Count) -> None:
        self.marks.append((value, at))
        # What is listed behind this mark was executed before it, so in the spans open until now.
        self._listening = list(self._open.values())
        if value in END_OF:
            if value in self._open:
                raise ValueError(f"mark {value} twice without mark {END_OF[value]}")
            self._open[value] = Section(at)
            return
        if value == INIT_BEGIN:
            return
        begin = next((b for b, e in END_OF.items() if e == value), None)
        if begin is None or begin not in self._open:
            raise ValueError(f"mark {value} without its beginning")
        section = self._open.pop(begin)
        section.count = at - section.count
        self.done[begin].append(section)


def parse(lines: Iterable[str]) -> Counts:
    """ToolError when the lines are not those of a run that ended."""
    reader = _Reader()
    try:
        for line in lines:
            reader.line(line.split())
    except ValueError as error:
        raise ToolError(f"instruction counts: {error}") from error
    if reader.end is None:
        raise ToolError("instruction counts: no line `end`: QEMU was killed")
    return Counts(reader.done[PROGRAM_BEGIN], reader.done[SECTION_BEGIN], reader.starts,
                  reader.marks, reader.end)
