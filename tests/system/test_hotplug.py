"""CPUs are taken off and brought back while programs swap: nothing is lost, and memory equals the trace."""

import unittest

import support
import verification
from instants import Plan
from support import program, scenario

CPUS = 4
ROUNDS = 50
MAX_BUSY = 64


class HotplugTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("pressure", scenario(
            [program("thrash", "--size", "16M", "--rounds", "2", mode="bg"),
             program("mapchurn", "--size", "8M", "--steps", "300", "--range", "64", mode="bg"),
             program("hotplug", "--rounds", str(ROUNDS), mode="bg")],
            memory="16M", cpus=CPUS, verify=Plan(barriers=3, arbitrary=2, every_bytes=256 << 10)))

    def test_session_is_clean(self):
        self.assertEqual([line for line in self.recorded.lines if line.startswith("FAIL")], [])
        self.assert_clean(self.recorded, [("thrash", 0), ("mapchurn", 0), ("hotplug", 0)])

    def test_there_was_pressure_while_cpus_went(self):
        self.assertGreater(self.recorded.value("""
            SELECT count(*) FROM eviction
            WHERE t BETWEEN (SELECT min(t) FROM cpu_offline) AND (SELECT max(t) FROM cpu_offline)"""), 500)
        self.assertGreaterEqual(self.recorded.value("SELECT count(*) FROM cpu_offline"), ROUNDS)
        self.assertEqual(self.recorded.column("SELECT DISTINCT arg_cpu FROM cpu_offline ORDER BY 1"),
                         list(range(1, CPUS)))

    def test_a_cpu_that_is_away_does_nothing(self):
        """Nothing is told by it, and no task is sent there; afterwards it works again."""
        away = """
            SELECT arg_cpu AS cpu, id AS first, (
                SELECT min(id) FROM cpu_online WHERE cpu_online.id > cpu_offline.id
                    AND cpu_online.arg_cpu = cpu_offline.arg_cpu) AS last FROM cpu_offline"""
        for table, column in (("sched_switch", "cpu"), ("mm_page_alloc", "cpu"), ("sched_wakeup", "target_cpu"), ("sched_migrate_task", "dest_cpu")):
            self.assertEqual(self.recorded.rows(f"""
                SELECT away.cpu, {table}.id FROM ({away}) AS away JOIN {table}
                ON {table}.id > first AND {table}.id < last WHERE {table}.{column} = away.cpu LIMIT 5"""), [], table)
        self.assertEqual(self.recorded.value(f"SELECT count(*) FROM ({away}) WHERE last IS NULL"), 0)
        self.assertEqual(self.recorded.value(f"""
            SELECT count(DISTINCT away.cpu) FROM ({away}) AS away JOIN sched_switch
            ON sched_switch.cpu = away.cpu AND sched_switch.id > last"""), CPUS - 1)

    def test_memory_equals_the_trace(self):
        found, failures = verification.check(self.recorded.directory, self.recorded.database)
        self.assertEqual(failures, [])
        self.assertEqual(sorted(one.kind for one in found), ["arbitrary"] * 2 + ["barrier"] * 3)
        for one in found:
            self.assertEqual(verification.lines(one)[1:], [])
            self.assertLessEqual(len(one.busy), 0 if one.kind == "barrier" else MAX_BUSY)


if __name__ == "__main__":
    unittest.main()
