"""Reading what the instruction counter wrote."""

import sys
import unittest

from support import ROOT

sys.path[:0] = [str(ROOT / "bench")]

import counts  # noqa: E402
from counts import Count  # noqa: E402
from errors import ToolError  # noqa: E402


class CountsTest(unittest.TestCase):
    def parse(self, *lines: str) -> counts.Counts:
        return counts.parse([line + "\n" for line in lines])

    def test_a_section_is_the_difference_of_its_marks(self):
        run = self.parse("mark 3 10 100 0", "mark 4 15 160 7", "mark 3 20 200 7",
                         "mark 4 21 202 7", "end 30 300 9")
        self.assertEqual([s.count for s in run.sections], [Count(5, 60, 7), Count(1, 2, 0)])
        self.assertEqual(run.end, Count(30, 300, 9))

    def test_functions_belong_to_the_spans_open_before_their_mark(self):
        run = self.parse("mark 1 0 0 0", "function boot 9", "mark 3 1 1 0", "function fork 2",
                         "mark 4 2 5 0", "function fork 3", "function exit 1",
                         "mark 2 3 6 0",
                         "function exit 4", "end 4 7 0", "function halt 1")
        self.assertEqual(run.sections[0].functions, {"fork": 3, "exit": 1})
        self.assertEqual(run.programs[0].functions, {"fork": 5, "exit": 5})

    def test_starts_are_known_by_their_address(self):
        run = self.parse("start 0x100000 7 0 0", "end 8 1 0")
        self.assertEqual(run.starts, {0x100000: Count(7, 0)})

    def test_a_run_that_was_cut_is_an_error(self):
        with self.assertRaisesRegex(ToolError, "QEMU was killed"):
            self.parse("mark 3 10 100 0")

    def test_marks_that_do_not_pair_are_an_error(self):
        for lines in (["mark 4 1 1 0"], ["mark 3 1 1 0", "mark 3 2 2 0"],
                      ["mark 9 1 1 0"]):
            with self.assertRaisesRegex(ToolError, "mark"):
                self.parse(*lines, "end 3 3 0")

    def test_other_lines_are_an_error(self):
        with self.assertRaisesRegex(ToolError, "not a line of the counter"):
            self.parse("marks 1 2 3")


if __name__ == "__main__":
    unittest.main()
