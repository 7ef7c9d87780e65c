"""The checks notice what they are there for: with one event switched off, counts disagree and the
replay meets what cannot be."""

import unittest

import support
from recording import Recording
from support import program, scenario


def switch_off_frees(recording: Recording) -> None:
    recording.machine.console.wait_line(r"\[init\] start", support.SESSION_SECONDS)
    recording.machine.ctl("event mm_page_free off")


class IncompleteTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("no-frees", scenario(
            [program("forkshare", "--size", "4M", "--children", "4", "--rounds", "2")], cpus=2),
            switch_off_frees)

    def test_the_guest_does_not_care(self):
        self.assert_ended(self.recorded)
        self.assertEqual(self.recorded.exits, [("forkshare", 0)])
        self.assert_consistent(self.recorded)
        self.assertTrue(self.recorded.loss.complete)

    def test_counters_disagree(self):
        unequal = self.recorded.rows(
            "SELECT item, kernel, events FROM vmstat_check WHERE NOT equal")
        self.assertEqual([item for item, _, _ in unequal], ["pgfree"])
        _, kernel, events = unequal[0]
        self.assertLess(events, kernel)

    def test_frames_are_handed_out_twice(self):
        self.assertGreater(self.recorded.value(
            "SELECT count(*) FROM order_violation WHERE name = 'mm_page_alloc'"), 0)

    def test_everybody_is_told(self):
        with self.assertRaises(AssertionError):
            self.assert_complete(self.recorded)


if __name__ == "__main__":
    unittest.main()
