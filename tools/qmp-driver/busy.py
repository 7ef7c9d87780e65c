"""Which objects were just being changed at an instant, by what was held in the dump (the guards of trace/verify.def) and by the
events around the cut.
"""

import sqlite3

import results
import verify_def
from comparison import Difference
from cut import Cut, Event

# What changes without a lock, or with one that does not last until its event: told by what the CPU is at.
UNLOCKED = ("CPU", "PAGE", "TASKS")
# So many events of a CPU on either side of the cut belong to what it is at. The most that stand between a change and its
# event are those of the end of a page: its list, its anon_vmas, then mm_page_free.
NEAR = 8
# What a split of a 2 MiB page changes at once, for 512 frames.
OF_PAGES = ("page", "page_flags", "mapcount", "rmap", "lru")
TABLE_BYTES = 1 << 21  # that a table of level 1 covers


class Guards:
    """One instant's."""

    def __init__(self, database: sqlite3.Connection, read: dict, cut: Cut) -> None:
        self._database = database
        self._t = cut.last.t
        self._spin = set(read["locks"]["spin"])
        self._held = {name: set(read["locks"][name]) for name in
                      ("ptl", "page", "mmap", "anon", "mapping", "i_mmap")}
        rows = read["objects"]
        self._tables = {(mm, va, level): pfn for mm, va, level, pfn in rows["pgtable"]}
        self._pgd = dict(rows["mm"])
        self._roots = dict(rows["anon_vma"])
        self._maps: dict[int, list[tuple[int, int]]] = {}  # pfn: where it is mapped
        for pfn, mm, va, _ in rows["rmap"]:
            self._maps.setdefault(pfn, []).append((mm, va))
        self._unfinished = self._told("unfinished", cut.unfinished)
        self._near: dict[tuple, str] = {}
        for cpu, (last, following) in enumerate(cut.around):
            self._near |= self._told(f"CPU {cpu} at", last + following)

    def of(self, difference: Difference) -> str | None:
        """What says that an object was being changed; None: it should not differ."""
        name = (difference.kind.name, difference.key)
        guard = difference.kind.guard
        if name in self._unfinished:
            return self._unfinished[name]
        if self._is_held(guard, difference):
            return guard
        return self._near.get(name) if guard in UNLOCKED else None

    def _told(self, how: str, events: list[Event]) -> dict[tuple, str]:
        """The objects that events tell of."""
        found = {}
        for event in events:
            cursor = self._database.execute(f"SELECT * FROM {event.table} WHERE id = ?", (event.id,))
            row = dict(zip((column[0] for column in cursor.description), cursor.fetchone()))
            for kind in verify_def.kinds():
                if event.table in kind.events:
                    key = tuple(row.get(column, row.get(f"child_{column}")) for column in kind.key)
                    found[kind.name, key] = f"{how} {event.table} ({event.id})"
        return found

    def _is_held(self, guard: str, difference: Difference) -> bool:
        if "HUGE" in self._spin and difference.kind.name in OF_PAGES:
            return True
        if guard in ("LRU", "SWAP", "BUDDY", "TASKS", "MM_LIST", "ANON_LIST", "MAPPING_LIST"):
            return guard in self._spin
        if guard == "CPU":  # frames come and go by the buddy lists and the pool as well
            return bool(self._spin & {"BUDDY", "ZERO_POOL"})
        if guard == "PAGE":
            return difference.key[0] in self._held["page"]
        key = dict(zip(difference.kind.key, difference.key))
        values = (difference.memory or {}) | (difference.trace or {})
        if guard == "MMAP":
            mm_id = values.get("mm_id", self._mm_of_vma(key["vma_id"]))
            return mm_id in self._held["mmap"] or self._anon_held(values.get("anon_vma_id"))
        if guard in ("MAPPING", "I_MMAP"):
            mapping_id = values.get("mapping_id", key.get("mapping_id"))
            return mapping_id in self._held[guard.lower()] or (
                guard == "I_MMAP" and self._mm_of_vma(key["vma_id"]) in self._held["mmap"])
        if guard == "ANON":
            return self._anon_held(key["anon_vma_id"]) or self._mm_of_vma(key["vma_id"]) in self._held["mmap"]
        assert guard == "PTL", guard
        if "level" in key:
            return self._table_locked(key["mm_id"], key["va"], key["level"] + 1)
        if difference.kind.name == "pmd":
            return self._table_locked(key["mm_id"], key["va"], 2)
        places = [(key["mm_id"], key["va"])] if "va" in key else self._maps_of(key["pfn"])
        return any(self._entry_locked(mm, va) for mm, va in places)

    def _anon_held(self, anon_vma_id) -> bool:
        return self._roots.get(anon_vma_id, anon_vma_id) in self._held["anon"]

    def _entry_locked(self, mm: int, va: int) -> bool:
        """That of the table the entry is in, or would be in: a 2 MiB page is an entry of level 2."""
        has_table = (mm, va - va % TABLE_BYTES, 1) in self._tables
        return self._table_locked(mm, va, 1 if has_table else 2)

    def _table_locked(self, mm_id: int, va: int, level: int) -> bool:
        if level == 4:
            return self._pgd.get(mm_id) in self._held["ptl"]
        covered = TABLE_BYTES << 9 * (level - 1)
        return self._tables.get((mm_id, va - va % covered, level)) in self._held["ptl"]

    def _maps_of(self, pfn: int) -> list[tuple[int, int]]:
        """Where memory or the trace say that a page is mapped."""
        told = results.rows(self._database, "SELECT mm_id, va FROM rmap_span WHERE pfn = :pfn AND "
                            "t_begin <= :t AND :t < t_end", pfn=pfn, t=self._t)
        return self._maps.get(pfn, []) + told

    def _mm_of_vma(self, vma_id: int) -> int | None:
        return results.value(self._database, "SELECT mm_id FROM vma_span WHERE vma_id = :id", id=vma_id)
