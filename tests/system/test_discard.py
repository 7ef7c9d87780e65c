"""trace=discard: when the host does not take the trace the guest goes on, and every event that was
dropped is counted."""

import contextlib
import io
import os
import unittest
import unittest.mock

import support
import record
from stalled import StalledRecording
from support import program, scenario

FORKSHARE = ("forkshare", "--size", "4M", "--children", "4", "--rounds", "1")


class DiscardTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("discard", scenario(
            [program(*FORKSHARE)], cpus=2, trace="discard", trace_buffers=4), None,
            StalledRecording)

    def test_the_guest_does_not_wait(self):
        self.assert_ended(self.recorded)
        self.assertEqual(self.recorded.exits, [("forkshare", 0)])
        self.assert_consistent(self.recorded)
        self.assertEqual(self.recorded.loss.stalled_ns, 0)

    def test_each_event_is_received_or_counted(self):
        for cpu, emitted, received, discarded, tail in self.recorded.rows(
                "SELECT cpu, emitted, received, discarded, tail FROM loss"):
            with self.subTest(cpu=cpu):
                self.assertGreater(discarded, 0)
                self.assertEqual(emitted, received + discarded)
                self.assertEqual(tail, "none")
        self.assertEqual(self.recorded.loss.received,
                         self.recorded.value("SELECT sum(n) FROM event_count"))

    def test_the_count_is_right(self):
        """The kernel's own counters, which nobody discards, say how many frees there were: the
        trace must have lost some, and no more than it says in all."""
        kernel, events = self.recorded.rows(
            "SELECT kernel, events FROM vmstat_check WHERE item = 'pgfree'")[0]
        self.assertLess(events, kernel)
        self.assertLessEqual(kernel - events, self.recorded.loss.discarded)

    def test_the_reader_says_from_when_on_it_guesses(self):
        uncertain = self.recorded.value("SELECT value FROM session WHERE key = 'uncertain_from'")
        begin, end = self.recorded.rows(
            "SELECT min(t), (SELECT t FROM session_end) FROM state_end")[0]
        self.assertGreater(uncertain, begin)
        self.assertLess(uncertain, end)

    def test_the_windows_have_all_discarded_events(self):
        self.assertEqual(self.recorded.rows("SELECT cpu, sum(events) FROM loss_window GROUP BY cpu"),
                         self.recorded.rows("SELECT cpu, discarded FROM loss"))
        self.assertEqual(self.recorded.rows("SELECT * FROM loss_window WHERE t_from > t_to"), [])
        uncertain = self.recorded.value("SELECT value FROM session WHERE key = 'uncertain_from'")
        self.assertEqual(self.recorded.value("SELECT min(t_begin) FROM uncertain"), uncertain)


class LosslessTest(support.SystemTest):
    """The same host, the default mode: the guest waits for it, and nothing is lost."""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("lossless", scenario(
            [program("hello"), program(*FORKSHARE)], cpus=2, trace_buffers=4), None,
            StalledRecording)

    def test_nothing_is_lost(self):
        self.assert_clean(self.recorded, [("hello", 0), ("forkshare", 0)])


class ExitStatusTest(support.SystemTest):

    def test_record_tells_by_its_status(self):
        """126: the program returned 0, but events were lost."""
        arguments = ["--memory", "24M", "--cpus", "1", "--trace", "discard",
                     "--param", "trace_buffers=4", "-o", str(self.directory / "session"),
                     "--", *FORKSHARE]
        terminal, messages = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        with (unittest.mock.patch.object(record, "Recording", StalledRecording),
              unittest.mock.patch.dict(os.environ, PALIMPSEST_SESSIONS=str(self.directory)),
              contextlib.redirect_stdout(terminal), contextlib.redirect_stderr(messages)):
            status = support.front_door().run("record", arguments)
        self.assertEqual(status, record.EXIT_EVENTS_LOST, messages.getvalue())
        self.assertRegex(messages.getvalue(), r"^palimpsest: .*: \d+ events, \d+ discarded, ")


if __name__ == "__main__":
    unittest.main()
