"""Random system calls for a long time (`make soak PARTS=calls`): the kernel lives, its structures agree,
its trace is whole, and what was free is free again."""

import os
import re
import resource
import unittest

import support
from support import program, scenario

# Of processor time, of whatever a session takes: mostly the guest's.
SECONDS = int(os.environ.get("SOAK_CALL_SECONDS", "60"))
ROUNDS, PROCESSES, CALLS = 64, 8, 560
# What is free after a round differs by some 100 kB: pages on the lists of CPUs, stacks of tasks that have just ended. The
# most that is free in some rounds differs by a third of that; what leaks, even 6 kB a round, is missing in all later ones.
WINDOW = 4
SLACK_KB = 64
FREE = re.compile(r"\bfree (\d+) (\d+)$")
MADE = re.compile(r"\bcalls (\d+)$")


def used_seconds() -> float:
    """Processor time of the sessions that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class RandomCalls(support.SystemTest):

    def test_nothing_breaks_or_leaks(self):
        seed, made, begin = 0, 0, used_seconds()
        while seed == 0 or used_seconds() - begin < SECONDS:
            seed += 1
            cpus = (1, 4)[seed % 2]
            with self.subTest(seed=seed, cpus=cpus):
                made += self.run_session(seed, cpus)
        print(f"{made} system calls with random arguments in {seed} sessions, "
              f"seeds 1 to {seed}, {used_seconds() - begin:.0f} s of processor time")

    def run_session(self, seed: int, cpus: int) -> int:
        """Returns how many calls returned."""
        arguments = ["--seed", seed, "--rounds", ROUNDS, "--processes", PROCESSES, "--calls", CALLS]
        recorded = self.record(f"calls-{seed}", scenario(
            [program("random_calls", *map(str, arguments))], memory="48M", cpus=cpus, seed=seed))
        self.assert_clean(recorded, [("random_calls", 0)])
        free = [int(found[2]) for found in map(FREE.search, recorded.lines) if found]
        self.assertEqual(len(free), ROUNDS)
        # The first round fills caches.
        self.assertGreaterEqual(max(free[-WINDOW:]) + SLACK_KB, max(free[1:1 + WINDOW]),
                                f"free kB after each round: {free}")
        [made] = [int(found[1]) for found in map(MADE.search, recorded.lines) if found]
        self.assertGreater(made, ROUNDS * PROCESSES * CALLS // 4)
        return made


if __name__ == "__main__":
    unittest.main()
