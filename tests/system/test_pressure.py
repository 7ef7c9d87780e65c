"""A machine with less memory than its programs want: everything that must hold of any session, and
the trace read by an independent reader."""

import re
import subprocess
import unittest
from collections import Counter

import support
from support import program, scenario

EVENT_NAME = re.compile(r"^\[[^\]]*\] (\w+): ", re.MULTILINE)


class PressureTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("pressure", scenario(
            [program("thrash", "--size", "28M", "--rounds", "1"),
             program("forkshare", "--size", "12M", "--children", "4", "--rounds", "1")],
            cpus=2))

    def test_programs_find_every_page(self):
        self.assert_ended(self.recorded)
        self.assertEqual(self.recorded.exits, [("thrash", 0), ("forkshare", 0)])
        self.assertIn("thrash.verified 14336 pages", self.recorded.lines)
        self.assertIn("forkshare.failed 0 processes", self.recorded.lines)

    def test_there_was_pressure(self):
        for query in ("SELECT count(*) FROM swap_io WHERE direction = 'out'",
                      "SELECT count(*) FROM swap_io WHERE direction = 'in'",
                      "SELECT count(*) FROM eviction", "SELECT count(*) FROM refault",
                      "SELECT count(*) FROM fault WHERE kind = 'cow'"):
            self.assertGreater(self.recorded.value(query), 1000, query)
        self.assertEqual(
            {"kswapd", "direct"}, set(self.recorded.column("SELECT kind FROM reclaim_efficiency")))

    def test_kernel_is_consistent(self):
        self.assert_consistent(self.recorded)

    def test_trace_is_complete(self):
        self.assert_complete(self.recorded)

    def test_console_and_trace_tell_the_same_counters(self):
        printed = dict(re.findall(r"^vmstat (\w+) (\d+)$", "\n".join(self.recorded.lines),
                                  re.MULTILINE))
        last = dict(self.recorded.rows("""
            SELECT name, max(vmstat.value) FROM vmstat
            JOIN enum_name ON enum = 'vmstat_item' AND enum_name.value = item GROUP BY item"""))
        self.assertEqual({name: int(value) for name, value in printed.items()}, last)

    def test_nothing_is_left_when_programs_have_ended(self):
        """All that outlives its owner is init's and the kernel's: memory does not leak."""
        init = self.recorded.value(
            "SELECT mm_id FROM task_span WHERE pid = 1 ORDER BY t_begin DESC")
        for table in ("mm_span", "vma_span", "pte_span", "rmap_span", "pgtable_span"):
            self.assertEqual(
                self.recorded.column(f"SELECT DISTINCT mm_id FROM {table} WHERE t_end = :forever",
                                     forever=support.FOREVER), [init], table)
        # A page that nobody maps is there when readahead brought it; its slot then has an owner.
        self.assertEqual(self.recorded.rows("""
            SELECT pfn FROM page_life WHERE kind = 'anon' AND t_end = :forever
            EXCEPT SELECT pfn FROM rmap_span WHERE t_end = :forever
            EXCEPT SELECT pfn FROM swap_cache_span WHERE t_end = :forever""",
                                            forever=support.FOREVER), [])
        self.assertEqual(self.recorded.rows("""
            SELECT slot, refs FROM swap_span WHERE t_end = :forever
            EXCEPT SELECT slot, count(*) FROM (
                SELECT slot FROM pte_span WHERE kind = 'swap' AND t_end = :forever
                UNION ALL SELECT slot FROM swap_cache_span WHERE t_end = :forever
                UNION ALL SELECT slot FROM cache_span WHERE kind = 'swap' AND t_end = :forever)
            GROUP BY slot""", forever=support.FOREVER), [])

    def test_babeltrace_reads_the_same(self):
        done = subprocess.run(["babeltrace2", "--no-delta", str(self.recorded.directory / "ctf")],
                              capture_output=True, text=True, check=True,
                              timeout=support.COMMAND_SECONDS)
        self.assertEqual(done.stderr, "")
        theirs = Counter(EVENT_NAME.findall(done.stdout))
        self.assertEqual(theirs, dict(self.recorded.rows("SELECT event, n FROM event_count")))


if __name__ == "__main__":
    unittest.main()
