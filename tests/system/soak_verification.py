"""The full proof: ten million events on four CPUs under everything at once, and guest memory equals the trace whenever it is looked
at. `make soak PARTS=verify` runs it; SOAK_BARRIERS (100) and SOAK_ARBITRARY (50) set at how many instants.
"""

import os
import unittest

import support
import verification
from instants import Plan
from support import program, scenario

BARRIERS = int(os.environ.get("SOAK_BARRIERS", "100"))
ARBITRARY = int(os.environ.get("SOAK_ARBITRARY", "50"))
MAX_BUSY = 64
# The workload is longer than the instants need: thirteen rounds make some 13 million events, of 21 bytes of trace each, fewer
# where the host is quick and less is swapped.
NEEDED = 10_000_000 * (BARRIERS + ARBITRARY) // 150
EVERY_BYTES = 1200 << 10
ROUNDS = -(-(BARRIERS + ARBITRARY) // 12)


class VerificationSoak(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("soak", scenario(
            [program("thrash", "--size", "28M", "--rounds", str(ROUNDS), mode="bg"),
             program("forkshare", "--size", "8M", "--children", "4", "--rounds", str(ROUNDS), mode="bg"),
             program("mapchurn", "--size", "16M", "--steps", str(300 * ROUNDS), "--range", "128", mode="bg"),
             *[program("oomhog")] * 4],
            memory="28M", cpus=4, swap="128M", timeout_s=3600,
            verify=Plan(BARRIERS, ARBITRARY, EVERY_BYTES)))

    def test_memory_equals_the_trace(self):
        recorded = self.recorded
        self.assert_clean(recorded, [("thrash", 0), ("forkshare", 0), ("mapchurn", 0), *[("oomhog", 9)] * 4])
        self.assertGreaterEqual(recorded.loss.received, NEEDED)
        self.assertEqual(recorded.value("SELECT count(*) FROM oom_kill"), 4)
        found, failures = verification.check(recorded.directory, recorded.database)
        self.assertEqual(failures, [])
        kinds = [one.kind for one in found]
        self.assertEqual((kinds.count("barrier"), kinds.count("arbitrary")), (BARRIERS, ARBITRARY))
        for one in found:
            self.assertEqual(verification.lines(one)[1:], [])
            self.assertLessEqual(len(one.busy), 0 if one.kind == "barrier" else MAX_BUSY)
        print(f"{recorded.loss.received} events, {sum(one.objects for one in found)} objects compared at "
              f"{len(found)} instants, {sum(len(one.busy) for one in found)} busy, 0 different")


if __name__ == "__main__":
    unittest.main()
