"""Out of memory: one task dies, the one with the highest score, and its memory comes back. Also when processes or threads are
made without end, and when swap fails."""

import dataclasses
import signal
import unittest
from collections.abc import Callable
from pathlib import Path

import support
from build import Build
from recording import Recording
from scenario import Scenario
from support import program, scenario
from swapdisk import EIO, SwapBehaviour

# What the victim's death frees and what was predicted: pages may be evicted between the two.
TOLERANCE = 0.10
# What the bystander does after the kill.
MORE_ROUNDS = 5
# Of a debug kernel.
SLOWNESS = 10 if Build().is_debug else 1
# From the last page that found a place in swap to a kill, and from a kill to the return of the memory.
KILL_NS = 10_000_000_000
RETURN_NS = 2_000_000_000


def stop_when_bystander_goes_on(recording: Recording) -> None:
    console = recording.machine.console
    console.wait_line(r"\[init\] exit oomhog", support.SESSION_SECONDS)
    for _ in range(MORE_ROUNDS):
        console.wait_line(r"^thrash\.round_", support.SESSION_SECONDS)
    recording.machine.ctl("stop")


def wait_share(pid: int) -> float:
    """Time in which the process ran or waited for a processor of the host, by the time in which it ran."""
    ran = waited = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        thread_ran, thread_waited, _ = map(int, file.read_text().split())
        ran, waited = ran + thread_ran, waited + thread_waited
    return (ran + waited) / ran


class PromptTest(support.SystemTest):
    """Limits of time. Guest time goes on while the host lets QEMU wait: they are longer by the share of that, up to the first
    kill."""

    @classmethod
    def record(cls, name: str, wanted: Scenario, then: Callable[[Recording], None] | None = None) -> support.Session:
        share = 1.0

        def during(recording: Recording) -> None:
            nonlocal share
            recording.machine.console.wait_line("^oom: killed", support.SESSION_SECONDS)
            share = wait_share(recording.machine.pid)
            if then:
                then(recording)

        recorded = super().record(name, wanted, during)
        recorded.slowness = share * SLOWNESS
        return recorded

    def assert_prompt(self, recorded: support.Session) -> None:
        """A kill soon after memory was full; nothing of a victim mapped soon after its kill, and its address space gone."""
        waited = recorded.value("""
            SELECT killed.t - max((SELECT min(t) FROM mm_vmscan_direct_reclaim_begin),
                ifnull((SELECT max(t) FROM swap_slot_alloc WHERE t < killed.t), 0))
            FROM (SELECT min(t) AS t FROM mark_victim) AS killed""")
        self.assertLess(waited, KILL_NS * recorded.slowness)
        late = recorded.rows("""
            SELECT kill_id, last_mapping - t AS unmapped_ns, t_done - t AS gone_ns FROM (
                SELECT *, (SELECT max(t_end) FROM rmap_span WHERE mm_id = oom_kill.mm_id AND t_end >= oom_kill.t)
                    AS last_mapping FROM oom_kill)
            WHERE unmapped_ns > :limit OR gone_ns > :limit OR gone_ns IS NULL""", limit=RETURN_NS * recorded.slowness)
        self.assertEqual(late, [])

    def assert_kills(self, recorded: support.Session, names: list[str]) -> None:
        """These were killed, each by a decision of its own, and nobody was for nothing."""
        self.assertEqual(recorded.column("""
            SELECT comm FROM oom_kill JOIN oom_candidate USING (kill_id, pid) ORDER BY kill_id"""), names)
        self.assertEqual(recorded.value("SELECT count(*) FROM oom_invoked"), len(names))

    def assert_init_lives(self, recorded: support.Session) -> None:
        self.assertIn("init", recorded.column("SELECT comm FROM task_span WHERE pid = 1 AND t_end = :forever",
                                              forever=support.FOREVER))


class OomTest(PromptTest):

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

    def test_memory_comes_back_soon(self):
        for name, recorded in self.sessions.items():
            with self.subTest(name):
                self.assert_prompt(recorded)

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


class ThreadBombTest(PromptTest):
    """Threads without end fill memory: one kill ends them all, and spares who is not to be killed."""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("threads", scenario(
            [program("bomb", "--threads", "1")], memory="24M", swap="4M", cpus=2))

    def test_one_kill_suffices(self):
        self.assert_clean(self.recorded, [("bomb", 0)])
        self.assertEqual(self.recorded.value("SELECT count(*) FROM oom_kill WHERE freed_pages > 0"), 1)
        self.assertEqual(self.recorded.value("SELECT count(*) FROM oom_invoked"), 1)

    def test_memory_comes_back(self):
        self.assert_prompt(self.recorded)

    def test_who_is_exempt_is_told(self):
        self.assertEqual(self.recorded.rows("""
            SELECT comm, oom_score_adj, eligible, fate FROM oom_scoreboard ORDER BY eligible"""),
            [("bomb", -1000, "disabled", ""), ("bomb", 0, "eligible", "killed"), ("init", 0, "init", "")])


KILLS = 3


def stop_after_kills(recording: Recording) -> None:
    for _ in range(KILLS - 1):
        recording.machine.console.wait_line("^oom: killed", support.SESSION_SECONDS)
    recording.machine.ctl("stop")


class ForkBombTest(PromptTest):
    """Processes without end, each with memory of its own. The session is stopped in the middle of it: what a fork has done by
    halves is what the kernel's own check and the replay see."""

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("forks", scenario(
            [program("bomb", "--kills", "1000")], memory="64M", swap="8M", cpus=2), stop_after_kills)

    def test_consistent_in_the_middle_of_forks(self):
        self.assert_clean(self.recorded, [])

    def test_killed_soon(self):
        self.assertGreaterEqual(self.recorded.value("SELECT count(*) FROM oom_kill"), KILLS)
        self.assert_prompt(self.recorded)

    @unittest.skipIf(Build().is_debug, "slow, it may use up what real-time tasks get of a second")
    def test_who_frees_memory_comes_first(self):
        """From its first step after a kill on the reaper gives its CPU to nobody else who wants it, as long as it may."""
        reaper = self.recorded.value("SELECT pid FROM task_span WHERE comm = 'oom_reaper'")
        self.assertEqual(self.recorded.rows("""
            SELECT kill_id, t, began, preempted FROM (
                SELECT kill_id, t, began, (SELECT min(t) FROM sched_switch WHERE prev_pid = :reaper AND t >= began
                    AND t < began + :share AND t < t_done AND prev_state = 0) AS preempted FROM (
                    SELECT *, (SELECT min(t) FROM sched_switch WHERE next_pid = :reaper AND t >= oom_kill.t) AS began
                    FROM oom_kill))
            WHERE preempted IS NOT NULL""", reaper=reaper, share=100_000_000), [])

    def test_init_lives(self):
        self.assert_init_lives(self.recorded)


class SwapStateTest(PromptTest):
    """oomhog, again and again, with swap in every state it can be in: each is killed, and nobody else for it."""

    UNWRITABLE = tuple(range(1, 1024))
    # Few, and long after the pages of init, which has slept longest: it would die of what it cannot read.
    UNREADABLE = tuple(range(700, 732))

    @classmethod
    def prepare(cls) -> None:
        hog = program("oomhog", "--step", "256K")
        small = {"memory": "16M", "cpus": 2}
        reader = program("thrash", "--size", "20M", "--rounds", "1")
        plans = {
            "full": scenario([hog, hog], swap="4M", **small),
            "absent": scenario([hog, hog], swap="none", **small),
            "writes-fail": cls.failing(scenario([hog, hog], swap="4M", **small), write_errors=cls.UNWRITABLE),
            "reads-fail": cls.failing(scenario([reader, hog], swap="24M", **small), read_errors=cls.UNREADABLE),
        }
        cls.sessions = {name: cls.record(name, plan) for name, plan in plans.items()}

    @staticmethod
    def failing(plan: Scenario, **errors: tuple[int, ...]) -> Scenario:
        return dataclasses.replace(plan, swap_behaviour=SwapBehaviour(**errors))

    def test_one_kill_each(self):
        for name, kills in (("full", 2), ("absent", 2), ("writes-fail", 2), ("reads-fail", 1)):
            with self.subTest(name):
                self.assert_kills(self.sessions[name], ["oomhog"] * kills)
                self.assert_prompt(self.sessions[name])

    def test_only_they_die(self):
        hog, reader = ("oomhog", signal.SIGKILL), ("thrash", signal.SIGBUS)
        for name, exits in (("full", [hog, hog]), ("absent", [hog, hog]), ("writes-fail", [hog, hog]),
                            ("reads-fail", [hog, reader])):
            with self.subTest(name):
                self.assert_clean(self.sessions[name], exits)

    def test_swap_was_in_that_state(self):
        self.assertEqual(self.sessions["full"].value("SELECT max(nr_free_slots) FROM oom_invoked"), 0)
        self.assertEqual(self.sessions["absent"].value("SELECT nr_slots FROM session_begin"), 0)
        self.assertEqual(self.sessions["writes-fail"].column("SELECT DISTINCT error FROM swap_out_end"), [-EIO])
        self.assertGreater(self.sessions["reads-fail"].value("SELECT count(*) FROM swap_in_end WHERE error <> 0"), 0)


class AdjustmentTest(PromptTest):
    """oom_score_adj decides before size does."""

    @classmethod
    def prepare(cls) -> None:
        def adjusted(value: int, size: str):
            return program("choom", "-n", str(value), "/thrash", "--size", size, "--rounds", "1000000", mode="bg")

        cls.recorded = cls.record("adjusted", dataclasses.replace(
            scenario([adjusted(-1000, "7M"), adjusted(1000, "512K"), program("oomhog", "--step", "256K")],
                     memory="16M", swap="none", cpus=2),
            files=(("/thrash", str(Build().program("thrash"))),)), stop_when_bystander_goes_on)

    def test_order_of_death(self):
        """The small one that is to go first; then the one nothing was said of; never the one that is exempt."""
        self.assert_kills(self.recorded, ["thrash", "oomhog"])
        self.assert_clean(self.recorded, [("choom", signal.SIGKILL), ("oomhog", signal.SIGKILL)])
        self.assert_prompt(self.recorded)

    def test_the_scoreboard_says_why(self):
        self.assertEqual(self.recorded.rows("""
            SELECT comm, oom_score_adj, eligible, fate FROM oom_scoreboard
            WHERE kill_id = 1 AND comm <> 'init' ORDER BY oom_score_adj"""),
            [("thrash", -1000, "disabled", ""), ("oomhog", 0, "eligible", ""), ("thrash", 1000, "eligible", "killed")])
        scores = dict(self.recorded.rows("SELECT oom_score_adj, score FROM oom_candidate WHERE kill_id = 1"))
        self.assertGreater(scores[-1000], scores[1000])


if __name__ == "__main__":
    unittest.main()
