"""What excuses a difference at an arbitrary instant, and that nothing else does."""

import support
import verify_def
from busy import Guards
from comparison import Difference
from cut import Cut, Event

READ = {
    "locks": {"spin": [], "ptl": [], "page": [], "mmap": [], "anon": [], "mapping": [], "i_mmap": []},
    "objects": {"mm": [[1, 500]], "anon_vma": [[7, 3]], "rmap": [[90, 1, 0x201000, 7]],
                "pgtable": [[1, 0, 3, 501], [1, 0, 2, 502], [1, 0x200000, 1, 503]]},
}


def difference(name: str, *key, memory=None, trace=None) -> Difference:
    kind = next(kind for kind in verify_def.kinds() if kind.name == name)
    return Difference(kind, key, memory, trace)


class GuardsTest(support.DatabaseTest):

    def guards(self, unfinished=(), around=(), **locks) -> Guards:
        read = READ | {"locks": READ["locks"] | locks}
        return Guards(self.database, read, Cut(Event(9, "tlb_flush", 100), list(unfinished), list(around)))

    def test_every_guard_is_known(self):
        guards = self.guards()
        for kind in verify_def.kinds():
            key = tuple(1 for _ in kind.key)
            self.assertIsNone(guards.of(Difference(kind, key, None, None)), kind.name)

    def test_locks(self):
        pte, slot = difference("pte", 1, 0x201000), difference("slot", 5)
        for objects, other, lock in (
                ([pte, difference("rmap", 90, 1, 0x201000), difference("mapcount", 90)], 504, {"ptl": [503]}),
                ([difference("pgtable", 1, 0x200000, 1)], 503, {"ptl": [502]}),
                ([difference("pgtable", 1, 0, 3)], 501, {"ptl": [500]}),
                ([difference("page_flags", 90)], 91, {"page": [90]}),
                ([difference("vma", 4, memory={"mm_id": 1})], 2, {"mmap": [1]}),
                ([difference("avc", 4, 7), difference("vma", 4, memory={"anon_vma_id": 7})], 7, {"anon": [3]}),
                ([difference("cache", 8, 3), difference("page_mapping", 90, trace={"mapping_id": 8})], 9,
                 {"mapping": [8]}),
                ([difference("i_mmap", 4, memory={"mapping_id": 8})], 9, {"i_mmap": [8]}),
                ([slot, difference("swap_cache", 5)], "LRU", {"spin": ["SWAP"]}),
                ([difference("lru", 90)], "SWAP", {"spin": ["LRU"]}),
                ([difference("free", 90), difference("page", 90)], "SWAP", {"spin": ["BUDDY"]})):
            held, not_held = self.guards(**lock), self.guards(**{name: [other] for name in lock})
            for one in objects:
                with self.subTest(one.name, lock=lock):
                    self.assertIsNotNone(held.of(one))
                    self.assertIsNone(not_held.of(one))

    def event(self, table: str, **values) -> Event:
        self.add(table, t=100, **values)
        return Event(self.last_id, table, 100)

    def test_unfinished_events(self):
        guards = self.guards(unfinished=[self.event("swap_slot_refs", slot=5, refs=2)])
        self.assertRegex(guards.of(difference("slot", 5)), "^unfinished swap_slot_refs")
        self.assertIsNone(guards.of(difference("slot", 6)))

    def test_what_a_cpu_is_at(self):
        free = self.event("mm_page_free", pfn=90)
        fork = self.event("sched_process_fork", child_pid=8)
        slot = self.event("swap_slot_refs", slot=5)
        guards = self.guards(around=[([slot], [free]), ([], [fork])])
        self.assertRegex(guards.of(difference("page", 90)), "^CPU 0 at mm_page_free")
        self.assertRegex(guards.of(difference("task", 8)), "^CPU 1 at sched_process_fork")
        self.assertIsNone(guards.of(difference("page", 91)))
        # It has a lock, and that is not held.
        self.assertIsNone(guards.of(difference("slot", 5)))


if __name__ == "__main__":
    support.unittest.main()
