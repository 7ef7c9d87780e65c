"""madvise as the trace tells it: what became of the pages that a program gave advice about. What the
program sees is the same as on Linux."""

import subprocess
import unittest

import support
from build import Build
from support import program, scenario

PAGE = 4096


class MadviseTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("madvise", scenario([program("madvise")], cpus=2))

    def advised(self, name: str) -> tuple[int, int]:
        """First address and pages of the range that the program advised, as it printed them."""
        line, = (line for line in self.recorded.lines if line.startswith(f"madvise.{name} "))
        _, start, pages, *_ = line.split()
        return int(start), int(pages)

    def major_faults(self, name: str) -> int:
        """Of the program when it read the range, as getrusage told it."""
        line, = (line for line in self.recorded.lines if line.startswith(f"madvise.{name} "))
        return int(line.split()[3])

    def faults(self, name: str, result: str) -> int:
        """Faults on the range after it went to swap."""
        start, pages = self.advised(name)
        return self.recorded.value("""
            SELECT count(*) FROM fault WHERE result = :result AND kind IN ('swap', 'swap_cache')
            AND va >= :start AND va < :end""", result=result, start=start, end=start + pages * PAGE)

    def read_ahead(self, name: str) -> tuple[int, int]:
        """Pages of the range that were read from their slots: as readahead, and all."""
        start, pages = self.advised(name)
        return self.recorded.rows("""
            SELECT sum(readahead), count(*) FROM swap_in_begin WHERE EXISTS (
                SELECT 1 FROM pte_span WHERE kind = 'swap' AND pte_span.slot = swap_in_begin.slot AND va >= :start
                AND va < :end AND t_begin <= swap_in_begin.t AND swap_in_begin.t < t_end)""",
                                  start=start, end=start + pages * PAGE)[0]

    def verdicts(self, name: str, verdict: str) -> int:
        """Pages of the range of which a pass of madvise decided so, by their addresses: the
        mapping that was there when the pass began."""
        start, pages = self.advised(name)
        return self.recorded.value("""
            SELECT count(DISTINCT rmap_span.va) FROM reclaim_decision
            JOIN reclaim_pass USING (pass_id)
            JOIN enum_name ON enum = 'reclaim_verdict' AND value = verdict
            JOIN rmap_span ON rmap_span.pfn = reclaim_decision.pfn
                AND rmap_span.t_begin <= reclaim_pass.t_begin AND reclaim_pass.t_begin < rmap_span.t_end
            WHERE kind = 'madvise' AND enum_name.name = :verdict AND va >= :start AND va < :end""",
                                   verdict=verdict, start=start, end=start + pages * PAGE)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("madvise", 0)])

    def test_guest_agrees_with_host(self):
        done = subprocess.run([str(Build().program("madvise"))], capture_output=True, text=True,
                              check=False, timeout=support.COMMAND_SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual([line for line in self.recorded.lines if line.startswith("ok ")],
                         [line for line in done.stdout.splitlines() if line.startswith("ok ")])

    def test_pageout_writes_every_page(self):
        start, pages = self.advised("pageout")
        self.assertEqual(self.verdicts("pageout", "write"), pages)
        self.assertEqual(self.recorded.value("""
            SELECT count(DISTINCT va) FROM pte_span
            WHERE kind = 'swap' AND va >= :start AND va < :end""",
                                             start=start, end=start + pages * PAGE), pages)
        self.assertEqual(self.recorded.column("""
            SELECT DISTINCT error FROM swap_out_end JOIN swap_out_begin USING (pfn, slot)
            JOIN reclaim_pass USING (pass_id) WHERE kind = 'madvise'"""), [0])

    def test_willneed_spares_the_wait(self):
        """Whoever reads a range from swap waits for the disk; after WILLNEED it is there."""
        _, pages = self.advised("willneed")
        for name, wanted in ("unasked", range(pages // 64, pages)), ("willneed", [0]):
            with self.subTest(name):
                self.assertIn(self.major_faults(name), wanted)
                self.assertEqual(self.faults(name, "major"), self.major_faults(name))
                self.assertEqual(self.faults(name, "major") + self.faults(name, "minor"), pages)

    def test_willneed_reads_every_page_once_as_readahead(self):
        for name in "willneed", "behind":
            with self.subTest(name):
                _, pages = self.advised(name)
                self.assertEqual(self.read_ahead(name), (pages, pages))

    def test_willneed_maps_nothing(self):
        start, pages = self.advised("behind")
        self.assertEqual(self.recorded.value("""
            SELECT count(*) FROM pte_span WHERE kind = 'page' AND why_in = 'swapin'
            AND va >= :start AND va < :end AND t_begin > (
                SELECT max(t_begin) FROM pte_span WHERE kind = 'swap' AND va >= :start AND va < :end)""",
                                             start=start, end=start + pages * PAGE), 0)

    def test_pageout_leaves_shared_pages_alone(self):
        start, pages = self.advised("shared")
        child, parent = self.recorded.rows("""
            SELECT mm_id, count(DISTINCT CASE kind WHEN 'swap' THEN va END) FROM pte_span
            WHERE va >= :start AND va < :end AND EXISTS (
                SELECT 1 FROM rmap_span WHERE rmap_span.mm_id = pte_span.mm_id AND rmap_span.va = :start)
            GROUP BY mm_id HAVING count(DISTINCT va) = :pages ORDER BY mm_id DESC""",
                                           start=start, end=start + pages * PAGE, pages=pages)[-2:]
        self.assertEqual(child[1], 0)
        self.assertEqual(parent[1], pages)

    def test_pageout_takes_pages_of_files_for_who_may_write_to_them(self):
        """The half of the private mapping is copies of its own."""
        for name, part in ("mine", 1), ("open", 1), ("others", 0), ("private", 1 / 2):
            with self.subTest(name):
                _, pages = self.advised(name)
                self.assertEqual(self.verdicts(name, "write"), pages * part)

    def test_cold_pages_are_active_no_more(self):
        start, pages = self.advised("cold")
        self.assertGreater(self.verdicts("cold", "deactivate"), pages // 2)

    def test_free_pages_go_without_a_write(self):
        for name, taken in ("free", True), ("again", False):
            with self.subTest(name):
                start, pages = self.advised(name)
                # Until the range is written anew, or paged out by request.
                cleared, swapped, fell = self.recorded.rows("""
                    SELECT count(*) FILTER (WHERE kind = 'page' AND why_out = 'lazyfree' AND NOT EXISTS (
                               SELECT 1 FROM pte_span AS next
                               WHERE next.mm_id = span.mm_id AND next.va = span.va AND next.t_begin = span.t_end)),
                           count(*) FILTER (WHERE kind = 'swap' AND why_in = 'swapout'),
                           count(*) FILTER (WHERE kind = 'page' AND why_in = 'lazyfree')
                    FROM pte_span AS span WHERE va >= :start AND va < :end AND t_begin < (
                        SELECT min(t_begin) FROM reclaim_pass WHERE kind = 'madvise' AND t_begin > (
                            SELECT max(t_begin) FROM pte_span WHERE va >= :start AND va < :end AND why_in = 'lazyfree'))
                    """, start=start, end=start + pages * PAGE)[0]
                self.assertEqual(fell, pages)
                self.assertEqual(cleared > pages // 2, taken)
                if taken:
                    self.assertEqual(swapped, 0)


if __name__ == "__main__":
    unittest.main()
