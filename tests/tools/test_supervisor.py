"""Why and how the driver ends a recording itself, with limits short enough for a test."""

import unittest
from unittest import mock

import support
import supervisor
from build import Build
from recording import Recording
from scenario import Program, Scenario


class SupervisorTest(support.TemporaryDirectoryTest):

    def run_guest(self, behaviour: str, accel: str = "tcg", timeout_s: int = 0, **limits):
        """The outcome of a guest, with the given constants of the supervisor."""
        build = Build(str(support.fake_build(self.directory, behaviour)))
        program = Program("hello", "hello")
        scenario = Scenario((program,), accel=accel, timeout_s=timeout_s, cpus=1)
        with mock.patch.multiple(supervisor, TICK_S=0.02, **limits):
            with Recording(scenario, str(self.directory / "session"), build) as recording:
                outcome = recording.run_to_end()
        self.assertTrue(recording.machine.ended)
        return outcome

    def test_guest_ends(self):
        outcome = self.run_guest("ENDS")
        self.assertEqual((outcome.cause, outcome.message, outcome.in_order), ("exit", "", True))

    def test_time_limit(self):
        outcome = self.run_guest("HANGS", timeout_s=1, STOP_GRACE_S=0.1)
        self.assertEqual(outcome.cause, "timeout")
        self.assertRegex(outcome.message, "time limit of 1 s, and cut off")
        self.assertFalse(outcome.in_order)

    def test_silence(self):
        outcome = self.run_guest("HANGS", PROBE_S=0.2, SILENCE_S=0.4)
        self.assertEqual(outcome.cause, "silent")
        self.assertRegex(outcome.message, "silent for 0.4 s .*console: tiny guest")

    def test_no_first_line(self):
        outcome = self.run_guest("MUTE", FIRST_LINE_S={"tcg": 0.5})
        self.assertRegex(outcome.message, "printed nothing within 0.5 s")

    def test_disk_space(self):
        outcome = self.run_guest("HANGS", MIN_FREE_BYTES=1 << 60, STOP_GRACE_S=0.1)
        self.assertEqual(outcome.cause, "disk")
        self.assertRegex(outcome.message, "are kept for the database")

    def test_panic(self):
        outcome = self.run_guest("PANICS")
        self.assertEqual((outcome.cause, outcome.in_order), ("panic", False))


if __name__ == "__main__":
    unittest.main()
