"""The kernel boots on 1, 2 and 4 CPUs, and all of them work."""

import unittest

import support
from support import program, scenario


class BootTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.booted = {cpus: cls.record(f"hello-{cpus}", scenario(
            [program("hello", "first argument")], cpus=cpus)) for cpus in (1, 2, 4)}
        cls.busy = cls.record("forkshare-4", scenario(
            [program("forkshare", "--size", "4M", "--children", "8", "--rounds", "1")], cpus=4))

    def test_hello(self):
        for cpus, recorded in self.booted.items():
            with self.subTest(cpus=cpus):
                self.assert_clean(recorded, [("hello", 0)])
                pid = recorded.pid("hello")
                self.assertIn(f"hello from pid {pid}", recorded.lines)
                self.assertIn("argument 1 first argument", recorded.lines)

    def test_every_cpu_is_there(self):
        for cpus, recorded in self.booted.items():
            with self.subTest(cpus=cpus):
                self.assertEqual(recorded.value("SELECT nr_cpus FROM session_begin"), cpus)
                self.assertEqual(
                    recorded.column("SELECT arg_cpu FROM state_cpu ORDER BY arg_cpu"),
                    list(range(cpus)))
                self.assertEqual(recorded.column("SELECT cpu FROM loss ORDER BY cpu"),
                                 list(range(cpus)))

    def test_every_cpu_runs_programs(self):
        self.assert_clean(self.busy, [("forkshare", 0)])
        ran_on = self.busy.column("""
            SELECT DISTINCT cpu FROM sched_switch
            WHERE next_pid IN (SELECT pid FROM task_span WHERE comm = 'forkshare')
            ORDER BY cpu""")
        self.assertEqual(ran_on, [0, 1, 2, 3])
        self.assertEqual(self.busy.column("SELECT DISTINCT cpu FROM fault ORDER BY cpu"),
                         [0, 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
