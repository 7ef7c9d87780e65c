"""Holding the state in guest memory against the state rebuilt from the trace, object by object, as
trace/verify.def says.
"""

import bisect
import sqlite3
from collections import Counter
from dataclasses import dataclass

import results
import verify_def
from state import State
from verify_def import Field, ObjectKind

Rows = dict[tuple, tuple]


@dataclass(frozen=True)
class Difference:
    """An object of which memory and trace do not say the same. Its fields that differ, by name;
    None for all of them: it is missing there."""

    kind: ObjectKind
    key: tuple
    memory: dict[str, object] | None
    trace: dict[str, object] | None

    @property
    def name(self) -> str:
        """As a person would say it: lru pfn 1234."""
        parts = [f"{column} {hex(value) if column.startswith('va') else value}"
                 for column, value in zip(self.kind.key, self.key)]
        return f"{self.kind.name} {' '.join(parts)}"

    @staticmethod
    def text(values: dict[str, object] | None) -> str:
        if values is None:
            return "none"
        return " ".join(f"{name}={value}" for name, value in values.items()) or "present"


class Names:
    """The numbers of the texts that enums.def gives values."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._texts: dict[str, dict[int, str]] = {}
        for enum, value, name in results.rows(database, "SELECT enum, value, name FROM enum_name"):
            self._numbers.setdefault(enum, {})[name] = value
            self._texts.setdefault(enum, {})[value] = name

    def number(self, enum: str, text: str) -> int:
        return self._numbers[enum][text]

    def bits(self, field: Field) -> int:
        """A mask of the bits that a FLAGS_FIELD names."""
        return sum(self._numbers[field.enum][bit] for bit in field.bits)

    def shown(self, field: Field, value) -> object:
        if field.enum is None or value is None:
            return value
        if field.how in ("MASK", "GAINS"):
            names = [name for bit, name in sorted(self._texts[field.enum].items()) if value & bit]
            return "|".join(names) or 0
        return self._texts[field.enum].get(value, value)


def from_trace(state: State, kind: ObjectKind, names: Names) -> Rows:
    """The objects of a kind as the database has them at an instant, as the dump reader tells
    them."""
    columns = [field for field in kind.fields if field.how not in ("COUNT", "PLACE")]
    found = state.rows(kind.table, ", ".join((*kind.key, *(f'"{field.name}"' for field in columns))),
                       kind.condition)
    width = len(kind.key)
    enums = [(width + at, field.enum) for at, field in enumerate(columns)
             if field.enum and field.how == "EXACT"]
    if enums:
        found = [_numbered(row, enums, names) for row in found]
    if any(field.how == "COUNT" for field in kind.fields):
        return {key: (count,) for key, count in Counter(row[:width] for row in found).items()}
    rows = {row[:width]: row[width:] for row in found}
    if any(field.how == "PLACE" for field in kind.fields):
        at = [field.name for field in columns].index("pos")
        head_first = sorted(rows, key=lambda key: rows[key][at], reverse=True)
        rows = {key: (*rows[key], place) for place, key in enumerate(head_first)}
    return rows


def _numbered(row: tuple, enums: list[tuple[int, str]], names: Names) -> tuple:
    values = list(row)
    for at, enum in enums:
        values[at] = names.number(enum, values[at])
    return tuple(values)


def compare(kind: ObjectKind, memory: Rows, trace: Rows, names: Names) -> tuple[int, list[Difference]]:
    """How many objects there are, and those that differ."""
    alone = len(kind.fields) == 1 and kind.fields[0].how == "MASK"
    if alone:
        mask = names.bits(kind.fields[0])
        memory, trace = (_with_bits(rows, mask) for rows in (memory, trace))
    moved = _moved(kind, memory, trace)
    found = []
    for key in sorted(memory.keys() | trace.keys()):
        here, there = memory.get(key), trace.get(key)
        if here == there and key not in moved:
            continue
        if here is None or there is None:
            found.append(Difference(kind, key, _all(kind, here, names), _all(kind, there, names)))
            continue
        wrong = [at for at, field in enumerate(kind.fields)
                 if _differs(field, here[at], there[at], names, key in moved)]
        if wrong:
            found.append(Difference(kind, key, _some(kind, here, wrong, names),
                                    _some(kind, there, wrong, names)))
    return len(memory.keys() | trace.keys()), found


def _with_bits(rows: Rows, mask: int) -> Rows:
    return {key: (value[0] & mask,) for key, value in rows.items() if value[0] & mask}


def _differs(field: Field, memory, trace, names: Names, moved: bool) -> bool:
    if field.how == "PLACE":
        return moved
    if field.how == "MASK":
        return bool((memory ^ trace) & names.bits(field))
    if field.how == "GAINS":
        return bool(trace & ~memory) or bool(memory & ~trace & ~names.bits(field))
    return memory != trace


def _all(kind: ObjectKind, values: tuple | None, names: Names) -> dict[str, object] | None:
    return None if values is None else _some(kind, values, range(len(kind.fields)), names)


def _some(kind: ObjectKind, values: tuple, which, names: Names) -> dict[str, object]:
    return {kind.fields[at].name: names.shown(kind.fields[at], values[at]) for at in which}


def _moved(kind: ObjectKind, memory: Rows, trace: Rows) -> set[tuple]:
    """Objects with a PLACE that are in another place: as few as explain the orders. Those that both
    have, in the order of memory, are a sequence of the trace's places; what is not in its longest
    increasing subsequence has moved. Lists one after another: the list is the first field.
    """
    at = next((n for n, field in enumerate(kind.fields) if field.how == "PLACE"), None)
    if at is None:
        return set()
    lists: dict[object, list[tuple]] = {}
    for key in memory.keys() & trace.keys():
        if memory[key][0] == trace[key][0]:
            lists.setdefault(memory[key][0], []).append(key)
    moved: set[tuple] = set()
    for keys in lists.values():
        keys.sort(key=lambda key: memory[key][at])
        kept = _longest_increasing([trace[key][at] for key in keys])
        moved.update(key for index, key in enumerate(keys) if index not in kept)
    return moved


def _longest_increasing(numbers: list[int]) -> set[int]:
    """Indexes of a longest increasing subsequence (patience sorting)."""
    tops: list[int] = []  # the smallest number that ends a subsequence of that length ...
    index_of: list[int] = []  # ... and where it is
    before: list[int] = []
    for index, number in enumerate(numbers):
        pile = bisect.bisect_left(tops, number)
        before.append(index_of[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(number)
            index_of.append(index)
        else:
            tops[pile] = number
            index_of[pile] = index
    kept: set[int] = set()
    index = index_of[-1] if index_of else -1
    while index >= 0:
        kept.add(index)
        index = before[index]
    return kept
