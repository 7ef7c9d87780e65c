"""Pages of 2 MiB: that programs get them, what becomes of them, and that the trace tells it. The scenario thp.toml has them under
pressure."""

import unittest

import support
from support import program, scenario

# Tests of user/tests/thp.c that begin with the first touch of a range of 2 MiB.
RANGES = ("zeroed", "partial_unmap", "protect", "dontneed", "fork", "fork_reads", "parent_writes", "pageout",
          "pageout_part", "cold", "kernel_copies")
HUGE = 2 << 20


class HugePagesTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("thp", scenario([program("thp")], memory="48M", cpus=2))

    def range_of(self, name: str) -> tuple[int, int]:
        """Address, and pages in memory after the first touch."""
        line, = (line for line in self.recorded.lines if line.startswith(f"thp.{name} "))
        return int(line.split()[1]), int(line.split()[2])

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("thp", 0)])

    def test_programs_get_huge_pages(self):
        for name in RANGES:
            address, resident = self.range_of(name)
            self.assertEqual(resident, 512, name)
            self.assertGreater(self.recorded.value(
                "SELECT count(*) FROM pmd_span WHERE va = :va", va=address), 0, name)

    def test_one_fault_for_2_mib(self):
        address, _ = self.range_of("zeroed")
        self.assertEqual(self.recorded.value(
            "SELECT count(*) FROM fault WHERE va >= :va AND va < :va + :huge AND t < "
            "(SELECT min(t) FROM pmd_clear WHERE va = :va)", va=address, huge=HUGE), 1)

    def test_whole_pages_stay_whole(self):
        """A child that only reads shares the page, and it is its parent's again when the child has gone."""
        address, _ = self.range_of("fork_reads")
        self.assertEqual(self.recorded.value(
            "SELECT count(*) FROM pmd_set JOIN enum_name ON enum = 'pte_why' AND value = why "
            "WHERE va = :va AND name = 'fork_child'", va=address), 1)
        self.assertEqual(self.recorded.value(
            "SELECT count(*) FROM fault WHERE kind = 'reuse' AND va >= :va AND va < :va + :huge", va=address,
            huge=HUGE), 1)

    def test_a_write_to_a_shared_page_copies_4_kib(self):
        address, _ = self.range_of("parent_writes")
        self.assertGreaterEqual(self.recorded.value(
            "SELECT count(*) FROM fault WHERE kind = 'cow' AND va >= :va AND va < :va + :huge", va=address, huge=HUGE), 300)

    def test_never(self):
        recorded = self.record("thp_never", scenario([program("thp")], memory="48M", transparent_hugepage="never"))
        self.assert_clean(recorded, [("thp", 0)])
        self.assertEqual(recorded.value("SELECT count(*) FROM pmd_set"), 0)


class CompactionTest(support.SystemTest):
    """Memory in pieces: pages are moved, and if it is short, too, reclaimed, to make huge pages."""

    def run_it(self, name: str, *arguments: str):
        recorded = self.record(name, scenario([program("thpfrag", *arguments)], memory="48M", swap="64M", cpus=2))
        self.assert_clean(recorded, [("thpfrag", 0)])
        line, = (line for line in recorded.lines if line.startswith("thpfrag.huge "))
        return recorded, int(line.split()[1])

    def test_pages_are_moved_out_of_the_way(self):
        recorded, huge = self.run_it("frag")
        self.assertEqual(huge, 3)
        self.assertEqual(recorded.value("SELECT count(*) FROM thp_fault_fallback"), 0)
        self.assertGreater(recorded.value("SELECT count(*) FROM mm_compaction_end WHERE status = 0"), 0)
        for kind in ("anon", "shmem"):
            self.assertGreater(recorded.value(
                "SELECT count(*) FROM lru_span JOIN page_life USING (pfn) WHERE why_out = 'migrate' AND kind = :kind "
                "AND page_life.t_begin <= lru_span.t_begin AND lru_span.t_end <= page_life.t_end", kind=kind), 0, kind)

    def test_memory_is_short(self):
        recorded, huge = self.run_it("short", "short")
        self.assertGreater(huge, 0)
        self.assertGreater(recorded.value("SELECT count(*) FROM direct_reclaim WHERE \"order\" = 9"), 0)

    def test_never(self):
        recorded, huge = self.run_it("frag_never", "never")
        self.assertLess(huge, 3)
        self.assertGreater(recorded.value("SELECT count(*) FROM thp_fault_fallback"), 0)
        self.assertEqual(recorded.value("SELECT count(*) FROM mm_compaction_begin"), 0)


if __name__ == "__main__":
    unittest.main()
