"""An int3 in the kernel enters the monitor with the machine at a standstill, and leaves it again."""

import unittest

import support
from console import BARRIER_LINE, CONTINUE_LINE
from recording import Recording
from support import program, scenario


def look_around(recording: Recording) -> None:
    console = recording.machine.console
    console.wait_line(r"\[monitor\] breakpoint at ffffffff", support.SESSION_SECONDS)
    console.wait_line(BARRIER_LINE, support.SESSION_SECONDS)
    console.send(b"bt\n")
    console.wait_line("^bt [0-9]+ cpu [01] comm ", support.SESSION_SECONDS)
    console.wait_line(r"^  ffffffff[0-9a-f]{8} init_thread\+0x", support.SESSION_SECONDS)
    console.send(b"check\n")
    console.wait_line("^mm_check: clean$", support.SESSION_SECONDS)
    console.send(b"continue\n")
    console.wait_line(CONTINUE_LINE, support.SESSION_SECONDS)


class BreakpointTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        # "break" is a word of Python's: it cannot be a keyword argument.
        cls.recorded = cls.record("break", scenario([program("hello")], cpus=2, **{"break": "init"}),
                                  look_around)

    def test_machine_goes_on(self):
        self.assert_ended(self.recorded)
        self.assert_complete(self.recorded)
        self.assertEqual(self.recorded.exits, [("hello", 0)])

    def test_barrier_is_in_the_trace(self):
        self.assertEqual(self.recorded.value("SELECT count(*) FROM trace_barrier"), 1)


if __name__ == "__main__":
    unittest.main()
