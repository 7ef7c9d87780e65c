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
        cls.paused = cls.record("paused", scenario(pressure(), cpus=2, swap="96M"), pause)

    def test_state_equals_what_was_rebuilt(self):
        self.assert_clean(self.asked, [("forkshare", 0), ("thrash", 0)])
        self.assertEqual(self.asked.value("SELECT count(*) FROM state_end"), 4)

    def test_a_pause_is_told(self):
        """What happened in a pause is missing: the second baseline does not agree, and says so."""
        self.assert_ended(self.paused)
        self.assert_consistent(self.paused)
        self.assertEqual(self.paused.value("SELECT count(*) FROM state_end"), 2)
        self.assertGreater(self.paused.value("SELECT count(*) FROM order_violation"), 0)


if __name__ == "__main__":
    unittest.main()
