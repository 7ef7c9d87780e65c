"""Who comes first and who gets how much: nice values and real-time priorities, judged by the trace alone."""

import unittest

import support
from build import Build
from support import scenario

MILLISECOND = 1_000_000

# How long each task had the CPU between two instants, by the name of its program.
SHARES = """
    WITH running AS (
        SELECT next_pid AS pid, t AS t_begin, lead(t) OVER (ORDER BY id) AS t_end FROM sched_switch)
    SELECT e.comm, sum(min(t_end, :end) - max(t_begin, :begin)) FROM running JOIN sched_process_exec e USING (pid)
    WHERE t_end > :begin AND t_begin < :end GROUP BY e.comm
"""


def spin(name: str, *arguments: str, mode: str = "bg"):
    return support.Program(name, str(Build().program("spin")), arguments, mode, status=0)


class PrioritiesTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.nice = cls.record("nice", scenario(
            [spin("plain", "--ms", "2500"), spin("nice5", "--ms", "2500", "--nice", "5")], cpus=1))
        cls.fifo = cls.record("fifo", scenario(
            [spin("plain", "--ms", "3000"), spin("fifo", "--ms", "2000", "--fifo", "7", mode="fg")], cpus=1))

    def test_real_time_tasks_go_where_they_come_first(self):
        recorded = self.record("rtpull", scenario([support.program("rtpull")], cpus=2))
        self.assertEqual([line for line in recorded.lines if line.startswith("FAIL")], [])
        self.assert_clean(recorded, [("rtpull", 0)])

    def shares(self, recorded, begin: int, end: int) -> dict[str, int]:
        return dict(recorded.database.execute(SHARES, {"begin": begin, "end": end}).fetchall())

    def test_sessions_are_clean(self):
        self.assert_clean(self.nice, [("plain", 0), ("nice5", 0)])
        self.assert_clean(self.fifo, [("plain", 0), ("fifo", 0)])

    def test_a_step_of_nice_is_a_quarter(self):
        begin = self.nice.value("SELECT max(t) FROM sched_process_exec") + 100 * MILLISECOND
        end = self.nice.value("SELECT min(t) FROM sched_process_exit WHERE comm IN ('plain', 'nice5')")
        shares = self.shares(self.nice, begin, end)
        # 1.25 ** 5 is 3.05; the tick is half a slice.
        self.assertGreater(shares["plain"] / shares["nice5"], 2.2, shares)
        self.assertLess(shares["plain"] / shares["nice5"], 4.2, shares)

    def test_fifo_comes_first_and_leaves_a_twentieth(self):
        begin = self.fifo.value("SELECT max(t) FROM sched_process_exec") + 20 * MILLISECOND
        end = self.fifo.value("SELECT min(t) FROM sched_process_exit WHERE comm = 'fifo'")
        shares = self.shares(self.fifo, begin, end)
        self.assertGreater(shares["fifo"], 0.85 * (end - begin), shares)
        self.assertGreater(shares["plain"], 0.01 * (end - begin), shares)


if __name__ == "__main__":
    unittest.main()
