"""Tracing that begins in the middle of a run: the baseline tells all that was there already."""

import unittest

import support
from recording import Recording
from support import program, scenario


def start_under_pressure(recording: Recording) -> None:
    """When thrash has filled more than memory, and forkshare's children are at it."""
    recording.machine.console.wait_line(r"thrash\.fill_time", support.SESSION_SECONDS)
    recording.machine.ctl("trace on")


def ask_for_the_state(recording: Recording) -> None:
    """Three times, while both programs work."""
    recording.machine.console.wait_line(r"thrash\.fill_time", support.SESSION_SECONDS)
    for _ in range(3):
        recording.machine.ctl("state")


def pause(recording: Recording) -> None:
    """From the filling on until the round that follows is over."""
    console = recording.machine.console
    console.wait_line(r"thrash\.fill_time", support.SESSION_SECONDS)
    recording.machine.ctl("trace off")
    console.wait_line(r"thrash\.round_1_time", support.SESSION_SECONDS)
    recording.machine.ctl("trace on")


def pressure() -> list:
    return [program("forkshare", "--size", "6M", "--children", "4", "--rounds", "6", mode="bg"),
            program("thrash", "--size", "24M", "--rounds", "1")]


class LateStartTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("late", scenario(
            pressure(), cpus=2, swap="96M", trace_start="ctl"), start_under_pressure)

    def test_session_is_whole(self):
        self.assert_clean(self.recorded, [("forkshare", 0), ("thrash", 0)])

    def test_baseline_lists_what_was_there(self):
        count = self.recorded.value
        self.assertEqual(count("SELECT count(*) FROM state_begin"), 1)
        self.assertGreater(count("SELECT count(*) FROM state_mm"), 2)
        self.assertGreater(count("SELECT count(*) FROM state_pte WHERE kind = 1"), 1000)
        self.assertGreater(count("SELECT count(*) FROM state_pte WHERE kind = 3"), 1000)
        self.assertGreater(count("SELECT count(*) FROM state_swap"), 1000)
        self.assertGreater(count("SELECT count(*) FROM state_lru"), 1000)

    def test_what_was_evicted_before_comes_back(self):
        self.assertGreater(self.recorded.value("SELECT count(*) FROM fault WHERE kind = 'swap'"), 0)


class LaterBaselineTest(support.SystemTest):
    """Another baseline is compared with what was rebuilt from the events up to it."""

    @classmethod
    def prepare(cls) -> None:
        cls.asked = cls.record("asked", scenario(pressure(), cpus=2, swap="96M"), ask_for_the_state)

    def test_state_equals_what_was_rebuilt(self):
        self.assert_clean(self.asked, [("forkshare", 0), ("thrash", 0)])
        self.assertEqual(self.asked.value("SELECT count(*) FROM state_end"), 4)


class PauseTest(support.SystemTest):
    """Tracing is off while memory changes: that is told, and from the next baseline on all is known again."""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("paused", scenario(pressure(), cpus=2, swap="96M"), pause)

    def test_nothing_is_taken_for_a_violation(self):
        self.assert_clean(self.recorded, [("forkshare", 0), ("thrash", 0)])
        self.assertEqual(self.recorded.value("SELECT count(*) FROM state_end"), 2)

    def test_counters_are_compared_over_what_was_traced(self):
        rows = self.recorded.rows("SELECT item, kernel, equal FROM vmstat_check")
        self.assertEqual([row for row in rows if not row[2]], [])
        # What the kernel counted in the pause is not among it.
        first, last = self.recorded.rows("""
            SELECT min(vmstat.value), max(vmstat.value) FROM vmstat JOIN enum_name AS e ON e.value = item
            WHERE enum = 'vmstat_item' AND name = 'pgalloc'""")[0]
        kernel, = [row[1] for row in rows if row[0] == "pgalloc"]
        self.assertLess(kernel, last - first)

    def test_nothing_lives_in_the_pause(self):
        (begin, end), = self.recorded.rows("SELECT * FROM pause")
        self.assertLess(begin, end)
        for table in ("pte_span", "lru_span", "page_life", "free_span", "swap_span", "vma_span"):
            self.assertEqual(self.recorded.value(
                f"SELECT count(*) FROM {table} WHERE t_begin < {end} AND {begin} < t_end"), 0, table)

    def test_state_behind_it_is_what_the_baseline_lists(self):
        for table, listed in (("pte_span", "state_pte"), ("lru_span", "state_lru"),
                              ("page_life", "state_page"), ("vma_span", "state_vma"),
                              ("pgtable_span", "state_pgtable"), ("mm_span", "state_mm")):
            with self.subTest(table):
                found = self.recorded.value(f"""
                    SELECT count(*) FROM {table}, (SELECT max(t) AS t FROM state_begin) AS b
                    WHERE t_begin <= b.t AND b.t < t_end""")
                self.assertEqual(found, self.recorded.value(
                    f"SELECT count(*) FROM {listed} WHERE id > (SELECT max(id) FROM state_begin)"))
                self.assertGreater(found, 0)


if __name__ == "__main__":
    unittest.main()
