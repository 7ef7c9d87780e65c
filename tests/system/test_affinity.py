"""Tasks run where they may: sched_setaffinity() under load, judged by the trace alone."""

import unittest

import support
from build import Build
from support import program, scenario

CPUS = 4
BUSY = 6

# Each time a task got a CPU after it, or who made it, had set where it may run.
CHOSEN = """
    CREATE TEMP TABLE chosen AS
    SELECT id, t, cpu, next_pid AS pid, (
        SELECT cpus FROM sched_affinity WHERE pid = next_pid AND sched_affinity.id < sched_switch.id
        ORDER BY id DESC LIMIT 1) AS cpus
    FROM sched_switch WHERE next_pid IN (SELECT pid FROM sched_affinity)
"""


class AffinityTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        path = Build().directory / "user" / "abi" / "affinity"
        spins = [program("spin", "--ms", "2000", mode="bg") for _ in range(BUSY)]
        pinned = support.Program("affinity", str(path), (), "fg", status=0)
        cls.recorded = cls.record("busy", scenario([*spins, pinned], cpus=CPUS))

    def setUp(self) -> None:
        self.database = support.session.open_database(self.recorded.directory)
        self.addCleanup(self.database.close)
        self.database.execute(CHOSEN)

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("spin", 0)] * BUSY + [("affinity", 0)])

    def test_a_task_runs_only_where_it_may(self):
        elsewhere = self.database.execute(
            "SELECT id, pid, cpu, cpus FROM chosen WHERE cpus IS NOT NULL AND NOT cpus >> cpu & 1").fetchall()
        self.assertEqual(elsewhere, [])
        seen = self.database.execute("""
            SELECT count(*), count(DISTINCT cpu) FROM chosen WHERE cpus & (cpus - 1) = 0""").fetchone()
        self.assertGreaterEqual(seen[0], 20 * CPUS)
        self.assertEqual(seen[1], CPUS)

    def test_a_task_leaves_at_once_the_cpu_that_it_may_not_use(self):
        """Who forbids itself its CPU runs no further there: its next switch is away from it, and it sleeps
        nowhere before it runs again."""
        stayed = self.database.execute("""
            SELECT a.id, a.pid, s.prev_state FROM sched_affinity a JOIN sched_switch s ON s.id = (
                SELECT min(id) FROM sched_switch WHERE id > a.id AND cpu = a.cpu)
            WHERE NOT a.cpus >> a.cpu & 1
                AND a.pid = (SELECT next_pid FROM sched_switch WHERE id < a.id AND cpu = a.cpu
                             ORDER BY id DESC LIMIT 1)
                AND (s.prev_pid <> a.pid OR s.prev_state <> 0)""").fetchall()
        self.assertEqual(stayed, [])


if __name__ == "__main__":
    unittest.main()
