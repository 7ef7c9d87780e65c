"""Tracing that begins in the middle of a run: the baseline tells all that was there already."""

import unittest

import support
from recording import Recording
from support import program, scenario


def start_under_pressure(recording: Recording) -> None:
    """When thrash has filled more than memory, and forkshare's children are at it."""
    recording.machine.console.wait_line(r"thrash\.fill_time", support.SESSION_SECONDS)
    recording.machine.ctl("trace on")


class LateStartTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("late", scenario(
            [program("forkshare", "--size", "6M", "--children", "4", "--rounds", "6", mode="bg"),
             program("thrash", "--size", "24M", "--rounds", "1")],
            cpus=2, swap="96M", trace_start="ctl"), start_under_pressure)

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


if __name__ == "__main__":
    unittest.main()
