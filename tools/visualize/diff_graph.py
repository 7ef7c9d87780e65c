"""
The reverse map at two instants as one graph: frames, the VMAs that map them, and the mappings, each
of which went, came or stayed. The frames with the most changed mappings are taken. A page of 2 MiB is
its first frame, even when it is one at one of the instants only.
"""

from bisect import bisect_right
from dataclasses import dataclass

from .drawing import MAX_NODES

MAX_FRAMES = 48
MAX_VMAS = 32
HUGE_ORDER, HUGE_TEXT = 9, ", 2 MiB"
assert MAX_FRAMES + MAX_VMAS + 20 < MAX_NODES

REMOVED, ADDED, CHANGED, SAME = "removed", "added", "changed", "same"


@dataclass(frozen=True)
class Vma:
    vma_id: int
    mm_id: int
    va_start: int
    va_end: int
    task: str
    change: str
    uncertain: bool  # as in all three: events were lost, it may have been otherwise at one instant


@dataclass(frozen=True)
class Frame:
    pfn: int
    before: str  # where it was: a list, its kind, or free
    after: str
    change: str
    uncertain: bool


@dataclass(frozen=True)
class Mapping:
    vma_id: int
    pfn: int
    va: int
    change: str
    now: str  # REMOVED: what the entry refers to instead
    uncertain: bool


@dataclass
class DiffGraph:
    vmas: list[Vma]
    frames: list[Frame]
    mappings: list[Mapping]
    hidden_frames: int  # with changed mappings, but not drawn
    hidden_mappings: int  # of the frames drawn, from VMAs that are not


class _Side:
    """One instant."""

    def __init__(self, moment) -> None:
        self.moment = moment
        self._before = moment.uncertain_before or 0
        self.mappings = set(moment.rows("rmap_span", "pfn, mm_id, va"))
        self.lists = dict(moment.rows("lru_span", "pfn, list"))
        self.kinds = {}
        self.lives = {}
        self.parts: set[int] = set()  # frames of pages of 2 MiB, but the first
        for pfn, kind, life_id, order in moment.rows("page_life", 'pfn, kind, life_id, "order"'):
            huge = order == HUGE_ORDER
            self.kinds[pfn], self.lives[pfn] = kind + HUGE_TEXT * huge, life_id
            if huge:
                self.lists[pfn] = self.lists.get(pfn, kind) + HUGE_TEXT
                self.parts.update(range(pfn + 1, pfn + (1 << order)))
        leaders_last = sorted(moment.rows("task_span", "pid = tgid, mm_id, comm, pid", "mm_id <> 0"))
        self.tasks = {mm: f"{comm} {pid}" for _, mm, comm, pid in leaders_last}
        self.vmas = sorted(moment.rows("vma_span", "mm_id, va_start, va_end, vma_id"))

    def uncertain(self, table: str, key: str) -> set[tuple]:
        """Keys of the rows that are."""
        return set(self.moment.rows(table, key, "t_begin < :before", before=self._before))

    def place(self, pfn: int) -> str:
        return self.lists.get(pfn) or self.kinds.get(pfn, "free")

    def vma_of(self, mm_id: int, va: int) -> tuple | None:
        i = bisect_right(self.vmas, (mm_id, va, 1 << 64, 0)) - 1
        found = self.vmas[i] if i >= 0 else None
        return found if found and found[0] == mm_id and found[1] <= va < found[2] else None


def build(before, after) -> DiffGraph:
    """before, after: state.State."""
    old, new = _Side(before), _Side(after)
    parts = old.parts | new.parts
    for side in (old, new):
        side.mappings = {mapping for mapping in side.mappings if mapping[0] not in parts}
    changed: dict[int, int] = {}
    for pfn, _, _ in old.mappings ^ new.mappings:
        changed[pfn] = changed.get(pfn, 0) + 1
    chosen = set(sorted(changed, key=lambda pfn: (-changed[pfn], pfn))[:MAX_FRAMES])
    links = sorted(link for link in old.mappings | new.mappings if link[0] in chosen)
    vmas, order = _vmas(old, new, links)
    entries = {(mm, va): (kind, pfn if slot is None else slot) for mm, va, kind, pfn, slot in
               after.rows("pte_span", "mm_id, va, kind, pfn, slot")}
    mappings = []
    doubt = _doubt(old, new, "rmap_span", "pfn, mm_id, va")
    for pfn, mm_id, va in links:
        found = new.vma_of(mm_id, va) or old.vma_of(mm_id, va)
        if found and found[3] in order:
            change = _change((pfn, mm_id, va) in old.mappings, (pfn, mm_id, va) in new.mappings)
            mappings.append(Mapping(found[3], pfn, va, change,
                                    _now(entries.get((mm_id, va))) if change == REMOVED else "",
                                    (pfn, mm_id, va) in doubt))
    mappings.sort(key=lambda link: (order[link.vma_id], link.va, link.pfn))
    doubt = _doubt(old, new, "page_life", "pfn") | _doubt(old, new, "lru_span", "pfn")
    frames = [_frame(old, new, pfn, (pfn,) in doubt)
              for pfn in dict.fromkeys(link.pfn for link in mappings)]
    return DiffGraph(vmas, frames, mappings, len(changed) - len(frames), len(links) - len(mappings))


def _doubt(old: _Side, new: _Side, table: str, key: str) -> set[tuple]:
    return old.uncertain(table, key) | new.uncertain(table, key)


def _change(was: bool, is_now: bool) -> str:
    return SAME if was and is_now else REMOVED if was else ADDED


def _now(entry: tuple | None) -> str:
    if entry is None:
        return "nothing"
    kind, number = entry
    return {"swap": f"slot {number}", "zero": "the zero page"}.get(kind, f"frame {number}")


def _frame(old: _Side, new: _Side, pfn: int, uncertain: bool) -> Frame:
    was, now = pfn in old.kinds, pfn in new.kinds
    change = _change(was, now) if was or now else SAME
    if change == SAME and (old.place(pfn), old.lives.get(pfn)) != (new.place(pfn),
                                                                   new.lives.get(pfn)):
        change = CHANGED
    return Frame(pfn, old.place(pfn), new.place(pfn), change, uncertain)


def _vmas(old: _Side, new: _Side, links: list[tuple]) -> tuple[list[Vma], dict[int, int]]:
    """Those with the most mappings, by address space and address, and the place of each."""
    count: dict[int, int] = {}
    known = {}
    for _, mm_id, va in links:
        found = new.vma_of(mm_id, va) or old.vma_of(mm_id, va)
        if found:
            known[found[3]] = found
            count[found[3]] = count.get(found[3], 0) + 1
    taken = sorted(known, key=lambda vma_id: (-count[vma_id], vma_id))[:MAX_VMAS]
    rows = {side: {row[3]: row[:3] for row in side.vmas} for side in (old, new)}
    doubt = _doubt(old, new, "vma_span", "vma_id")
    vmas = []
    for mm_id, start, end, vma_id in sorted(known[vma_id] for vma_id in taken):
        was, is_now = rows[old].get(vma_id), rows[new].get(vma_id)
        change = CHANGED if was and is_now and was != is_now else _change(bool(was), bool(is_now))
        task = new.tasks.get(mm_id) or old.tasks.get(mm_id, "no task")
        vmas.append(Vma(vma_id, mm_id, start, end, task, change, (vma_id,) in doubt))
    return vmas, {vma.vma_id: i for i, vma in enumerate(vmas)}
