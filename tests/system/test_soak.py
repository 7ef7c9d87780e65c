"""Everything at once on four CPUs, several times: no hang, no lost byte, no disagreement.

SOAK_RUNS in the environment sets how often; each run has seeds of its own.
"""

import os
import shutil
import unittest

import support
from support import program, scenario

RUNS = int(os.environ.get("SOAK_RUNS", "2"))


class SoakTest(support.SystemTest):

    def test_four_workloads_on_four_cpus(self):
        for run in range(1, RUNS + 1):
            with self.subTest(run=run):
                recorded = self.record(f"run-{run}", scenario(
                    [program("thrash", "--size", "20M", "--rounds", "1", "--seed", str(run),
                             mode="bg"),
                     program("forkshare", "--size", "6M", "--children", "4", "--rounds", "1",
                             "--seed", str(run), mode="bg"),
                     program("mapchurn", "--size", "16M", "--steps", "1000", "--range", "256",
                             "--seed", str(run), mode="bg"),
                     program("forktree", "--size", "3M", "--depth", "3", "--width", "3", "--seed",
                             str(run))],
                    cpus=4, swap="128M"))
                self.assert_clean(recorded, [("forkshare", 0), ("forktree", 0), ("mapchurn", 0),
                                             ("thrash", 0)])
                self.assertEqual([line for line in recorded.lines if "LOST" in line], [])
                self.assertGreater(recorded.value("SELECT count(*) FROM swap_io"), 5_000)
                ran_on = recorded.column("SELECT DISTINCT cpu FROM fault ORDER BY cpu")
                self.assertEqual(ran_on, [0, 1, 2, 3])
                # Twenty sessions are more than some disks hold.
                shutil.rmtree(recorded.directory)


if __name__ == "__main__":
    unittest.main()
