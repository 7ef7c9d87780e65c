"""Out of memory: one task dies, the one with the highest score, and its memory comes back."""

import signal
import unittest

import support
from recording import Recording
from support import program, scenario

# What the victim's death frees and what was predicted: pages may be evicted between the two.
TOLERANCE = 0.10
# What the bystander does after the kill.
MORE_ROUNDS = 5


def stop_when_bystander_goes_on(recording: Recording) -> None:
    console = recording.machine.console
    console.wait_line(r"\[init\] exit oomhog", support.SESSION_SECONDS)
    for _ in range(MORE_ROUNDS):
        console.wait_line(r"^thrash\.round_", support.SESSION_SECONDS)
    recording.machine.ctl("stop")


class OomTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        # The bystander verifies its pages round after round, and would not end by itself.
        plan = [program("thrash", "--size", "2M", "--rounds", "1000000", mode="bg"),
                program("oomhog", "--step", "256K")]
        cls.sessions = {name: cls.record(name, scenario(plan, memory="16M", swap=swap, cpus=2),
                                         stop_when_bystander_goes_on)
                        for name, swap in (("swap", "16M"), ("no-swap", "none"))}

    def test_survivors_are_unaffected(self):
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                self.assert_clean(recorded, [("oomhog", signal.SIGKILL)])
                alive = recorded.column("SELECT comm FROM task_span WHERE t_end = :forever",
                                        forever=support.FOREVER)
                self.assertIn("thrash", alive)
                self.assertEqual([line for line in recorded.lines if line.startswith("LOST")], [])

    def test_one_kill(self):
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                self.assertEqual(recorded.column("SELECT pid FROM oom_kill"),
                                 [recorded.pid("oomhog")])
                killed = recorded.column("SELECT pid FROM signal_generate WHERE sig = :kill",
                                         kill=signal.SIGKILL)
                self.assertEqual(killed, [recorded.pid("oomhog")])

    def test_last_resort(self):
        """Nothing was left: no slot, and hardly a frame."""
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                nr_free, low, slots = recorded.rows("""
                    SELECT nr_free, watermark_low, nr_free_slots FROM oom_kill, session_begin""")[0]
                self.assertLess(nr_free, low)
                self.assertEqual(slots, 0)

    def test_score_table(self):
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                candidates = recorded.rows("""
                    SELECT comm, eligible, resident, swapped, page_tables, score
                    FROM oom_candidate ORDER BY score DESC""")
                self.assertEqual({(comm, eligible) for comm, eligible, *_ in candidates},
                                 {("init", "init"), ("thrash", "eligible"), ("oomhog", "eligible")})
                for comm, _, resident, swapped, page_tables, score in candidates:
                    self.assertEqual(score, 2 * resident + swapped + page_tables, comm)
                self.assertEqual(candidates[0][0], "oomhog")
                self.assertGreater(candidates[0][5], candidates[1][5])

    def test_scores_are_what_the_trace_says(self):
        """Resident and swapped pages of each candidate, counted by the events up to the kill."""
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                counted = recorded.rows("""
                    SELECT candidate.comm,
                        candidate.resident, candidate.swapped, candidate.page_tables,
                        (SELECT count(*) FROM pte_span WHERE mm_id = task.mm_id AND kind = 'page'
                            AND t_begin <= scored.t AND scored.t < t_end),
                        (SELECT count(*) FROM pte_span WHERE mm_id = task.mm_id AND kind = 'swap'
                            AND t_begin <= scored.t AND scored.t < t_end),
                        (SELECT count(*) + 1 FROM pgtable_span WHERE mm_id = task.mm_id
                            AND t_begin <= scored.t AND scored.t < t_end)
                    FROM oom_candidate AS candidate JOIN oom_score AS scored USING (kill_id, pid)
                    JOIN task_span AS task ON task.pid = candidate.pid
                        AND task.t_begin <= scored.t AND scored.t < task.t_end""")
                self.assertEqual(len(counted), 3)
                for comm, *terms in counted:
                    self.assertEqual(terms[:3], terms[3:], comm)

    def test_its_memory_comes_back(self):
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                predicted, freed, t, t_done = recorded.rows(
                    "SELECT predicted_pages, freed_pages, t, t_done FROM oom_kill")[0]
                self.assertGreater(predicted, 1000)
                self.assertAlmostEqual(freed, predicted, delta=TOLERANCE * predicted)
                self.assertLess(t, t_done)
                mm = recorded.value("SELECT mm_id FROM oom_kill")
                self.assertEqual(recorded.rows(
                    "SELECT * FROM rmap_span WHERE mm_id = :mm AND t_end > :t LIMIT 3",
                    mm=mm, t=t_done), [])


class ThreadBombTest(support.SystemTest):
    """Threads without end fill memory: one kill ends them all, and spares who is not to be killed."""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("threads", scenario(
            [program("bomb", "--threads", "1")], memory="24M", swap="4M", cpus=2))

    def test_one_kill_suffices(self):
        self.assert_clean(self.recorded, [("bomb", 0)])
        self.assertEqual(self.recorded.value("SELECT count(*) FROM oom_kill WHERE freed_pages > 0"), 1)
        self.assertEqual(self.recorded.value("SELECT count(*) FROM oom_invoked"), 1)

    def test_who_is_exempt_is_told(self):
        self.assertEqual(self.recorded.rows("""
            SELECT comm, oom_score_adj, eligible, fate FROM oom_scoreboard ORDER BY eligible"""),
            [("bomb", -1000, "disabled", ""), ("bomb", 0, "eligible", "killed"), ("init", 0, "init", "")])


if __name__ == "__main__":
    unittest.main()
