"""System V shared memory under pressure: what is locked stays, the rest is swapped and comes back. What the calls answer is
compared with Linux by user/tests/abi/shm.c."""

import unittest

import support
from support import program, scenario


class ShmTest(support.SystemTest):

    @classmethod
    def prepare(cls) -> None:
        cls.recorded = cls.record("shm", scenario([program("shmlock")], memory="24M", swap="48M", cpus=2))

    def test_session_is_clean(self):
        self.assert_clean(self.recorded, [("shmlock", 0)])
        self.assertIn("ok shmlock_under_pressure", self.recorded.lines)

    def test_reclaim_put_the_locked_pages_aside(self):
        self.assertGreater(self.recorded.value(
            "SELECT count(*) FROM reclaim_decision JOIN enum_name ON enum = 'reclaim_verdict' AND value = verdict "
            "WHERE name = 'unevictable'"), 500)


if __name__ == "__main__":
    unittest.main()
