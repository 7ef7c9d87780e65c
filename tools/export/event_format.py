"""The format files of ftrace events: where each field of an event is, and how it is printed; and the
events in that layout.
"""

import struct
from collections.abc import Iterable, Iterator

from export.layout import Event, Field

OWN_SYSTEM = "palimpsest"
# Events that Linux has, with the same name and meaning.
SYSTEMS = {
    "block": ("block_rq_issue", "block_rq_complete"),
    "exceptions": ("page_fault_user",),
    "kmem": ("mm_page_alloc", "mm_page_free", "mm_page_pcpu_drain"),
    "oom": ("mark_victim",),
    "sched": ("sched_process_fork", "sched_process_exec", "sched_process_exit", "sched_switch",
              "sched_wakeup", "sched_wakeup_new", "sched_migrate_task"),
    "signal": ("signal_generate",),
    "vmscan": ("mm_vmscan_wakeup_kswapd", "mm_vmscan_kswapd_wake", "mm_vmscan_kswapd_sleep",
               "mm_vmscan_direct_reclaim_begin", "mm_vmscan_direct_reclaim_end",
               "mm_shrink_slab_end"),
}
SYSTEM_OF = {event: system for system, events in SYSTEMS.items() for event in events}
FIRST_ID = 256  # added to an event's id: Linux has low ones for ftrace itself
ADDRESSES = ("va", "va_start", "va_end", "address", "ip")
C_TYPES = {1: "char", 2: "short", 4: "int", 8: "long"}
# SQLite's integers are signed; of 64 bits that is the same bytes.
PACKED = {1: "B", 2: "H", 4: "I", 8: "q"}
COMMON_SIZE = 8
COMMON = (Field("common_type", "", 0, 2), Field("common_flags", "", 2, 1),
          Field("common_preempt_count", "", 3, 1), Field("common_pid", "", 4, 4, signed=True))

# The layout that these have in Linux.
_WAKEUP = (Field("comm", "", 0, 16, text=True), Field("pid", "", 16, 4, signed=True),
           Field("prio", "", 20, 4, signed=True), Field("target_cpu", "", 24, 4, signed=True))
LINUX_FIELDS = {
    "sched_switch": (
        Field("prev_comm", "", 0, 16, text=True), Field("prev_pid", "", 16, 4, signed=True),
        Field("prev_prio", "", 20, 4, signed=True), Field("prev_state", "", 24, 8, signed=True),
        Field("next_comm", "", 32, 16, text=True), Field("next_pid", "", 48, 4, signed=True),
        Field("next_prio", "", 52, 4, signed=True)),
    "sched_wakeup": _WAKEUP,
    "sched_wakeup_new": _WAKEUP,
}
STATE_NAMES = [(1, "S"), (2, "D"), (16, "X"), (32, "Z")]  # tasks.LINUX_STATES


class Format:
    """One event: its system, its format file, and its records."""

    def __init__(self, event: Event, names: dict[str, list[tuple[int, str]]]) -> None:
        self.event = event
        self.system = SYSTEM_OF.get(event.name, OWN_SYSTEM)
        self.id = FIRST_ID + event.id
        self._fields = LINUX_FIELDS.get(event.name, event.fields)
        last = self._fields[-1] if event.name in LINUX_FIELDS else None
        size = last.offset + last.size if last else event.size
        self._pack = struct.Struct("<HBBi" + "".join(_packed(self._fields, size))).pack
        self.text = "".join(self._lines(names))

    def pack(self, pid: int, *values) -> bytes:
        """A record, emitted while the task `pid` ran; values in the order of the fields, texts as bytes."""
        return self._pack(self.id, 0, 0, pid, *values)

    def _lines(self, names: dict[str, list[tuple[int, str]]]) -> Iterator[str]:
        yield f"name: {self.event.name}\nID: {self.id}\nformat:\n"
        yield from (_declared(field, 0) for field in COMMON)
        yield "\n"
        yield from (_declared(field, COMMON_SIZE) for field in self._fields)
        printed = [_printed(field, names) for field in self._fields]
        what = " ".join(f"{field.name}={conversion}"
                        for field, (conversion, _) in zip(self._fields, printed))
        yield f'\nprint fmt: "{what}"' + "".join(f", {argument}" for _, argument in printed) + "\n"


def _packed(fields: Iterable[Field], size: int) -> Iterator[str]:
    """struct's codes of a payload; what lies between the fields is padding."""
    end = 0
    for field in fields:
        yield f"{field.offset - end}x"
        code = PACKED[field.size] if not field.text else f"{field.size}s"
        yield code.lower() if field.signed else code
        end = field.offset + field.size
    yield f"{size - end}x"


def _declared(field: Field, base: int) -> str:
    if field.text:
        declaration = f"char {field.name}[{field.size}]"
    else:
        declaration = f"{'' if field.signed else 'unsigned '}{C_TYPES[field.size]} {field.name}"
    return (f"\tfield:{declaration};\toffset:{base + field.offset};\tsize:{field.size};"
            f"\tsigned:{int(field.signed)};\n")


def _printed(field: Field, names: dict[str, list[tuple[int, str]]]) -> tuple[str, str]:
    """printf's conversion of a field and what it converts."""
    value = f"REC->{field.name}"
    if field.text:
        return "%s", value
    if field.name == "prev_state":
        return "%s", f'{value} ? __print_flags({value}, "|", {_table(STATE_NAMES)}) : "R"'
    if field.enum:
        return "%s", f"__print_symbolic({value}, {_table(names[field.enum])})"
    if field.flags:
        return "%s", f'__print_flags({value}, "|", {_table(names[field.flags])})'
    long = "l" if field.size == 8 else ""
    if field.name in ADDRESSES:
        return f"0x%{long}x", value
    return f"%{long}{'d' if field.signed else 'u'}", value


def _table(entries: list[tuple[int, str]]) -> str:
    return ", ".join(f'{{ {value}, "{name}" }}' for value, name in entries)
