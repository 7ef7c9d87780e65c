"""scenarios/threads.toml: sixteen threads of one process, of each C library, in too little memory lose no byte; execs by threads."""

import re
import signal
import unittest

import support
import scenario

SCENARIO = support.ROOT / "scenarios" / "threads.toml"
PROGRAMS = ("threads", "threads-glibc")
THREADS, ROUNDS = 16, 2


class ThreadsTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.session = cls.record("threads", scenario.load(SCENARIO))

    def test_no_content_was_lost(self):
        self.assert_clean(self.session, [(name, 0) for name in PROGRAMS])
        self.assertEqual([line for line in self.session.lines if "LOST" in line], [])

    def test_threads_are_those_of_the_trace(self):
        told = [int(found[1]) for line in self.session.lines
                if (found := re.fullmatch(r"threads\.created (\d+) threads", line))]
        traced = [self.session.value("SELECT count(DISTINCT pid) FROM task_span WHERE tgid = :tgid AND pid <> tgid",
                                     tgid=self.session.pid(name)) for name in PROGRAMS]
        self.assertEqual(told, traced)
        self.assertGreater(min(told), THREADS * ROUNDS)

    def test_threads_waited_for_the_disk_at_once(self):
        for name in PROGRAMS:
            at_once = self.session.value(
                """SELECT max((SELECT count(DISTINCT b.pid) FROM fault b JOIN task_span s ON s.pid = b.pid
                              WHERE s.tgid = :tgid AND b.result = 'major' AND b.t <= a.t AND a.t < b.t + b.latency_ns))
                   FROM fault a JOIN task_span t ON t.pid = a.pid
                   WHERE t.tgid = :tgid AND a.result = 'major' AND a.id % 16 = 0""", tgid=self.session.pid(name))
            self.assertGreaterEqual(at_once, 4, name)

    def test_all_cpus_ran_them(self):
        for name in PROGRAMS:
            self.assertEqual(self.session.value(
                """SELECT count(DISTINCT cpu) FROM fault JOIN task_span USING (pid) WHERE tgid = :tgid""",
                tgid=self.session.pid(name)), self.session.wanted.cpus, name)

    def test_memory_equals_the_trace(self):
        self.assert_verified(self.session)


class ExecTest(support.SystemTest):
    """Execs by a thread that is not the leader."""

    @classmethod
    def prepare(cls) -> None:
        cls.session = cls.record("exec", support.scenario([support.program("halfexec")], memory="24M", swap="16M", cpus=2))

    def test_the_status_is_that_of_the_thread_that_execed(self):
        self.assert_clean(self.session, [("halfexec", 3 << 8)])
        self.assertEqual([(run.name, run.status) for run in support.results.program_runs(self.session.database)],
                         [("exe", 3 << 8)])

    def test_no_way_back_without_the_other_threads(self):
        self.assertIn(f"halfexec.status {signal.SIGSEGV}", self.session.lines)


if __name__ == "__main__":
    unittest.main()
