"""Everything at once on four CPUs, several times: no hang, no lost byte, no disagreement.

SOAK_RUNS in the environment sets how often.
"""

import os
import unittest

import support
from support import program, scenario

RUNS = int(os.environ.get("SOAK_RUNS", "2"))


class SoakTest(support.SystemTest):

    def test_thrash_beside_forkshare(self):
        for run in range(1, RUNS + 1):
            with self.subTest(run=run):
                recorded = self.record(f"run-{run}", scenario(
                    [program("thrash", "--size", "24M", "--rounds", "1", "--seed", str(run),
                             mode="bg"),
                     program("forkshare", "--size", "8M", "--children", "4", "--rounds", "1",
                             "--seed", str(run), mode="bg"),
                     program("forkshare", "--size", "6M", "--children", "8", "--rounds", "1",
                             "--seed", str(run + RUNS))],
                    cpus=4, swap="128M"))
                self.assert_clean(recorded, [("forkshare", 0), ("forkshare", 0), ("thrash", 0)])
                self.assertGreater(recorded.value("SELECT count(*) FROM swap_io"), 10_000)
                ran_on = recorded.column("SELECT DISTINCT cpu FROM fault ORDER BY cpu")
                self.assertEqual(ran_on, [0, 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
