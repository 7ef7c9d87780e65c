"""`palimpsest page` on the hand-made life of one page: written, shared by fork, evicted, read back.
"""

import json
import unittest

import support
from support import OPEN

VA = 0x40000
INACTIVE = "inactive_anon"
WRITABLE = 1


class PageTest(support.DatabaseTest):

    def setUp(self) -> None:
        super().setUp()
        add = self.add
        add("session", key="t_last", value=2000)
        add("session_begin", max_pfn=100)
        add("task_span", pid=5, mm_id=1, comm="before", t_begin=0, t_end=50)
        add("task_span", pid=5, mm_id=2, comm="parent", t_begin=50, t_end=OPEN)
        add("task_span", pid=6, mm_id=3, comm="child", t_begin=200, t_end=OPEN)
        add("vma_span", vma_id=1, mm_id=2, va_start=VA, va_end=VA + 0x3000, t_begin=60, t_end=OPEN)
        add("sched_switch", id=1, t=1, cpu=1, next_pid=5)
        add("sched_switch", id=2, t=2, cpu=0, next_pid=6)
        # The program before had a page at the same address; frame 7 held a page before.
        self.entry(1, VA + 0x1000, 20, 40, pfn=9, why_in="fault", why_out="exit")
        self.life(9, 20, 40, 9)
        self.life(7, 10, 90, 8)
        # The page: frame 7, shared with the child from 200 on.
        self.life(7, 100, 500, 10)
        self.entry(2, VA, 101, 200, pfn=7, why_in="fault", why_out="fork_parent", flags=WRITABLE)
        self.entry(2, VA, 200, 400, pfn=7, why_in="fork_parent", why_out="swapout")
        self.entry(3, VA, 200, 300, pfn=7, why_in="fork_child", why_out="exit")
        for mm_id, begin, end in ((2, 101, 400), (3, 200, 300)):
            add("rmap_span", pfn=7, mm_id=mm_id, va=VA, t_begin=begin, t_end=end)
        for which, begin, end, why in ((INACTIVE, 102, 380, "new"),
                                       ("isolated", 380, 499, "isolate")):
            add("lru_span", pfn=7, list=which, t_begin=begin, t_end=end, why_in=why,
                why_out="reclaim")
        add("reclaim_pass", pass_id=4, kind="kswapd")
        add("lru_referenced", id=20, t=390, pfn=7, pass_id=4, mappings=1, referenced=0)
        add("reclaim_decision", id=21, t=410, pfn=7, pass_id=4, verdict=1)
        add("swap_cache_span", slot=3, pfn=7, t_begin=395, t_end=490)
        add("swap_io", direction="out", slot=3, pfn=7, t_begin=405, t_end=480, pass_id=4)
        add("eviction", id=22, t=491, pfn=7, slot=3, reason="write", pass_id=4, kind="kswapd", n=1)
        # Swapped until 1000, then in frame 8, still there at the end.
        add("pte_span", mm_id=2, va=VA, kind="swap", slot=3, t_begin=400, t_end=1000,
            why_in="swapout", why_out="swapin")
        self.life(8, 900, OPEN, 30)
        add("swap_io", direction="in", slot=3, pfn=8, t_begin=910, t_end=960, pid=5, readahead=0)
        add("lru_span", pfn=8, list=INACTIVE, t_begin=905, t_end=OPEN, why_in="swapin")
        self.entry(2, VA, 1000, OPEN, pfn=8, why_in="swapin")
        add("rmap_span", pfn=8, mm_id=2, va=VA, t_begin=1000, t_end=OPEN)

    def life(self, pfn: int, begin: int, end: int, life_id: int) -> None:
        self.add("page_life", pfn=pfn, t_begin=begin, t_end=end, kind="anon", life_id=life_id,
                 cpu=1)

    def entry(self, mm_id: int, va: int, begin: int, end: int, **columns) -> None:
        self.add("pte_span", mm_id=mm_id, va=va, kind="page", t_begin=begin, t_end=end, **columns)

    def page(self, *arguments: str):
        return support.palimpsest("page", str(self.directory), *arguments, sessions=self.directory)

    def story(self, *arguments: str) -> list[tuple[int, str, str]]:
        done = self.page("--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [(e["t"], e["where"], e["text"]) for e in json.loads(done.stdout)["events"]]

    FIRST_FRAME = [
        (100, "frame 7", "allocated by pid 5 (parent) on CPU 1: anon"),
        (101, "frame 7", "mapped at 0x40000 of pid 5 (parent): fault; writable"),
        (102, "frame 7", "to the head of inactive_anon: new"),
        (200, "frame 7", "entry at 0x40000 of pid 5 (parent) rewritten: fork_parent; read-only"),
        (200, "frame 7", "mapped at 0x40000 of pid 6 (child): fork_child; read-only"),
        (300, "frame 7", "unmapped from 0x40000 of pid 6 (child): exit"),
        (380, "frame 7", "isolated from inactive_anon by a reclaim pass"),
        (390, "frame 7", "pass 4 (kswapd) asked 1 mapping: accessed bit set in 0"),
        (395, "frame 7", "known in the swap cache as slot 3"),
        (400, "frame 7", "unmapped from 0x40000 of pid 5 (parent): swapout"),
        (405, "frame 7", "written to slot 3: 0.1 us"),
        (410, "frame 7", "pass 4 (kswapd) decided write: unmapped everywhere, sent to swap; freed "
                         "when the write ends"),
        (490, "frame 7", "leaves the swap cache (slot 3)"),
        (491, "frame 7", "evicted by pass 4 (kswapd, write); the content is in slot 3"),
        (499, "frame 7", "off isolated: reclaim"),
        (500, "frame 7", "freed"),
    ]
    SLOT = [(400, "slot 3", "the entry at 0x40000 of pid 5 (parent) names the slot: swapout")]
    SECOND_FRAME = [
        (900, "frame 8", "allocated by pid 5 (parent) on CPU 1: anon"),
        (905, "frame 8", "to the head of inactive_anon: swapin"),
        (910, "frame 8", "read from slot 3, pid 5 (parent) wanted it: 0.1 us"),
        (1000, "frame 8", "mapped at 0x40000 of pid 5 (parent): swapin; read-only"),
    ]

    def test_frame(self):
        self.assertEqual(self.story("--pfn", "7", "--at", "300"), self.FIRST_FRAME)
        self.assertEqual(self.story("--pfn", "0x8"), self.SECOND_FRAME)

    def test_address_is_followed_through_swap(self):
        self.assertEqual(sorted(self.story("--pid", "5", "--va", hex(VA + 0x123))),
                         sorted(self.FIRST_FRAME + self.SLOT + self.SECOND_FRAME))

    def test_text(self):
        lines = self.page("--pid", "5", "--va", hex(VA)).stdout.splitlines()
        self.assertEqual(lines[0], "the page at 0x40000 of pid 5 (parent), address space 2")
        self.assertEqual(lines[2], "     0.000 000 100  frame 7       allocated by pid 5 "
                                   "(parent) on CPU 1: anon")
        self.assertEqual(lines[-2], "21 events: 2 frames, 3 mappings, 1 look found it idle, "
                                    "1 eviction, 1 write to swap, 1 read from swap")
        self.assertEqual(lines[-1], "0.000 s in memory, 0.000 s in swap")

    def test_what_cannot_be_told(self):
        self.entry(1, VA, 20, 40, pfn=9, why_in="fault")
        for arguments, message in (
                ("--pfn 7", "frame 7 held 2 pages one after another: choose one by --at T; 0.000"),
                ("--pfn 7 --at 95", "frame 7 was free at 0.000 000 095 s; it held pages from"),
                ("--pfn 50", "frame 50: no such page in this session: it was never allocated"),
                ("--pfn 100", "frame 100: no such page in this session; frames are below 100"),
                ("--pid 9 --va 1", "pid 9: no such task"),
                ("--pid 6 --va 1 --at 100", "pid 6 did not exist at 0.000 000 100 s"),
                ("--pid 5 --va 0x42010", "lies in a VMA from 0x40000 to 0x43000 and was not touched"),
                ("--pid 5 --va 0x1", "nothing was ever mapped at 0x1; no VMA held it"),
                ("--pid 5 --va 0x40000", "pid 5 had 0x40000 in 2 address spaces: choose one by"),
                ("", "name a frame"), ("--pid 5", "name a frame"),
                ("--pfn 7 --pid 5 --va 1", "name a frame")):
            with self.subTest(arguments):
                done = self.page(*arguments.split())
                self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
                self.assertRegex(done.stderr, message)
        done = self.page("--pfn", "seven")
        self.assertEqual(done.returncode, 2)
        self.assertIn("'seven' is not a number", done.stderr)


class PlacesTest(support.DatabaseTest):
    """Pages of a file, of 2 MiB and such that move to another frame, by hand."""

    def setUp(self) -> None:
        super().setUp()
        self.add("session", key="t_last", value=2000)
        self.add("task_span", pid=5, tgid=5, mm_id=2, comm="leader", t_begin=0, t_end=OPEN)
        self.add("task_span", pid=4, tgid=5, mm_id=2, comm="thread", t_begin=0, t_end=OPEN)
        self.add("vma_span", vma_id=1, mm_id=2, va_start=VA, va_end=VA + 0x200000, t_begin=50, t_end=OPEN)

    def life(self, pfn: int, begin: int, end: int, **columns) -> None:
        self.add("page_life", pfn=pfn, t_begin=begin, t_end=end, cpu=1, **columns)

    def entry(self, va: int, pfn: int, begin: int, end: int, why_in: str, why_out: str | None) -> None:
        self.add("pte_span", mm_id=2, va=va, kind="page", pfn=pfn, t_begin=begin, t_end=end, why_in=why_in, why_out=why_out)
        self.add("rmap_span", pfn=pfn, mm_id=2, va=va, t_begin=begin, t_end=end)

    def told(self, va: int) -> list[tuple[int, str, str]]:
        done = support.palimpsest("page", str(self.directory), "--json", "--pid", "5", "--va", hex(va),
                                  sessions=self.directory)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [(e["t"], e["where"], e["text"]) for e in json.loads(done.stdout)["events"]]

    def test_page_of_a_file_is_followed_through_swap(self):
        self.life(7, 100, 220, kind="shmem", life_id=10)
        self.life(8, 300, OPEN, kind="shmem", life_id=11)
        self.add("i_mmap_span", vma_id=1, mapping_id=9, t_begin=50, t_end=OPEN)
        self.entry(VA, 7, 120, 200, "fault", "swapout")
        for kind, pfn, slot, begin, end in (("page", 7, None, 100, 210), ("swap", None, 3, 210, 310), ("page", 8, None, 310, OPEN)):
            self.add("cache_span", mapping_id=9, pgoff=0, kind=kind, pfn=pfn, slot=slot, t_begin=begin, t_end=end)
        self.assertEqual(self.told(VA), [
            (100, "frame 7", "allocated by nobody known on CPU 1: shmem"),
            (100, "frame 7", "page 0 of mapping 9"),
            (120, "frame 7", "mapped at 0x40000 of pid 5 (leader): fault; read-only"),
            (200, "frame 7", "unmapped from 0x40000 of pid 5 (leader): swapout"),
            (210, "slot 3", "page 0 of mapping 9 is in the slot"),
            (210, "frame 7", "no longer page 0 of mapping 9: that is in slot 3 now"),
            (220, "frame 7", "freed"),
            (300, "frame 8", "allocated by nobody known on CPU 1: shmem"),
            (310, "frame 8", "page 0 of mapping 9, so far in slot 3")])

    def test_file_that_is_cut(self):
        self.life(7, 100, 220, kind="shmem", life_id=10)
        self.entry(VA, 7, 120, 200, "fault", "truncate")
        self.add("cache_span", mapping_id=9, pgoff=0, kind="page", pfn=7, t_begin=100, t_end=210)
        self.assertIn((210, "frame 7", "no longer page 0 of mapping 9: the file was cut, or is gone"), self.told(VA))

    def test_page_that_moves(self):
        self.life(7, 100, 220, kind="anon", life_id=10)
        self.life(8, 180, OPEN, kind="anon", life_id=11)
        self.entry(VA, 7, 120, 200, "fault", "migrate")
        self.entry(VA, 8, 200, OPEN, "migrate", None)
        for pfn, which, begin, end, why_in, why_out in (
                (7, "active_anon", 110, 170, "new", "isolate"), (7, "isolated", 170, 210, "isolate", "migrate"),
                (8, "active_anon", 205, OPEN, "migrate", None)):
            self.add("lru_span", pfn=pfn, list=which, t_begin=begin, t_end=end, why_in=why_in, why_out=why_out)
        found = self.told(VA)
        for expected in ((170, "frame 7", "isolated from active_anon in order to move it"),
                         (200, "frame 8", "mapped at 0x40000 of pid 5 (leader): migrate; read-only, from frame 7"),
                         (200, "frame 7", "unmapped from 0x40000 of pid 5 (leader): migrate, to frame 8")):
            self.assertIn(expected, found)

    def test_page_of_2_mib_and_its_split(self):
        part = VA + 0x3000
        self.life(512, 100, 300, kind="anon", order=9, life_id=10)
        self.add("page_split", id=40, t=300, pfn=512)
        self.life(515, 300, 500, kind="anon", life_id=40)
        self.entry(part, 515, 120, 400, "fault", "unmap")
        self.add("lru_span", pfn=512, list="active_anon", t_begin=130, t_end=300, why_in="new", why_out="split")
        self.add("lru_span", pfn=515, list="active_anon", t_begin=300, t_end=450, why_in="split", why_out="free")
        self.assertEqual(self.told(part), [
            (100, "frame 515", "allocated by nobody known on CPU 1: anon, a page of 2 MiB in frames 512 to 1023"),
            (120, "frame 515", "mapped at 0x43000 of pid 5 (leader): fault; read-only"),
            (130, "frame 515", "to the head of active_anon: new"),
            (300, "frame 515", "the page of 2 MiB is split into 512 pages"),
            (300, "frame 515", "a page of its own, split off the page of 2 MiB from frame 512 on"),
            (300, "frame 515", "to active_anon: split"),
            (400, "frame 515", "unmapped from 0x43000 of pid 5 (leader): unmap"),
            (450, "frame 515", "off active_anon: free"),
            (500, "frame 515", "freed")])


if __name__ == "__main__":
    unittest.main()
