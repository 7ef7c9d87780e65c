"""Each view of schema.sql on a small hand-made history whose answers are known."""

import random
import unittest

import support

OPEN = support.OPEN
FAULT, COW, FORK_CHILD, SWAPIN = 0, 1, 2, 6  # pte_why
PAGE, ANON, SHMEM = 1, 3, 9  # pte_kind, page_kind
ACCESSED = 4  # pte_flags
FREED, WRITE, ACTIVATE = 0, 1, 2  # reclaim_verdict


class ViewTest(support.DatabaseTest):

    def rows(self, sql: str) -> list[tuple]:
        return self.database.execute(sql).fetchall()

    def view(self, name: str, columns: str = "*", tail: str = "") -> list[tuple]:
        return self.rows(f"SELECT {columns} FROM {name} {tail}")


class CoverageTest(ViewTest):

    def test_every_view_has_a_test(self):
        views = {name for name, in self.rows("SELECT name FROM sqlite_schema WHERE type = 'view'")}
        tested = {name.removeprefix("test_") for name in dir(AnswersTest)}
        self.assertEqual(views - tested, set())

    def test_every_view_is_documented(self):
        before = ""
        for line in (support.ROOT / "schema.sql").read_text().splitlines():
            if line.startswith("CREATE VIEW"):
                self.assertTrue(before.startswith("-- "), line)
            before = line


class AnswersTest(ViewTest):

    def test_barrier(self):
        self.add("trace_barrier", t=50, n=2)
        self.assertEqual(self.view("barrier"), [(2, 50, 1)])

    def test_live(self):
        self.add("live_ids", k=1, table_id=12, ids="[3,5]")
        self.add("live_ids", k=1, table_id=12, ids="[8]")
        self.add("live_ids", k=2, table_id=13, ids="[9]")
        self.assertEqual(self.view("live"), [(1, 12, 3), (1, 12, 5), (1, 12, 8), (2, 13, 9)])

    def test_uncertain(self):
        for t_from, t_to in ((100, 150), (120, 140), (300, 310), (390, 420)):
            self.add("loss_window", cpu=0, t_from=t_from, t_to=t_to, events=1)
        for t in (50, 200, 400):
            self.add("state_begin", t=t)
        self.add("state_end", t=401)
        self.add("state_begin", t=500)  # the trace ends in it
        self.assertEqual(self.view("uncertain"), [
            (100, 120, 150), (120, 200, 150), (300, 390, 310), (390, 400, 420), (400, OPEN, 420)])

    def test_pause(self):
        for t in (10, 60, 70):
            self.add("state_begin", t=t)
            if t == 10:
                self.add("trace_off", t=50)
        self.add("trace_off", t=90)
        self.assertEqual(self.view("pause"), [(50, 60), (90, OPEN)])

    def faults(self) -> None:
        for latency in range(1, 101):
            self.add("fault", kind="anon", result="minor", latency_ns=latency)
        self.add("fault", kind="swap", result="minor", latency_ns=7)
        self.add("fault", kind="swap", result="major", latency_ns=9)
        self.add("fault")  # the trace ended in it

    def test_fault_latency(self):
        self.faults()
        self.assertEqual(sorted(self.view("fault_latency")),
                         [("anon", "minor", 100, 50, 99, 100), ("swap", "major", 1, 9, 9, 9),
                          ("swap", "minor", 1, 7, 7, 7)])

    def test_fault_kind_latency(self):
        self.faults()
        self.assertEqual(self.view("fault_kind_latency"),
                         [("anon", 100, 50, 99, 100), ("swap", 2, 7, 9, 9)])

    def passes(self) -> None:
        self.add("reclaim_pass", pass_id=1, kind="kswapd", t_begin=10, t_end=30, nr_scanned=32,
                 nr_freed=1, nr_written=7, nr_activated=2, nr_deactivated=0)
        self.add("reclaim_pass", pass_id=2, kind="kswapd", t_begin=40, t_end=45, nr_scanned=8,
                 nr_freed=1, nr_written=1, nr_activated=0, nr_deactivated=3)
        self.add("reclaim_pass", pass_id=3, kind="direct", t_begin=50, t_end=OPEN)
        for n in range(10):
            self.add("eviction", id=n, t=n, kind="kswapd", pass_id=1 + n // 8, n=n + 1)

    def test_reclaim_efficiency(self):
        self.passes()
        self.assertEqual(sorted(self.view("reclaim_efficiency")),
                         [("direct", 1, None, None, None, None, None, 0, None, None),
                          ("kswapd", 2, 40, 2, 8, 2, 3, 10, 0.25, 25)])

    def test_reclaim_verdicts(self):
        self.passes()
        for verdict in (FREED, WRITE, WRITE):
            self.add("reclaim_decision", pass_id=1, verdict=verdict)
        self.assertEqual(self.view("reclaim_verdicts", "kind, list, verdict, n"),
                         [("kswapd", "inactive_anon", "write", 2),
                          ("kswapd", "inactive_anon", "freed", 1)])

    def test_refault_distance(self):
        for distance, latency in ((0, 5), (1, 5), (5, None), (7, 5)):
            self.add("refault", distance_pages=distance, latency_ns=latency)
        self.assertEqual(self.view("refault_distance"),
                         [(0, 1, 1, 0), (1, 2, 1, 0), (2, 4, 0, 0), (4, 8, 2, 1)])

    def test_eviction_regretted(self):
        self.passes()
        self.add("session", key="nr_frames", value=4)
        self.add("refault", eviction_id=1, t=20, distance_pages=3, latency_ns=50, pid=6)
        self.add("refault", eviction_id=2, t=20, distance_pages=4, latency_ns=50, pid=6)
        self.add("refault", eviction_id=3, t=20, distance_pages=1)
        self.assertEqual(self.view("eviction_regretted", "eviction_id, gone_ns, pid"),
                         [(1, 19, 6)])

    def mappings(self) -> None:
        for pfn, mm_id, begin, end in ((7, 1, 0, 20), (7, 2, 10, OPEN), (7, 2, 20, OPEN),
                                       (8, 1, 30, OPEN), (9, 1, 0, 20)):
            self.add("rmap_span", pfn=pfn, mm_id=mm_id, va=0x1000 * begin, mapping_id=3,
                     t_begin=begin, t_end=end)
        self.add("moment", t=25)

    def test_most_shared_at_moment(self):
        self.mappings()
        self.assertEqual(self.view("most_shared_at_moment"), [(7, 2, 1, 3, "0xa000")])

    def test_most_shared_ever(self):
        self.mappings()
        # At 20 one mapping goes and one comes: never three.
        self.assertEqual(self.view("most_shared_ever", "pfn, mappings"), [(7, 2), (8, 1), (9, 1)])

    def listed(self) -> None:
        for pfn, which, pos, begin, end in (
                (7, "inactive_anon", 1, 10, OPEN), (8, "inactive_anon", 2, 10, 20),
                (9, "inactive_anon", 3, 20, OPEN), (8, "active_anon", 1, 20, OPEN)):
            self.add("lru_span", pfn=pfn, list=which, pos=pos, t_begin=begin, t_end=end, nr_frames=1)

    def test_file_user(self):
        """A leader and its thread map a file twice; its child has the VMA and touched nothing."""
        for pid, tgid, mm_id, comm in ((5, 5, 1, "leader"), (6, 5, 1, "thread"), (7, 7, 2, "child")):
            self.add("task_span", pid=pid, tgid=tgid, mm_id=mm_id, comm=comm, t_begin=pid, t_end=90)
        self.add("mapping_span", mapping_id=40, t_begin=1, t_end=OPEN)
        for vma_id, mm_id, flags, begin, end in ((1, 1, 1 | 4, 10, 80), (2, 1, 1 | 2 | 8, 20, 70), (3, 2, 1, 30, 90)):
            self.add("vma_span", vma_id=vma_id, mm_id=mm_id, flags=flags, t_begin=begin, t_end=end)
            self.add("i_mmap_span", vma_id=vma_id, mapping_id=40, t_begin=begin, t_end=end)
        for va in (0x1000, 0x1000, 0x2000):
            self.add("rmap_span", pfn=9, mm_id=1, va=va, mapping_id=40, t_begin=30, t_end=40)
        self.add("rmap_span", pfn=10, mm_id=1, va=0x5000, mapping_id=3, t_begin=30, t_end=40)  # an anon_vma
        self.assertEqual(self.view("file_user"), [(40, 5, "leader", 2, 2, 10, 80, 1, 1, 1), (40, 7, "child", 1, 0, 30, 90, 0, 0, 0)])

    def test_file_eviction(self):
        for event, slot, t in ((1, 3, 100), (2, 4, 110), (3, 3, 300)):
            self.add("eviction", id=event, t=t, pfn=7, slot=slot, reason="write", kind="direct", n=event)
        self.add("cache_span", mapping_id=40, pgoff=5, kind="swap", slot=3, t_begin=90, t_end=200)
        self.add("cache_span", mapping_id=40, pgoff=6, kind="page", pfn=4, t_begin=90, t_end=OPEN)
        self.add("refault", t=180, eviction_id=1, latency_ns=12)
        # Slot 4, and slot 3 later, were never of a file.
        self.assertEqual(self.view("file_eviction"), [(1, 100, 40, 5, 7, 3, "write", "direct", 80, 12)])

    def test_huge_page(self):
        self.add("task_span", pid=5, tgid=5, mm_id=1, comm="a", t_begin=0, t_end=OPEN)
        self.add("sched_switch", id=1, cpu=0, next_pid=5)
        for n, (end, split) in enumerate(((300, None), (310, "reclaim"), (320, "fault"), (330, "call"), (OPEN, None)), 1):
            pfn = 512 * n
            self.add("page_life", pfn=pfn, order=9, kind="anon", t_begin=100 + n, t_end=end)
            for mm_id in (1, 2)[:n % 2 + 1]:
                self.add("pmd_span", mm_id=mm_id, va=pfn << 12, pfn=pfn, t_begin=104 + n + mm_id, t_end=200)
            if split:
                self.add("page_split", t=end, cpu=0, pfn=pfn, pos=5, pos_last=-505 if split == "reclaim" else 515)
        self.add("fault", pid=5, t=315, latency_ns=9)
        self.add("page_life", pfn=9999, order=9, kind="kernel", t_begin=1, t_end=2)
        self.assertEqual(self.view("huge_page", "pfn, t_begin, pid, comm, va, address_spaces, fate"), [
            (512 * n, 100 + n, 5, "a", 512 * n << 12, n % 2 + 1, fate) for n, fate in enumerate(
                ("freed", "split_reclaim", "split_fault", "split_call", "lives"), 1)])

    def test_compaction(self):
        self.add("task_span", pid=5, tgid=5, mm_id=1, comm="a", t_begin=0, t_end=OPEN)
        self.add("mm_compaction_begin", t=10, pid=5)
        self.add("mm_compaction_begin", t=11, pid=6)
        self.add("mm_migrate_pages", t=12, pid=5, succeeded=7, failed=1)
        self.add("mm_migrate_pages", t=13, pid=6, succeeded=100)
        self.add("mm_migrate_pages", t=14, pid=5, succeeded=2, failed=3)
        self.add("mm_compaction_end", t=15, pid=5, status=0)
        self.add("mm_compaction_begin", t=20, pid=5)
        self.assertEqual(self.view("compaction"), [(10, 15, 5, "a", "success", 2, 9, 4), (11, None, 6, None, None, 1, 100, 0),
                                                   (20, None, 5, "a", None, 0, 0, 0)])

    def test_page_move(self):
        """Frame 7, mapped twice, goes to frame 8; frame 9 of a file to frame 10."""
        for pfn in (7, 9):
            self.add("lru_span", pfn=pfn, list="isolated", t_begin=90, t_end=120, why_out="migrate")
        for mm_id, t in ((1, 100), (2, 105)):
            self.add("pte_span", mm_id=mm_id, va=0x1000, kind="page", pfn=7, t_begin=10, t_end=t, why_out="migrate")
            self.add("pte_span", mm_id=mm_id, va=0x1000, kind="page", pfn=8, t_begin=t, t_end=OPEN, why_in="migrate")
        for pfn, begin, end in ((9, 10, 110), (10, 112, 200), (11, 300, OPEN)):
            self.add("cache_span", mapping_id=40, pgoff=5, kind="page", pfn=pfn, t_begin=begin, t_end=end)
        self.assertEqual(self.view("page_move"), [(100, 7, 8, "anon", None, None, 2), (112, 9, 10, "file", 40, 5, None)])

    def test_lru_at_moment(self):
        self.listed()
        self.add("moment", t=30)
        self.assertEqual(self.view("lru_at_moment", "list, place, pfn, age_ns"),
                         [("active_anon", 1, 8, 10), ("inactive_anon", 1, 9, 10),
                          ("inactive_anon", 2, 7, 20)])

    def test_lru_size(self):
        self.listed()
        self.assertEqual(set(self.view("lru_size")),
                         {(20, "active_anon", 1), (10, "inactive_anon", 2),
                          (20, "inactive_anon", 2)})
        self.assertEqual(len(self.view("lru_size")), 5)

    def memory(self) -> None:
        """100 frames free at 1000; a frame goes at 1100; 64 at 1200 and come back at 1500; after a
        pause that nobody saw 30 are free at 2000."""
        self.add("session_begin", watermark_min=36, watermark_low=50, watermark_high=99)
        self.add("mm_page_free", t=500, order=3)  # before anybody knows what was free
        self.baseline(1000, 6, 5, 2)
        self.add("mm_page_alloc", t=1100)
        self.add("mm_page_alloc", t=1200, order=6)
        self.add("mm_page_free", t=1500, order=6)
        self.baseline(2000, 4, 3, 2, 1)
        self.add("mm_page_free", t=2980)

    def baseline(self, t: int, *orders: int) -> None:
        self.add("state_begin", t=t)
        for order in orders:
            self.add("state_free", t=t, order=order)
        self.add("state_end", t=t)

    def test_free_memory(self):
        self.memory()
        self.assertEqual(self.view("free_memory", "t, nr_free"),
                         [(1000, 100), (1100, 99), (1200, 35), (1500, 99), (2000, 30), (2980, 31)])

    def test_free_memory_watermarks(self):
        self.memory()
        found = self.view("free_memory_watermarks", "t_begin, t_end, fewest, most, fewest_is")
        self.assertEqual(len(found), 100)
        # 1981 ns in 100 steps of 20 ns.
        self.assertEqual([row for row in found if row[2] != row[3]],
                         [(1100, 1120, 99, 100, "enough"), (1200, 1220, 35, 99, "below min"),
                          (1500, 1520, 35, 99, "below min"), (2000, 2020, 30, 99, "below min"),
                          (2980, 3000, 30, 31, "below min")])
        self.assertEqual(found[0], (1000, 1020, 100, 100, "enough"))
        self.assertEqual(found[30], (1600, 1620, 99, 99, "enough"))

    def test_watermark_time(self):
        self.memory()
        self.assertEqual(self.view("watermark_time"),
                         [("below min", 2, 1280, round(1280 / 1980, 4), 980, 30),
                          ("enough", 2, 700, round(700 / 1980, 4), 500, 99)])

    def slots(self) -> None:
        for life_id, begin, end, refs in ((1, 0, 10, 1), (1, 10, 50, 3), (2, 20, 30, 1),
                                          (3, 20, OPEN, 1)):
            self.add("swap_span", slot=life_id + 10, life_id=life_id, t_begin=begin, t_end=end,
                     refs=refs)
        self.add("eviction", content_id=1)
        self.add("eviction", content_id=1)

    def test_swap_slot_life(self):
        self.slots()
        self.assertEqual(self.view("swap_slot_life"),
                         [(1, 11, 0, 50, 3, 50, 2), (2, 12, 20, 30, 1, 10, 0),
                          (3, 13, 20, OPEN, 1, None, 0)])

    def test_swap_slot_lifetimes(self):
        self.slots()
        self.assertEqual(self.view("swap_slot_lifetimes"), [(2, 10, 50, 50)])

    def kill(self) -> None:
        self.add("oom_candidate", kill_id=1, pid=5, comm="hog", score=90, resident=40)
        self.add("oom_candidate", kill_id=1, pid=6, comm="small", score=10)
        self.add("oom_kill", kill_id=1, pid=5, t=100, predicted_pages=40, freed_pages=44,
                 t_done=130)
        self.add("oom_candidate", kill_id=2, pid=6, comm="small", score=10)
        self.add("oom_kill", kill_id=2, pid=6, t=200, predicted_pages=0)

    def test_oom_scoreboard(self):
        self.kill()
        self.assertEqual(
            self.view("oom_scoreboard", "kill_id, comm, fate, predicted_pages, freed_pages"),
            [(1, "hog", "killed", 40, 44), (1, "small", "", None, None),
             (2, "small", "killed", 0, None)])

    def test_oom_prediction(self):
        self.kill()
        self.assertEqual(self.view("oom_prediction"),
                         [(1, 100, 5, "hog", 40, 44, 4, 0.1, 30),
                          (2, 200, 6, "small", 0, None, None, None, None)])

    def test_oom_prediction_error(self):
        """A page and a huge one of its own, one that is shared at the kill, one that is no more, one of a file; two tables."""
        self.add("mapping_span", mapping_id=70, t_begin=0, t_end=OPEN)
        for pfn, mm_id, end, mapping_id, order in ((1, 9, 120, 4, 0), (2, 9, 120, 4, 0), (2, 8, OPEN, 4, 0), (3, 9, 120, 4, 0),
                                                   (3, 8, 90, 4, 0), (4, 9, 120, 70, 0), (512, 9, 120, 4, 9)):
            self.add("rmap_span", pfn=pfn, mm_id=mm_id, mapping_id=mapping_id, t_begin=0, t_end=end)
            if mm_id == 9:
                self.add("page_life", pfn=pfn, t_begin=0, t_end=OPEN, order=order)
        self.add("pgtable_span", mm_id=9, t_begin=0, t_end=120)
        self.add("oom_kill", kill_id=1, pid=5, mm_id=9, t=100, predicted_pages=517, freed_pages=520, t_done=130)
        self.assertEqual(self.view("oom_prediction_error"), [(1, 100, 5, 517, 516, 520, 1, 4)])

    def test_direct_reclaim_sleepers(self):
        self.add("task_span", pid=5, comm="before", t_begin=0, t_end=10)
        self.add("task_span", pid=5, comm="after", t_begin=10, t_end=OPEN)
        for pid, begin, end, freed in ((5, 20, 50, 3), (5, 60, 70, 1), (6, 30, 40, 0)):
            self.add("direct_reclaim", pid=pid, t_begin=begin, t_end=end, nr_reclaimed=freed)
        self.add("fault", pid=5, reclaim_ns=30)
        self.add("fault", pid=5)
        self.assertEqual(self.view("direct_reclaim_sleepers"),
                         [(5, "after", 2, 40, 30, 4, 1, 30), (6, None, 1, 10, 10, 0, 0, 0)])

    def test_cow_breaks(self):
        self.add("task_span", pid=5, comm="init", t_begin=0, t_end=10)
        self.add("task_span", pid=5, comm="child", t_begin=10, t_end=OPEN)
        for pid, kind, result, latency in (
                (5, "cow", "minor", 10), (5, "cow", "minor", 30), (5, "reuse", "minor", 5),
                (5, "anon", "minor", 99), (5, "cow", "oom", 99), (6, "reuse", "minor", 7)):
            self.add("fault", pid=pid, kind=kind, result=result, latency_ns=latency)
        self.assertEqual(self.view("cow_breaks"),
                         [(5, "child", 2, 1, 8192, 45, 30), (6, None, 0, 1, 0, 7, 7)])

    def test_vmstat_check(self):
        self.add("vmstat", item=2, value=10)
        self.add("vmstat", item=12, value=0)
        self.add("mm_page_alloc", order=2)
        self.add("vmstat", item=2, value=14)
        self.add("vmstat", item=12, value=1)
        self.assertEqual(self.view("vmstat_check"),
                         [("pgalloc", 4, 4, 1), ("oom_kill", 1, 0, 0)])

    # Uses of pages, by what shows them.

    def fault(self, t: int, pfn: int, why: int = FAULT) -> None:
        self.add("pte_set", t=t, value=pfn, kind=PAGE, why=why)

    def look(self, t: int, pfn: int, referenced: int) -> None:
        self.add("lru_referenced", t=t, pfn=pfn, mappings=1, referenced=referenced)

    def decide(self, t: int, pfn: int, verdict: int = WRITE) -> None:
        self.add("reclaim_decision", t=t, pfn=pfn, verdict=verdict)

    def free(self, t: int, pfn: int) -> None:
        self.add("mm_page_free", t=t, pfn=pfn, kind=ANON)

    def swapin(self, t: int, pfn: int, readahead: int) -> None:
        self.add("swap_in_begin", t=t, pfn=pfn, slot=pfn + 10, readahead=readahead, pid=5)

    def test_page_use(self):
        self.swapin(10, 7, 1)
        self.fault(20, 7, SWAPIN)
        self.fault(30, 7, FORK_CHILD)
        self.look(40, 7, 2)
        self.look(50, 7, 0)
        self.add("pte_clear", t=55, value=7, old_kind=PAGE, old_flags=ACCESSED)
        self.add("pte_clear", t=56, value=7, old_kind=PAGE)
        self.decide(60, 7, ACTIVATE)
        self.decide(70, 7)
        self.free(80, 7)
        self.add("mm_page_free", t=90, pfn=7, kind=0)
        self.add("pmd_set", t=91, pfn=512, why=FAULT)
        self.add("pmd_clear", t=92, pfn=512, old_flags=ACCESSED)
        self.add("mm_page_free", t=93, pfn=8, kind=SHMEM)
        self.assertEqual(self.view("page_use", "t, what", "ORDER BY id"),
                         [(10, "swapin"), (20, "fault"), (40, "accessed"), (50, "idle"),
                          (55, "accessed"), (70, "evict"), (80, "free"), (91, "fault"), (92, "accessed"), (93, "free")])

    def test_lru_inversion(self):
        self.fault(10, 1)
        self.fault(20, 2)
        self.fault(30, 3)
        self.fault(40, 4)
        self.look(50, 3, 0)  # used at 30, evicted while 1 and 2 stay
        self.decide(51, 3)
        self.free(55, 3)
        self.look(60, 2, 0)  # 2 was used at 20 and stayed until 60 at least
        self.look(70, 1, 1)  # 1 was used again between 10 and 70
        self.look(80, 4, 0)
        self.decide(81, 4)   # 2 is not known to be idle still, 1 is not older
        self.add("lru_span", pfn=2, list="active_anon", t_begin=20, t_end=60)
        self.assertEqual(self.view("lru_inversion"),
                         [(51, 3, 30, 2, "active_anon", 20, 60)])

    def test_lru_inversion_against_a_plain_search(self):
        found = 0
        for seed in range(20):
            self.setUp()
            expected = self.history(seed)
            with self.subTest(seed=seed):
                self.assertEqual({row[:3] for row in self.view("lru_inversion")}, expected)
            found += len(expected)
        self.assertGreater(found, 100)

    def history(self, seed: int) -> set[tuple[int, int, int]]:
        """Random uses of a few pages; returns the inversions that the definition finds in them."""
        roll = random.Random(seed)
        used, seen = {}, {}  # page: when it was used, from and to; when the trace spoke of it last
        quiet, evictions = [], []
        for t in range(1, 400):
            pfn = roll.randrange(8)
            if pfn not in used:
                self.fault(t, pfn)
                used[pfn] = (t, t)
            elif roll.random() < 0.4:
                self.look(t, pfn, 1)
                used[pfn] = (seen[pfn], t)
            else:
                self.look(t, pfn, 0)
                quiet.append((used[pfn][1], t))
                if roll.random() < 0.5:
                    self.decide(t, pfn)
                    evictions.append((t, pfn, used[pfn][0]))
                    if roll.random() < 0.5:
                        self.free(t, pfn)
                        del used[pfn]
            seen[pfn] = t
        last = {}  # of several decisions about one quiet time the last one counts
        for t, pfn, use in evictions:
            last[pfn, use] = max(t, last.get((pfn, use), 0))
        return {(t, pfn, use) for (pfn, use), t in last.items()
                if any(to < use and until > t for to, until in quiet)}

    def test_swapin_unused(self):
        self.fault(5, 9)        # no swap-in: not looked at
        self.free(6, 9)
        for pfn in range(1, 7):
            self.swapin(10, pfn, readahead=pfn % 2)
        self.decide(20, 1)      # read ahead, never mapped, evicted
        self.free(21, 1)
        self.fault(11, 2)       # used by its fault only, freed
        self.look(20, 2, 1)
        self.look(30, 2, 0)
        self.free(31, 2)
        self.fault(11, 3)       # used again: two looks saw it
        self.look(20, 3, 1)
        self.look(30, 3, 1)
        self.free(31, 3)
        self.fault(11, 4)       # still there
        self.free(40, 5)        # read ahead, never mapped, freed
        self.fault(11, 6)       # used by two faults
        self.fault(12, 6)
        self.free(40, 6)
        self.fault(50, 1)       # the frame's next life has nothing to do with it
        self.free(60, 1)
        found = sorted(self.view("swapin_unused", "pfn, slot, readahead, used, t_out, how"))
        self.assertEqual(found,
                         [(1, 11, 1, "never", 21, "evicted"), (2, 12, 0, "once", 31, "freed"),
                          (5, 15, 1, "never", 40, "freed")])


if __name__ == "__main__":
    unittest.main()
