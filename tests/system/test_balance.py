"""Work goes where a CPU is free: six busy programs on four CPUs, judged by the trace alone."""

import re
import unittest

import support
from recording import Recording
from support import program, scenario

CPUS = 4
BUSY = 6
MILLISECOND = 1_000_000
# An idle CPU is woken by an interrupt; under emulation it may first have to wait for a processor of
# the host. Without the interrupt it would look at its next tick: 10 ms, half of that on average.
TYPICAL_IDLE_NS = 2 * MILLISECOND

# Spans in which a task waits in a queue, and in which a CPU runs its idle task. A task that became
# runnable, or left its CPU while it still was, waits until it gets a CPU.
SPANS = """
    CREATE TEMP TABLE waiting AS
    WITH change(id, t, pid, waits) AS (
        SELECT id, t, pid, 1 FROM sched_wakeup
        UNION ALL SELECT id, t, pid, 1 FROM sched_wakeup_new
        UNION ALL SELECT id, t, prev_pid, 1 FROM sched_switch WHERE prev_pid > 0 AND prev_state = 0
        UNION ALL SELECT id, t, prev_pid, 0 FROM sched_switch WHERE prev_pid > 0 AND prev_state > 0
        UNION ALL SELECT id, t, next_pid, 0 FROM sched_switch WHERE next_pid > 0
    ), following AS (
        SELECT pid, waits, t AS t_begin, lead(t) OVER (PARTITION BY pid ORDER BY id) AS t_end FROM change
    )
    SELECT pid, t_begin, t_end FROM following WHERE waits AND t_end IS NOT NULL;
    CREATE TEMP TABLE running AS
    SELECT cpu, next_pid AS pid, t AS t_begin, lead(t) OVER (PARTITION BY cpu ORDER BY id) AS t_end
    FROM sched_switch;
"""


class BalanceTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        spins = [program("spin", "--ms", "3000", mode="bg") for _ in range(BUSY)]
        cls.recorded = cls.record("busy", scenario(spins, cpus=CPUS))
        cls.halted: list[int] = []
        cls.lonely = cls.record("one", scenario([program("spin", "--ms", "1500")], cpus=CPUS),
                                cls._look_for_halted)

    @classmethod
    def _look_for_halted(cls, recording: Recording) -> None:
        recording.machine.console.wait_line(r"\[init\] start spin", support.SESSION_SECONDS)
        for _ in range(10):
            registers = recording.machine.qmp.execute(
                "human-monitor-command", {"command-line": "info registers -a"})
            cls.halted.append(len(re.findall(r"\bHLT=1\b", registers)))

    def setUp(self) -> None:
        self.database = support.session.open_database(self.recorded.directory)
        self.addCleanup(self.database.close)
        self.database.executescript(SPANS)

    def window(self) -> tuple[int, int]:
        """While all six were there to run."""
        return self.database.execute("""
            SELECT (SELECT max(t) FROM sched_process_exec WHERE comm = 'spin'),
                (SELECT min(t) FROM sched_process_exit WHERE comm = 'spin')""").fetchone()

    def test_sessions_are_clean(self):
        self.assert_clean(self.recorded, [("spin", 0)] * BUSY)
        self.assert_clean(self.lonely, [("spin", 0)])

    def test_no_cpu_idles_while_a_task_waits(self):
        begin, end = self.window()
        idle = [row[0] for row in self.database.execute("""
            SELECT max(min(running.t_end, waiting.t_end, :end)
                - max(running.t_begin, waiting.t_begin, :begin), 0) AS overlap
            FROM running JOIN waiting ON running.t_begin < waiting.t_end
                AND waiting.t_begin < running.t_end
            WHERE running.pid = 0 AND running.t_end > :begin AND running.t_begin < :end
            ORDER BY overlap""", {"begin": begin, "end": end})]
        # Of the time of four CPUs less than a fiftieth, and typically next to nothing at a time.
        self.assertLess(sum(idle), (end - begin) * CPUS / 50, idle[-10:])
        if idle:
            self.assertLess(idle[len(idle) // 2], TYPICAL_IDLE_NS, idle)

    def test_everybody_gets_a_fair_share(self):
        begin, end = self.window()
        shares = [row[0] for row in self.database.execute("""
            SELECT sum(min(t_end, :end) - max(t_begin, :begin)) FROM running
            WHERE pid IN (SELECT pid FROM sched_process_exec WHERE comm = 'spin')
                AND t_end > :begin AND t_begin < :end GROUP BY pid""",
                                                          {"begin": begin, "end": end})]
        self.assertEqual(len(shares), BUSY)
        fair = (end - begin) * CPUS / BUSY
        # Tasks that stayed where they began would get 1.5 and 0.75 of it. A CPU that its host leaves
        # waiting stretches the slice of whoever runs there, at the others' cost.
        self.assertLess(max(shares), 1.3 * fair, shares)
        self.assertGreater(min(shares), 0.5 * fair, shares)

    def test_tasks_move(self):
        moved = self.database.execute("""
            SELECT count(DISTINCT pid), count(DISTINCT dest_cpu), sum(orig_cpu = dest_cpu)
            FROM sched_migrate_task""").fetchone()
        self.assertEqual(moved[1:], (CPUS, 0))
        self.assertGreaterEqual(moved[0], BUSY // 2)

    def test_idle_cpus_are_halted(self):
        """One program runs: the other CPUs stand still, but for a tick."""
        self.assertGreaterEqual(sorted(self.halted)[len(self.halted) // 2], CPUS - 2, self.halted)


if __name__ == "__main__":
    unittest.main()
