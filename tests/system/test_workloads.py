"""The workloads that the other tests do not run, in too little memory: each finds every page, and
the trace holds."""

import re
import unittest

import support
from support import program, scenario


class WorkloadTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("workloads", scenario(
            [program("seqscan", "--size", "16M", "--passes", "1"),
             program("zipf", "--size", "16M", "--rounds", "1"),
             program("hotcold", "--size", "16M", "--sweeps", "1"),
             program("mapchurn", "--size", "32M", "--steps", "1000", "--range", "256"),
             program("forktree", "--size", "3M", "--depth", "2", "--width", "3"),
             program("forktree", "--size", "4M", "--depth", "10", "--width", "1")],
            memory="16M", cpus=2))

    def figure(self, name: str) -> int:
        values = re.findall(rf"^{re.escape(name)} (\d+) \w+$", "\n".join(self.recorded.lines),
                            re.MULTILINE)
        self.assertEqual(len(values), 1, name)
        return int(values[0])

    def test_programs_find_every_page(self):
        self.assert_clean(self.recorded, [("seqscan", 0), ("zipf", 0), ("hotcold", 0),
                                          ("mapchurn", 0), ("forktree", 0), ("forktree", 0)])
        self.assertEqual([line for line in self.recorded.lines if "LOST" in line], [])

    def test_orphans_ended_well(self):
        orphans = re.findall(r"orphan pid \d+ status (\d+)", "\n".join(self.recorded.lines))
        self.assertGreater(len(orphans), 0)
        self.assertEqual(set(orphans), {"0"})

    def test_major_faults_are_those_of_the_trace(self):
        for name in ("seqscan", "zipf", "hotcold"):
            told = self.figure(f"{name}.majflt")
            traced = self.recorded.value(
                "SELECT count(*) FROM fault WHERE result = 'major' AND pid = :pid",
                pid=self.recorded.pid(name))
            # Printing the figure and leaving may take a fault or two more.
            self.assertTrue(told <= traced <= told + 4, (name, told, traced))

    def test_hot_pages_are_lost_and_counted(self):
        self.assertGreater(self.figure("hotcold.hot_lost"), 0)
        self.assertLess(self.figure("hotcold.hot_lost"), self.figure("hotcold.hot_visits"))


if __name__ == "__main__":
    unittest.main()
